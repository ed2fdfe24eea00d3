/**
 * What moves a rollout that is running: each move is a plan that looks again at what is there, so that of two instances that want the
 * same move only one makes it, and none overwrites what somebody else has changed meanwhile.
 */
import type { Rollout, TrafficResult } from '../../schemas/rollout.ts'
import type { Change } from '../core/change.ts'
import type { ConfigState } from '../core/config-state.ts'
import { rampWeights, type Weights } from '../core/ramp.ts'
import { conflictOf } from '../core/rollout-conflict.ts'
import { RolloutNotFoundError, RolloutOverError } from '../errors.ts'
import { isRecord } from './is-record.ts'
import type { Plan, PlannedChange } from './planned-change.ts'

/** Which step of which rollout a move begins at. One that is somewhere else by now is not moved. */
export interface StepRef {
  readonly id: string
  readonly step: number
}

/** What is kept of a move. */
export interface MoveRecord {
  /** RFC 3339. */
  readonly at: string
  /** What was measured in the step that ends. */
  readonly traffic: TrafficResult
}

/** The next step begins. @param instance moves it on from now on */
export function advancePlan(ref: StepRef, { at, traffic }: MoveRecord, instance: string): Plan {
  return movePlan(ref, at, traffic, (state, rollout) => {
    const step = rollout.step + 1
    const next = { ...rollout, instance, step, updated_at: at, steps: rollout.steps.with(step, { ...rollout.steps[step]!, began_at: at }) }
    if (rollout.ramp === undefined) return [putRollout(next)]
    const { rule, before } = rollout.ramp
    const now = rampWeights(before, rule, rollout.steps[step]!.percent)
    return [putRollout({ ...next, ramp: { rule, before, now } }), ...weightChanges(state, now)]
  })
}

/** The last step is over: what it changes is committed for everybody. */
export function completePlan(ref: StepRef, { at, traffic }: MoveRecord): Plan {
  return movePlan(ref, at, traffic, (_state, rollout) => {
    const changes = rollout.changes ?? []
    const planned = changes.map((change, index): PlannedChange => ({ change: change as Change, pointer: `/changes/${index}/item` }))
    return [putRollout({ ...rollout, status: 'completed', updated_at: at }), ...planned]
  })
}

/** It ends, and nothing of it stays. @param restore false: a ramp leaves the weights as they are */
export function stopPlan(ref: StepRef, { at, traffic }: MoveRecord, end: Ending, restore = true): Plan {
  return state => {
    const rollout = runningAt(state, ref)
    return rollout === undefined ? [] : stopped(state, measured(rollout, traffic), at, end, restore)
  }
}

/** As `stopPlan`, asked for by a person. The plan throws when there is nothing to end. */
export function abortPlan(id: string, at: string, by: string): Plan {
  return state => {
    const rollout = state.get('rollout', id)?.item
    if (rollout === undefined) throw new RolloutNotFoundError(id)
    if (rollout.status !== 'running') throw new RolloutOverError(id, rollout.status)
    return stopped(state, rollout, at, { status: 'aborted', reason: `aborted by ${by}` })
  }
}

export interface Ending {
  readonly status: 'aborted' | 'rolled_back'
  readonly reason: string
}

type MakeMove = (state: ConfigState, rollout: Rollout) => readonly PlannedChange[]

function movePlan(ref: StepRef, at: string, traffic: TrafficResult, make: MakeMove): Plan {
  return state => {
    const running = runningAt(state, ref)
    if (running === undefined) return []
    const rollout = measured(running, traffic)
    const conflict = conflictOf(state, rollout)
    return conflict === undefined ? make(state, rollout) : stopped(state, rollout, at, { status: 'aborted', reason: conflict })
  }
}

function runningAt(state: ConfigState, { id, step }: StepRef): Rollout | undefined {
  const running = state.rollout
  return running?.id === id && running.item.step === step ? running.item : undefined
}

function measured(rollout: Rollout, traffic: TrafficResult): Rollout {
  return { ...rollout, steps: rollout.steps.with(rollout.step, { ...rollout.steps[rollout.step]!, traffic }) }
}

function stopped(state: ConfigState, rollout: Rollout, at: string, { status, reason }: Ending, restore = true): readonly PlannedChange[] {
  const record = putRollout({ ...rollout, status, reason, updated_at: at })
  return restore && rollout.ramp !== undefined ? [record, ...weightChanges(state, restoredWeights(state, rollout.ramp))] : [record]
}

// Only what is still as the ramp left it: what somebody else has set is theirs.
function restoredWeights(state: ConfigState, { before, now }: NonNullable<Rollout['ramp']>): Weights {
  return Object.fromEntries(Object.entries(before).filter(([id]) => state.get('forward_rule', id)?.item.weight === now[id]))
}

export function putRollout(rollout: Rollout): PlannedChange {
  return { change: { op: 'put', kind: 'rollout', id: rollout.id, item: rollout }, pointer: '' }
}

/** The puts that give the rules these weights. */
export function weightChanges(state: ConfigState, weights: Weights, pointer = ''): readonly PlannedChange[] {
  return Object.entries(weights).flatMap(([id, weight]) => {
    const rule = state.get('forward_rule', id)
    if (rule === undefined || rule.item.weight === weight || !isRecord(rule.written)) return []
    return [{ change: { op: 'put', kind: 'forward_rule', id, item: { ...rule.written, weight } } as const, pointer }]
  })
}
