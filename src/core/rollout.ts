/** The decision of a rollout: whether a step stays, the next one begins, or all of it ends. Pure, so that every case is a row of a test. */
import type { ArmResult, Guard, Rollout, TrafficResult } from '../../schemas/rollout.ts'

export type Decision =
  | { readonly action: 'stay' }
  /** The next step begins. */
  | { readonly action: 'advance' }
  /** The last step is over: the changes are for everybody. */
  | { readonly action: 'complete' }
  /** `reason` is for a person. */
  | { readonly action: 'roll_back'; readonly reason: string }

/** Less than this, in milliseconds, is no difference between two percentiles: fast answers vary by themselves. */
const latencyNoiseMs = 5

/**
 * @param rollout one that is running
 * @param traffic of all instances, since the step began
 * @param elapsedMs since the step began
 */
export function decide(rollout: Rollout, traffic: TrafficResult, elapsedMs: number): Decision {
  const { guard, steps, step } = rollout
  const { percent, hold_ms } = steps[step]!
  // With everybody on one side nothing is left to compare with but what was measured before.
  const current = percent < 100 ? traffic.current : steps[step - 1]?.traffic?.current
  const reason = violation(guard, current, traffic.candidate)
  if (reason !== undefined) return { action: 'roll_back', reason }
  if (elapsedMs < hold_ms) return { action: 'stay' }
  if (!isEnough(guard, current, traffic.candidate)) {
    if (elapsedMs < hold_ms + guard.max_wait_ms) return { action: 'stay' }
    return { action: 'roll_back', reason: tooFew(guard, current, traffic.candidate) }
  }
  return { action: step + 1 < steps.length ? 'advance' : 'complete' }
}

function isEnough(guard: Guard, current: ArmResult | undefined, candidate: ArmResult): boolean {
  if (guard.max_error_rate_increase === null && guard.max_p95_ratio === null) return true
  return candidate.requests >= guard.min_requests && (current === undefined || current.requests >= guard.min_requests)
}

function violation(guard: Guard, current: ArmResult | undefined, candidate: ArmResult): string | undefined {
  if (candidate.requests === 0 || !isEnough(guard, current, candidate)) return undefined
  return errorViolation(guard, current, candidate) ?? latencyViolation(guard, current, candidate)
}

function errorViolation(
  { max_error_rate_increase: limit }: Guard,
  current: ArmResult | undefined,
  candidate: ArmResult
): string | undefined {
  const [rate, before] = [rateOf(candidate), current === undefined ? 0 : rateOf(current)]
  if (limit === null || rate - before <= limit) return undefined
  return `${toPercent(rate)} of ${candidate.requests} requests failed, ${toPercent(before)} with the current configuration: more than ${toPercent(limit)} more`
}

function latencyViolation({ max_p95_ratio: limit }: Guard, current: ArmResult | undefined, candidate: ArmResult): string | undefined {
  const [p95, before] = [candidate.p95_ms, current?.p95_ms ?? null]
  if (limit === null || p95 === null || before === null) return undefined
  if (p95 <= before * limit || p95 - before <= latencyNoiseMs) return undefined
  return `95 % of the requests took up to ${p95} ms, ${before} ms with the current configuration: more than ${limit} times as long`
}

function tooFew({ min_requests }: Guard, current: ArmResult | undefined, candidate: ArmResult): string {
  const others = current === undefined ? '' : ` and ${current.requests} of the current configuration`
  return `too few requests to judge it: ${candidate.requests} of its own${others} in the whole step, ${min_requests} are wanted`
}

function rateOf({ requests, errors }: ArmResult): number {
  return requests === 0 ? 0 : errors / requests
}

function toPercent(share: number): string {
  return `${Math.round(share * 1000) / 10} %`
}
