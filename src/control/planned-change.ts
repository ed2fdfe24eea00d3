/** What a write of the admin API is going to do. */
import { type Change, collections, type Kind } from '../core/change.ts'
import type { ConfigState } from '../core/config-state.ts'

/** A change, and where it stands in what the client sent. */
export interface PlannedChange {
  readonly change: Change
  /** JSON pointer of the item: `''` for a single item, `/forward_rules/3` in a document. Faults point below it. */
  readonly pointer: string
  /** API keys that were made for the item: the id of the entry, and the key, which nobody can read again. */
  readonly madeKeys?: ReadonlyMap<string, string>
}

/** An item of what the client sent, and where it stands in it. */
export interface SentItem {
  readonly kind: Kind
  readonly id: string
  readonly pointer: string
}

/**
 * Decides the changes from the state; run again when another writer was faster. May throw any error of `src/errors.ts`. One that has to
 * read first answers later: other writes wait meanwhile.
 */
export type Plan = (state: ConfigState) => readonly PlannedChange[] | Promise<readonly PlannedChange[]>

/** Ids of the rules that the changes put or delete. */
export function* rulesOf(changes: readonly PlannedChange[]): Generator<string> {
  for (const { change } of changes) if (change.kind === 'forward_rule') yield change.id
}

/** Where faults of a rule point: into what was sent, or into the configuration when the rule is not part of that. */
export function rulePointer(id: string, changes: readonly PlannedChange[], sent: readonly SentItem[] = []): string {
  const planned = changes.find(({ change }) => change.kind === 'forward_rule' && change.id === id)
  const item = planned ?? sent.find(item => item.kind === 'forward_rule' && item.id === id)
  return item?.pointer ?? `/${collections.forward_rule}/${id}`
}
