/** Judges planned changes before they are written: everything that stands against them, as one error with pointers. */
import type { CommittedChange } from '../core/change.ts'
import type { ConfigState } from '../core/config-state.ts'
import type { HeldItem, ItemParser } from '../core/live-item.ts'
import { isOverlay } from '../core/overlay.ts'
import {
  type Fault,
  KeyConflictError,
  RuleConflictError,
  ServiceInUseError,
  TierInUseError,
  UnknownServiceError,
  UnknownTierError,
  UnsafeRegexError,
  ValidationError,
  withFaults
} from '../errors.ts'
import { checkTests } from './check-tests.ts'
import type { PlannedChange, SentItem } from './planned-change.ts'

/**
 * The state after `changes`, or the error that names everything that stands against them.
 * @param sent what was sent along and changes nothing, so that a fault can point at it
 */
export function checkChanges(
  before: ConfigState,
  changes: readonly PlannedChange[],
  parse: ItemParser,
  sent: readonly SentItem[] = []
): ConfigState {
  refuseOverlay(changes)
  const newest = Number.MAX_SAFE_INTEGER
  const asCommitted = changes.map(({ change }): CommittedChange => {
    if (change.op === 'delete') return change
    return { ...change, seq: before.get(change.kind, change.id)?.seq ?? before.held(change.kind, change.id)?.stored.seq ?? newest }
  })
  const after = before.apply({ revision: before.revision + 1, changes: asCommitted }, parse)
  const refusals = changes.flatMap(planned => {
    const refusal = refusalOf(planned, after)
    return refusal === undefined ? [] : [refusal]
  })
  if (refusals.length > 0) throw toError(refusals)
  checkTests(before, after, changes, sent)
  return after
}

// Written there, it would come and go with the hash it shadows.
function refuseOverlay(changes: readonly PlannedChange[]): void {
  const faults = changes
    .filter(({ change }) => isOverlay(change))
    .map(({ pointer }) => ({ pointer: `${pointer}/id`, detail: 'belongs to the Redis hash proxy_routes: change it there' }))
  if (faults[0] !== undefined) throw withFaults(new ValidationError(`${faults[0].pointer} ${faults[0].detail}`), faults)
}

interface Refusal {
  readonly id: string
  readonly code: string
  readonly faults: readonly Fault[]
  readonly other: string
}

function refusalOf({ change, pointer }: PlannedChange, after: ConfigState): Refusal | undefined {
  const { kind, id } = change
  if (change.op === 'delete') {
    if (kind === 'tier') return tierInUse(id, pointer, after)
    return kind === 'service' && after.isOrphan(id) ? inUse(id, pointer, after) : undefined
  }
  const held = after.held(kind, id)
  return held === undefined ? undefined : toRefusal(held, pointer)
}

function inUse(id: string, pointer: string, after: ConfigState): Refusal | undefined {
  const users = after.usersOf(id)
  // Only what is itself deleted names it.
  if (users.length === 0) return undefined
  const faults = users.map(user => {
    const how = user.kind === 'service' ? 'is the fallback of the service' : 'is used by the rule'
    return { pointer, detail: `${how} '${user.id}'` }
  })
  const other = users.map(user => (user.kind === 'service' ? `of the fallback of service '${user.id}'` : `'${user.id}'`)).join(', ')
  return { id, code: 'service_in_use', other, faults }
}

function tierInUse(id: string, pointer: string, after: ConfigState): Refusal | undefined {
  const users = after.usersOfTier(id).map(user => `the ${user.kind === 'client' ? 'client' : 'rule'} '${user.id}'`)
  if (users.length === 0) return undefined
  return { id, code: 'tier_in_use', other: users.join(', '), faults: users.map(user => ({ pointer, detail: `is used by ${user}` })) }
}

function toRefusal({ stored, refusal }: HeldItem, pointer: string): Refusal {
  const faults = refusal.faults.map(fault => ({ ...fault, pointer: pointer + fault.pointer }))
  return { id: stored.id, code: refusal.code, faults, other: refusal.other ?? '' }
}

/** Which error speaks for all, the most basic first. */
const severity = [
  'validation_failed',
  'unreadable',
  'unsafe_regex',
  'unknown_service',
  'unknown_tier',
  'rule_conflict',
  'key_conflict',
  'service_in_use',
  'tier_in_use'
]

function toError(refusals: readonly Refusal[]): Error {
  const [worst] = [...refusals].sort((a, b) => severity.indexOf(a.code) - severity.indexOf(b.code))
  const faults = refusals.flatMap(refusal => refusal.faults)
  return withFaults(errorFor(worst!), faults)
}

function errorFor({ id, code, other, faults }: Refusal): Error {
  if (code === 'unsafe_regex') return new UnsafeRegexError(faults[0]?.detail ?? 'The pattern is not safe')
  if (code === 'unknown_service') return new UnknownServiceError(id, other)
  if (code === 'unknown_tier') return new UnknownTierError(id, other)
  if (code === 'key_conflict') return new KeyConflictError(id, other)
  if (code === 'tier_in_use') return new TierInUseError(id, other)
  if (code === 'rule_conflict') return new RuleConflictError(id, other)
  if (code === 'service_in_use') return new ServiceInUseError(id, other)
  const [first] = faults
  return new ValidationError(
    first === undefined ? 'The item is not valid' : `${first.pointer === '' ? 'The body' : first.pointer} ${first.detail}`
  )
}
