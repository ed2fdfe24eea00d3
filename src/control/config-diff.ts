/** What differs between two states of the configuration, item by item. */
import type { Kind } from '../core/change.ts'
import type { ConfigState } from '../core/config-state.ts'
import { isRecord } from './is-record.ts'
import { escapePointer } from './schema-faults.ts'

/** What happened to one item. */
export interface DiffEntry {
  readonly op: 'create' | 'update' | 'delete' | 'unchanged'
  readonly kind: Kind
  readonly id: string
  /** JSON pointers into the canonical item to what differs, for an update. Lists count as a whole. */
  readonly changed?: readonly string[]
}

export interface ItemRef {
  readonly kind: Kind
  readonly id: string
}

/** Compares the named items in canonical form, in the order they are named. */
export function diffStates(before: ConfigState, after: ConfigState, refs: Iterable<ItemRef>): DiffEntry[] {
  return [...refs].map(({ kind, id }) => diffItem(kind, id, before.get(kind, id)?.item, after.get(kind, id)?.item))
}

function diffItem(kind: Kind, id: string, before: unknown, after: unknown): DiffEntry {
  if (before === undefined) return { op: after === undefined ? 'unchanged' : 'create', kind, id }
  if (after === undefined) return { op: 'delete', kind, id }
  const changed = differences(before, after)
  return changed.length === 0 ? { op: 'unchanged', kind, id } : { op: 'update', kind, id, changed }
}

/** JSON pointers to the values in which two JSON values differ. Objects are looked into, lists are not. Field order does not count. */
export function differences(before: unknown, after: unknown, pointer = ''): string[] {
  if (Object.is(before, after)) return []
  if (isRecord(before) && isRecord(after)) {
    const keys = new Set([...Object.keys(before), ...Object.keys(after)])
    return [...keys].flatMap(key => differences(before[key], after[key], `${pointer}/${escapePointer(key)}`))
  }
  if (Array.isArray(before) && Array.isArray(after)) {
    const isSame = before.length === after.length && before.every((value, index) => differences(value, after[index]).length === 0)
    return isSame ? [] : [pointer]
  }
  return [pointer]
}
