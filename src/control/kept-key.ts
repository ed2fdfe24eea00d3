/** The private keys of certificates: no answer shows them, so what was answered and is written back must not lose them. */
import type { Kind } from '../core/change.ts'
import type { ConfigState } from '../core/config-state.ts'
import type { ItemRef } from './config-diff.ts'
import { isRecord } from './is-record.ts'
import type { PlannedChange } from './planned-change.ts'

/** What answers add and nobody writes. */
const readOnlyFields: ReadonlySet<string> = new Set(['not_before', 'not_after', 'issuer', 'subject', 'fingerprint'])

/** The item as it is to be stored: of a certificate, without what answers add, and with the stored key when it names none. */
export function withKeptKey(state: ConfigState, { kind, id }: ItemRef, item: unknown): unknown {
  if (kind !== 'certificate' || !isRecord(item)) return item
  const own = Object.fromEntries(Object.entries(item).filter(([name]) => !readOnlyFields.has(name)))
  if (Object.hasOwn(own, 'key')) return own
  const stored = state.held(kind, id)?.stored.item ?? state.get(kind, id)?.written
  return isRecord(stored) && Object.hasOwn(stored, 'key') ? { ...own, key: stored.key } : own
}

/** The changes with every certificate as it is to be stored. */
export function keepKeys(state: ConfigState, changes: readonly PlannedChange[]): readonly PlannedChange[] {
  return changes.map(planned => {
    const { change } = planned
    if (change.op === 'delete' || change.kind !== 'certificate') return planned
    return { ...planned, change: { ...change, item: withKeptKey(state, change, change.item) } }
  })
}

/** An item, as it was written, in a form that may be shown. */
export function withoutKey(kind: Kind, item: unknown): unknown {
  if (kind !== 'certificate' || !isRecord(item)) return item
  const { key: _key, ...rest } = item
  return rest
}
