/** `POST /rollouts`: what is asked for, checked like a commit, as the first commit of a rollout. */
import type { Rollout, RolloutChange, RolloutWrite } from '../../schemas/rollout.ts'
import type { ConfigState } from '../core/config-state.ts'
import type { ItemParser } from '../core/live-item.ts'
import { isOverlay } from '../core/overlay.ts'
import { rampWeights, type Weights } from '../core/ramp.ts'
import { basisOf, groupWeights } from '../core/rollout-conflict.ts'
import { type Warning, warningsOf } from '../core/warnings.ts'
import {
  AlreadyExistsError,
  type Fault,
  NotRampableError,
  RolloutActiveError,
  RuleNotFoundError,
  ValidationError,
  withFaults
} from '../errors.ts'
import { checkChanges } from './check-changes.ts'
import { commitPlan } from './commit-plan.ts'
import { keepDiscoverySecrets } from './discovery-secrets.ts'
import { isStored } from './item-plans.ts'
import { type Plan, type PlannedChange, rulesOf } from './planned-change.ts'
import { putRollout, weightChanges } from './rollout-moves.ts'
import { strictWarnings } from './strict-warnings.ts'

export interface Beginning {
  readonly id: string
  /** Who asks. */
  readonly by: string
  /** The instance that is to move it on. */
  readonly instance: string
  /** RFC 3339. */
  readonly at: string
  /** Whether warnings about what it changes refuse it. */
  readonly strict: boolean
}

export interface BeginPlan {
  readonly plan: Plan
  /** About what the rollout changes; known once the plan was made. */
  readonly warnings: () => readonly Warning[]
}

/** So many are kept, the one that begins included. */
const keptRollouts = 10

/**
 * @throws {ValidationError} at once for what is wrong whatever the state is. The plan throws `RolloutActiveError`, `AlreadyExistsError`,
 * `NotRampableError`, and what stands against the changes, as `POST /commits` does.
 */
export function beginPlan(body: RolloutWrite, beginning: Beginning, parse: ItemParser): BeginPlan {
  refuse(faultsOf(body))
  const commit = body.changes === undefined ? undefined : commitPlan(body.changes)
  let warnings: readonly Warning[] = []
  const plan: Plan = async state => {
    const { id, strict } = beginning
    if (state.rollout !== undefined) throw new RolloutActiveError(state.rollout.id)
    if (isStored(state, { kind: 'rollout', id })) throw new AlreadyExistsError('rollout', id)
    if (commit === undefined) return [...beginRamp(state, body, beginning), ...forgotten(state)]
    const changes = keepDiscoverySecrets(state, await commit(state))
    const after = checkChanges(state, changes, parse)
    warnings = warningsOf(state.snapshot, after.snapshot, rulesOf(changes))
    if (strict && warnings.length > 0) throw strictWarnings(warnings, changes)
    const kept = changes.map(({ change }) => change as RolloutChange)
    return [putRollout(toRecord(body, beginning, { changes: kept, base: basisOf(state, kept) })), ...forgotten(state)]
  }
  return { plan, warnings: () => warnings }
}

function beginRamp(state: ConfigState, body: RolloutWrite, beginning: Beginning): readonly PlannedChange[] {
  const { rule } = body.ramp!
  const before = rampableWeights(state, rule)
  const now = rampWeights(before, rule, body.steps[0]!.percent)
  return [putRollout(toRecord(body, beginning, { ramp: { rule, before, now } })), ...weightChanges(state, now, '/ramp/rule')]
}

function rampableWeights(state: ConfigState, rule: string): Weights {
  const notRampable = (why: string) => withFaults(new NotRampableError(rule, why), [{ pointer: '/ramp/rule', detail: why }])
  if (state.get('forward_rule', rule) === undefined)
    throw withFaults(new RuleNotFoundError(rule), [{ pointer: '/ramp/rule', detail: 'names no rule' }])
  const weights = groupWeights(state, rule)
  if (weights === undefined) throw notRampable('it shares its match with no other enabled rule')
  const others = Object.keys(weights).filter(id => id !== rule)
  if (others.every(id => weights[id] === 0)) throw notRampable('it has all of the traffic: the other rules have the weight 0')
  if (others.some(id => isOverlay({ kind: 'forward_rule', id }))) throw notRampable('a rule of its group belongs to the hash proxy_routes')
  return weights
}

function toRecord(body: RolloutWrite, { id, by, instance, at }: Beginning, what: Pick<Rollout, 'changes' | 'base' | 'ramp'>): Rollout {
  const { description = '', split_on = 'ip' } = body
  return {
    id,
    description,
    status: 'running',
    reason: null,
    by,
    instance,
    created_at: at,
    updated_at: at,
    ...what,
    split_on,
    step: 0,
    steps: body.steps.map((step, index) => ({ ...step, began_at: index === 0 ? at : null, traffic: null })),
    // The schema has filled the defaults in.
    guard: body.guard as Rollout['guard']
  }
}

/** Deletes the rollouts that ended long ago. */
function forgotten(state: ConfigState): readonly PlannedChange[] {
  const ended = state.list('rollout').toSorted((a, b) => (a.item.updated_at < b.item.updated_at ? 1 : -1))
  return ended.slice(keptRollouts - 1).map(({ id }) => ({ change: { op: 'delete', kind: 'rollout', id }, pointer: '' }))
}

function faultsOf({ changes, ramp, steps, split_on }: RolloutWrite): Fault[] {
  const faults: Fault[] = []
  if ((changes === undefined) === (ramp === undefined)) faults.push({ pointer: '', detail: 'needs exactly one of changes, ramp' })
  if (ramp !== undefined && split_on !== undefined)
    faults.push({ pointer: '/split_on', detail: 'has no place in a ramp: the split of the group decides' })
  for (const [index, { percent }] of steps.entries())
    if (index > 0 && percent <= steps[index - 1]!.percent)
      faults.push({ pointer: `/steps/${index}/percent`, detail: 'must be greater than that of the step before' })
  return faults
}

function refuse(faults: readonly Fault[]): void {
  const [first] = faults
  if (first !== undefined)
    throw withFaults(new ValidationError(`${first.pointer === '' ? 'The body' : first.pointer} ${first.detail}`), faults)
}
