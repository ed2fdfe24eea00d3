/** What an instance knows of a key whose tokens it leases, in eight numbers. */
import type { LeasedAlgorithm } from './lease-bounds.ts'
import type { LimitSpec } from './spec.ts'

/** Which spec it was counted with, times 8, and the flags. 0: nothing is known yet. */
export const meta = 0
/** Leased and unused. */
export const tokens = 1
/** Up to when the tokens are good; while there are none and `isWaiting`, when there may be one again. */
export const untilMs = 2
/** Used without a lease, and not told, or told without an answer yet. */
export const untold = 3
/** What was left centrally when it last answered; below 0 when more was used than there was. */
export const room = 4
/** When that was, by our own clock. */
export const answeredMs = 5
/** When the window has certainly ended in which that was. */
export const edgeMs = 6
/** Requests that came since. */
export const arrived = 7

export const keyWidth = 8

/** It is asked about, or will be. */
export const isBusy = 1
/** More was used than there was: nothing goes without a lease until the central counter says otherwise. */
export const isOver = 2
/** There was nothing left. */
export const isWaiting = 4
export const allFlags = 7

/** What is left centrally by now, if nobody else has taken any. Never more than the truth then: an answer is older than its arrival. */
export function roomAt(algorithm: LeasedAlgorithm, numbers: Float64Array, at: number, spec: LimitSpec, nowMs: number): number {
  const { limit, windowMs, burst } = spec
  const left = numbers[at + room]!
  if (algorithm === 'token_bucket') return Math.min(burst, left + ((nowMs - numbers[at + answeredMs]!) * limit) / windowMs)
  const pastMs = nowMs - numbers[at + edgeMs]!
  if (algorithm === 'sliding_window') return pastMs < windowMs ? left : limit
  return pastMs < 0 ? left : Math.min(limit, left + limit * (1 + Math.floor(pastMs / windowMs)))
}

/** Which spec it was counted with; 0: none yet. */
export function versionOf(numbers: Float64Array, at: number): number {
  return numbers[at + meta]! >> 3
}

/** A new key: as far as is known, nothing has been used. */
export function begin(numbers: Float64Array, at: number, spec: LimitSpec, version: number, nowMs: number): void {
  numbers[at + meta] = version * 8
  numbers[at + room] = spec.burst
  numbers[at + answeredMs] = nowMs
  numbers[at + edgeMs] = nowMs + spec.windowMs
}

/** The numbers of a key that nothing is known of. */
export function unknown(spec: LimitSpec, nowMs: number): { readonly numbers: Float64Array; readonly at: number } {
  const numbers = new Float64Array(keyWidth)
  begin(numbers, 0, spec, 0, nowMs)
  return { numbers, at: 0 }
}

/** The limit has changed: what is used, and what is held, keeps its share of the whole. Debts are facts. */
export function rescale(
  algorithm: LeasedAlgorithm,
  numbers: Float64Array,
  at: number,
  from: LimitSpec,
  to: LimitSpec,
  nowMs: number
): void {
  const scale = to.burst / from.burst
  numbers[at + room] = to.burst - (from.burst - roomAt(algorithm, numbers, at, from, nowMs)) * scale
  numbers[at + tokens] = Math.floor(numbers[at + tokens]! * scale)
  numbers[at + answeredMs] = nowMs
  if (from.windowMs !== to.windowMs || nowMs >= numbers[at + edgeMs]!) numbers[at + edgeMs] = nowMs + to.windowMs
  // The central counter scales, too: whether there is one now is to be asked.
  numbers[at + meta] = withFlag(numbers[at + meta]!, isWaiting, false)
}

export function hasFlag(value: number, flag: number): boolean {
  return (value & flag) !== 0
}

export function withFlag(value: number, flag: number, on: boolean): number {
  return on ? value | flag : value & ~flag
}
