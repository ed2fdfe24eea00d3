/** What a write of the admin API is going to do. */
import type { Change } from '../core/change.ts'
import type { ConfigState } from '../core/config-state.ts'

/** A change, and where it stands in what the client sent. */
export interface PlannedChange {
  readonly change: Change
  /** JSON pointer of the item: `''` for a single item, `/forward_rules/3` in a document. Faults point below it. */
  readonly pointer: string
}

/**
 * Decides the changes from the state; run again when another writer was faster. May throw any error of `src/errors.ts`. One that has to
 * read first answers later: other writes wait meanwhile.
 */
export type Plan = (state: ConfigState) => readonly PlannedChange[] | Promise<readonly PlannedChange[]>
