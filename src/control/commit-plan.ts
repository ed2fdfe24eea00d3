/** `POST /commits`: several changes, all or nothing. */
import type { CommitWrite } from '../../schemas/admin-config.ts'
import type { ConfigState } from '../core/config-state.ts'
import { type Fault, ValidationError, withFaults } from '../errors.ts'
import type { ItemRef } from './config-diff.ts'
import { idPattern, itemKinds } from './item-kinds.ts'
import { isStored, putChange } from './item-plans.ts'
import type { Plan, PlannedChange } from './planned-change.ts'

type CommitChange = CommitWrite['changes'][number]

/**
 * @throws {ValidationError} at once when a change says too little or too much, or when two name the same item.
 * The plan throws that there is no such item when a delete names none.
 */
export function commitPlan(changes: readonly CommitChange[]): Plan {
  const faults: Fault[] = []
  const seen = new Map<string, number>()
  const planned = changes.flatMap((change, index) => {
    const pointer = `/changes/${index}`
    const found = faultsOf(change, pointer, seen, index)
    faults.push(...found)
    return found.length > 0 ? [] : [toPlanned(change, pointer)]
  })
  const [first] = faults
  if (first !== undefined) throw withFaults(new ValidationError(`${first.pointer} ${first.detail}`), faults.slice(0, 50))
  return state => planned.map(change => stillThere(state, change))
}

function faultsOf(change: CommitChange, pointer: string, seen: Map<string, number>, index: number): Fault[] {
  const id = idOf(change)
  if (id === undefined) return [{ pointer: `${pointer}/id`, detail: 'is required' }]
  if (typeof id !== 'string' || !idPattern.test(id)) return [{ pointer: `${pointer}/id`, detail: 'must be 1-64 of a-z A-Z 0-9 . _ -' }]
  if (change.op === 'put' && change.item === undefined) return [{ pointer: `${pointer}/item`, detail: 'is required for a put' }]
  if (change.op === 'delete' && change.item !== undefined) return [{ pointer: `${pointer}/item`, detail: 'has no place in a delete' }]
  const key = `${change.kind}/${id}`
  const earlier = seen.get(key)
  if (earlier !== undefined) return [{ pointer, detail: `names the same item as /changes/${earlier}` }]
  seen.set(key, index)
  return []
}

function toPlanned(change: CommitChange, pointer: string): PlannedChange {
  const ref: ItemRef = { kind: change.kind, id: idOf(change) as string }
  if (change.op === 'delete') return { change: { op: 'delete', ...ref }, pointer }
  return putChange(ref, change.item, `${pointer}/item`)
}

function idOf({ id, op, item }: CommitChange): unknown {
  if (id !== undefined || op === 'delete') return id
  return typeof item === 'object' && item !== null ? (item as { id?: unknown }).id : undefined
}

function stillThere(state: ConfigState, planned: PlannedChange): PlannedChange {
  const { change, pointer } = planned
  if (change.op === 'put' || isStored(state, change)) return planned
  throw withFaults(itemKinds[change.kind].notFound(change.id), [{ pointer: `${pointer}/id`, detail: 'names no item' }])
}
