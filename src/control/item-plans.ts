/** The writes of one item as plans: decided from the state each time the writer asks, so preconditions hold at the commit itself. */
import type { Kind } from '../core/change.ts'
import type { ConfigState } from '../core/config-state.ts'
import { AlreadyExistsError, type Fault, ValidationError, withFaults } from '../errors.ts'
import type { ItemRef } from './config-diff.ts'
import { etagOf } from './etag.ts'
import { isRecord } from './is-record.ts'
import { createId, idPattern, itemKinds } from './item-kinds.ts'
import { patchItem } from './merge-patch.ts'
import type { Plan, PlannedChange } from './planned-change.ts'
import { type Conditions, checkConditions } from './preconditions.ts'

/**
 * What a new item is called: its own `id`, or a new one when it has none.
 * @throws {ValidationError} when its `id` cannot be one
 */
export function idOfNew(kind: Kind, item: unknown): string {
  const id = isRecord(item) ? item.id : undefined
  if (id === undefined) return createId(kind)
  if (typeof id === 'string' && idPattern.test(id)) return id
  throw invalid({ pointer: '/id', detail: 'must be 1-64 of a-z A-Z 0-9 . _ -' })
}

/** Puts an item that is not there yet. The plan throws `AlreadyExistsError`. */
export function createPlan(ref: ItemRef, item: unknown): Plan {
  return state => {
    if (isStored(state, ref)) throw new AlreadyExistsError(itemKinds[ref.kind].noun, ref.id)
    return put(ref, item)
  }
}

/** Puts an item, there or not. The plan throws `PreconditionFailedError`. */
export function replacePlan(ref: ItemRef, item: unknown, conditions: Conditions): Plan {
  return state => {
    checkConditions(conditions, currentTag(state, ref))
    return put(ref, item)
  }
}

/** Merges `patch` into an item. The plan throws `PreconditionFailedError` or that there is no such item. */
export function patchPlan(ref: ItemRef, patch: unknown, conditions: Conditions): Plan {
  return state => {
    checkConditions(conditions, currentTag(state, ref))
    const live = state.get(ref.kind, ref.id)
    if (live === undefined) throw itemKinds[ref.kind].notFound(ref.id)
    return put(ref, patchItem(ref.kind, live.written, patch))
  }
}

/** Deletes an item, also one that is only in quarantine. The plan throws `PreconditionFailedError` or that there is no such item. */
export function deletePlan(ref: ItemRef, conditions: Conditions): Plan {
  return state => {
    checkConditions(conditions, currentTag(state, ref))
    if (!isStored(state, ref)) throw itemKinds[ref.kind].notFound(ref.id)
    return [{ change: { op: 'delete', ...ref }, pointer: '' }]
  }
}

/** A put that stores the item with its id in front: a file names each item by it. */
export function putChange({ kind, id }: ItemRef, item: unknown, pointer: string): PlannedChange {
  return { change: { op: 'put', kind, id, item: isRecord(item) ? { id, ...item } : item }, pointer }
}

export function isStored(state: ConfigState, { kind, id }: ItemRef): boolean {
  return state.get(kind, id) !== undefined || state.held(kind, id) !== undefined
}

function put(ref: ItemRef, item: unknown): readonly PlannedChange[] {
  return [putChange(ref, item, '')]
}

function currentTag(state: ConfigState, { kind, id }: ItemRef): string | undefined {
  const live = state.get(kind, id)
  return live === undefined ? undefined : etagOf(live)
}

function invalid(fault: Fault): Error {
  return withFaults(new ValidationError(`${fault.pointer} ${fault.detail}`), [fault])
}
