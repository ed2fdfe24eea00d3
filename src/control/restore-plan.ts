/** `POST /revisions/{n}/restore`: brings every item back to what it was at an earlier revision, as a new commit. */
import { type Commit, type CommittedChange, collections, isDocumentKind } from '../core/change.ts'
import type { ConfigState } from '../core/config-state.ts'
import { keyOf } from '../core/live-item.ts'
import { RevisionNotFoundError } from '../errors.ts'
import { differences } from './config-diff.ts'
import type { History } from './history.ts'
import { isStored } from './item-plans.ts'
import type { Plan, PlannedChange } from './planned-change.ts'

/** The plan throws `RevisionNotFoundError` when there was no such revision, or the history no longer says what came after it. */
export function restorePlan(revision: number, history: History): Plan {
  return async state => {
    if (revision > state.revision) throw new RevisionNotFoundError(`There is no revision ${revision} yet; the newest is ${state.revision}`)
    const commits = await history.between(revision, state.revision)
    if (commits === undefined)
      throw new RevisionNotFoundError(`What revision ${revision} held cannot be told: the history no longer has every commit after it`)
    return restoringChanges(state, revision, commits)
  }
}

/** @param commits every commit after `revision`, oldest first, with `previous` */
export function restoringChanges(state: ConfigState, revision: number, commits: readonly Commit[]): readonly PlannedChange[] {
  // The first commit after the revision that touched an item says what the item was then.
  const first = new Map<string, CommittedChange>()
  for (const { changes } of commits)
    for (const change of changes) {
      const key = keyOf(change.kind, change.id)
      if (!first.has(key)) first.set(key, change)
    }
  return [...first.values()].flatMap(change => restoring(state, revision, change) ?? [])
}

function restoring(state: ConfigState, revision: number, { kind, id, previous }: CommittedChange): PlannedChange | undefined {
  // A rollout that has ended does not run again, and one that is running is stopped by what is restored.
  if (!isDocumentKind(kind)) return undefined
  // Nothing was sent that a fault could point into: it points into the configuration as it was.
  const pointer = `/${collections[kind]}/${id}`
  if (previous === null || previous === undefined)
    return isStored(state, { kind, id }) ? { change: { op: 'delete', kind, id }, pointer } : undefined
  if (previous.item === undefined)
    throw new RevisionNotFoundError(`What '${id}' (${kind}) was at revision ${revision} cannot be told: it could not be read then`)
  const held = state.held(kind, id)
  const now = held === undefined ? state.get(kind, id)?.written : held.stored.item
  // Exactly as it was written then.
  return differences(now, previous.item).length === 0 ? undefined : { change: { op: 'put', kind, id, item: previous.item }, pointer }
}
