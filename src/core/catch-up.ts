/** What a full load changes: only the items that differ from what this instance holds, so that a reload compiles only those. */
import type { CommittedChange, ConfigSet, StoredItem } from './change.ts'
import type { ConfigState } from './config-state.ts'
import { keyOf } from './live-item.ts'

/** The changes that bring `state` to `set`. */
export function changesTo(state: ConfigState, set: ConfigSet): CommittedChange[] {
  const changes: CommittedChange[] = []
  const listed = new Set<string>()
  for (const stored of set.items) {
    listed.add(keyOf(stored.kind, stored.id))
    if (!isHeldAs(state, stored)) changes.push({ op: 'put', ...stored })
  }
  for (const { kind, id } of state.known()) if (!listed.has(keyOf(kind, id))) changes.push({ op: 'delete', kind, id })
  return changes
}

/** The changes that bring the rules from beside the store to `items`, by id. */
export function overlayChanges(state: ConfigState, items: ReadonlyMap<string, StoredItem>): CommittedChange[] {
  const puts = [...items.values()].filter(stored => !isHeldAs(state, stored)).map((stored): CommittedChange => ({ op: 'put', ...stored }))
  const gone = [...state.overlay()].filter(({ id }) => !items.has(id)).map(({ kind, id }): CommittedChange => ({ op: 'delete', kind, id }))
  return [...puts, ...gone]
}

function isHeldAs(state: ConfigState, stored: StoredItem): boolean {
  const held = state.held(stored.kind, stored.id)
  if (held !== undefined)
    return held.stored.fault === stored.fault && held.stored.seq === stored.seq && isSame(held.stored.item, stored.item)
  const live = state.get(stored.kind, stored.id)
  return live !== undefined && stored.fault === undefined && live.seq === stored.seq && isSame(live.written, stored.item)
}

// Field order counts as a difference: that costs a compilation, never an error.
function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}
