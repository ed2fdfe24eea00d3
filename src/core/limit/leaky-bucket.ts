/**
 * Leaky bucket as a queue: requests leave evenly, window / limit apart. One that comes too early is held back until it is its turn, and
 * refused when that is more than `max_delay_ms` away. In any time t, at most t × limit / window + 1 requests leave. The virtual scheduling
 * algorithm of ITU-T I.371 (GCRA) without tolerance.
 */
import { type LimitAlgorithm, tolerance } from './algorithm.ts'
import type { LimitSpec } from './spec.ts'

/** When the next request may leave. */
const nextMs = 0

function spacing({ limit, windowMs }: LimitSpec): number {
  return windowMs / limit
}

export const leakyBucket: LimitAlgorithm = {
  width: 1,

  take(numbers, at, spec, nowMs, cost, out) {
    const { maxDelayMs } = spec
    const gapMs = spacing(spec)
    const turnMs = Math.max(nowMs, numbers[at + nextMs]!)
    // Of several at once, the last one has to wait for the others.
    const waitMs = turnMs - nowMs + Math.max(0, cost - 1) * gapMs
    const allowed = waitMs <= maxDelayMs + tolerance
    const afterMs = allowed ? turnMs + cost * gapMs : turnMs
    if (cost > 0 && allowed) numbers[at + nextMs] = afterMs
    const behindMs = afterMs - nowMs
    out.allowed = allowed
    out.limit = Math.floor(maxDelayMs / gapMs + tolerance) + 1
    out.remaining = behindMs > maxDelayMs + tolerance ? 0 : Math.floor((maxDelayMs - behindMs) / gapMs + tolerance) + 1
    out.resetMs = behindMs
    out.retryMs = allowed ? 0 : waitMs - maxDelayMs
    out.delayMs = allowed && cost > 0 ? waitMs : 0
  },

  giveBack(numbers, at, spec) {
    numbers[at + nextMs] = numbers[at + nextMs]! - spacing(spec)
  },

  rescale(numbers, at, from, to, nowMs) {
    const behindMs = numbers[at + nextMs]! - nowMs
    if (behindMs > 0) numbers[at + nextMs] = nowMs + (behindMs * spacing(to)) / spacing(from)
  },

  isIdle: (numbers, at, _spec, nowMs) => numbers[at + nextMs]! <= nowMs
}
