/** Makes rollouts, and states in which one is running, with only what a test is about. */
import type { ArmResult, Guard, Rollout, TrafficResult } from '../../schemas/rollout.ts'
import { parseItem } from '../../src/control/parse-item.ts'
import type { CommittedChange, Kind } from '../../src/core/change.ts'
import { ConfigState } from '../../src/core/config-state.ts'
import { basisOf } from '../../src/core/rollout-conflict.ts'

const at = '2026-11-20T12:00:00.000Z'

export const guard: Guard = { max_error_rate_increase: 0.05, max_p95_ratio: null, min_requests: 100, max_wait_ms: 10_000 }

export function makeRollout(fields: Partial<Rollout> & { readonly percents?: readonly number[] } = {}): Rollout {
  const { percents = [5, 50], ...rest } = fields
  return {
    id: 'x',
    description: '',
    status: 'running',
    reason: null,
    by: 'anna',
    instance: 'one',
    created_at: at,
    updated_at: at,
    split_on: 'ip',
    step: 0,
    steps: percents.map(percent => ({ percent, hold_ms: 1_000, began_at: at, traffic: null })),
    guard,
    ...rest
  }
}

export function arm(requests: number, errors = 0, p95_ms: number | null = requests === 0 ? null : 10): ArmResult {
  return { requests, errors, p95_ms }
}

export function traffic(current: ArmResult, candidate: ArmResult): TrafficResult {
  return { current, candidate }
}

let seq = 0
export const put = (kind: Kind, id: string, item: object): CommittedChange => ({ op: 'put', kind, id, item, seq: ++seq })
export const rule = (id: string, item: object) => put('forward_rule', id, { respond: { body: id }, ...item })
export const remove = (kind: Kind, id: string): CommittedChange => ({ op: 'delete', kind, id })

/** The state after a commit of `changes`. */
export function commit(state: ConfigState, ...changes: readonly CommittedChange[]): ConfigState {
  return state.apply({ revision: state.revision + 1, changes }, parseItem)
}

export function stateOf(...changes: readonly CommittedChange[]): ConfigState {
  return commit(ConfigState.empty, ...changes)
}

/** The state in which a rollout of `changes` has begun. */
export function rollOut(
  state: ConfigState,
  changes: NonNullable<Rollout['changes']>,
  fields: Parameters<typeof makeRollout>[0] = {}
): ConfigState {
  const next = commit(state, put('rollout', fields.id ?? 'x', makeRollout({ changes, base: basisOf(state, changes), ...fields })))
  if (next.problems.length > 0) throw new Error(JSON.stringify(next.problems))
  return next
}
