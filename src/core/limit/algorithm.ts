import type { LimitDecision } from './decision.ts'
import type { LimitSpec } from './spec.ts'

/**
 * A way to count one key, in a few numbers that begin as 0. Pure: the time is a parameter, in milliseconds on a clock that only goes
 * forward. Nothing but the numbers and `out` is changed.
 */
export interface LimitAlgorithm {
  /** How many numbers a key takes. */
  readonly width: number
  /**
   * Counts `cost` requests if all may go, and says so in `out`. A cost of 0 only looks.
   * @param at where the numbers of the key begin
   */
  take(numbers: Float64Array, at: number, spec: LimitSpec, nowMs: number, cost: number, out: LimitDecision): void
  /** Takes back one request that was counted at the same moment. */
  giveBack(numbers: Float64Array, at: number, spec: LimitSpec): void
  /** The limit has changed: what was used keeps its share of the whole. */
  rescale(numbers: Float64Array, at: number, from: LimitSpec, to: LimitSpec, nowMs: number): void
  /** Whether the key was as good as new at this moment, which may lie before the last request: then it was not. Changes nothing. */
  isIdle(numbers: Float64Array, at: number, spec: LimitSpec, nowMs: number): boolean
}

/** How far sums of fractions may be off: a millionth of a request. Nothing is refused, or let through, because of rounding. */
export const tolerance = 1e-6
