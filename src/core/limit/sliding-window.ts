/**
 * Sliding window by two counters: those of the window before count as far as that window is still in view, as if they had come evenly.
 * A request goes when that estimate and itself are within `limit`. Each window on its own holds at most `limit`; a span of one window's length
 * across a border holds less than twice as many in the worst case, and `limit` when requests come evenly. The approximation is described
 * in Cloudflare's "How we built rate limiting capable of scaling to millions of domains" (2017).
 */
import { type LimitAlgorithm, tolerance } from './algorithm.ts'
import { windowStart } from './fixed-window.ts'

const startMs = 0
const count = 1
const before = 2

/** Moves the counters on to the window of this moment. */
function roll(numbers: Float64Array, at: number, windowMs: number, nowMs: number): void {
  const start = windowStart(nowMs, windowMs)
  const known = numbers[at + startMs]!
  if (known === start) return
  // Not equal but near: multiples of a window that is no whole number of milliseconds are off by rounding.
  numbers[at + before] = Math.abs(known + windowMs - start) < windowMs / 2 ? numbers[at + count]! : 0
  numbers[at + count] = 0
  numbers[at + startMs] = start
}

function estimate(numbers: Float64Array, at: number, windowMs: number, nowMs: number): number {
  const inView = 1 - (nowMs - numbers[at + startMs]!) / windowMs
  return numbers[at + count]! + numbers[at + before]! * inView
}

/** How long until the estimate is at most `wanted`. */
function untilBelow(numbers: Float64Array, at: number, windowMs: number, nowMs: number, wanted: number): number {
  const current = numbers[at + count]!
  const past = numbers[at + before]!
  const intoMs = nowMs - numbers[at + startMs]!
  // Within this window only the past one fades.
  if (current <= wanted) return past === 0 ? 0 : Math.max(0, windowMs * (1 - (wanted - current) / past) - intoMs)
  // In the next one, this one does.
  return windowMs - intoMs + windowMs * (1 - wanted / current)
}

export const slidingWindow: LimitAlgorithm = {
  width: 3,

  take(numbers, at, { limit, windowMs }, nowMs, cost, out) {
    roll(numbers, at, windowMs, nowMs)
    const used = estimate(numbers, at, windowMs, nowMs)
    const allowed = used + (cost || 1) <= limit + tolerance
    if (allowed) numbers[at + count] = numbers[at + count]! + cost
    out.allowed = allowed
    out.limit = limit
    out.remaining = Math.max(0, Math.floor(limit - used - (allowed ? cost : 0) + tolerance))
    out.resetMs = untilBelow(numbers, at, windowMs, nowMs, 0)
    out.retryMs = allowed ? 0 : untilBelow(numbers, at, windowMs, nowMs, limit - (cost || 1))
    out.delayMs = 0
  },

  giveBack(numbers, at) {
    numbers[at + count] = Math.max(0, numbers[at + count]! - 1)
  },

  rescale(numbers, at, from, to, nowMs) {
    roll(numbers, at, from.windowMs, nowMs)
    const share = to.limit / from.limit
    if (from.windowMs === to.windowMs) {
      numbers[at + count] = numbers[at + count]! * share
      numbers[at + before] = numbers[at + before]! * share
      return
    }
    // Of another length: what is in view now is taken as one count of the new window.
    numbers[at + count] = Math.min(to.limit, estimate(numbers, at, from.windowMs, nowMs) * share)
    numbers[at + before] = 0
    numbers[at + startMs] = windowStart(nowMs, to.windowMs)
  },

  isIdle: (numbers, at, { windowMs }, nowMs) => nowMs >= numbers[at + startMs]! + 2 * windowMs
}
