/** Fixed window: at most `limit` requests in each window; windows follow each other without a gap. Across a border up to twice as many can come within one window's length. */
import type { LimitAlgorithm } from './algorithm.ts'
import type { LimitSpec } from './spec.ts'

const startMs = 0
const count = 1

/** When the window of this moment began. */
export function windowStart(nowMs: number, windowMs: number): number {
  return Math.floor(nowMs / windowMs) * windowMs
}

function countAt(numbers: Float64Array, at: number, { windowMs }: LimitSpec, nowMs: number): number {
  return numbers[at + startMs] === windowStart(nowMs, windowMs) ? numbers[at + count]! : 0
}

export const fixedWindow: LimitAlgorithm = {
  width: 2,

  take(numbers, at, spec, nowMs, cost, out) {
    const { limit, windowMs } = spec
    const start = windowStart(nowMs, windowMs)
    const used = countAt(numbers, at, spec, nowMs)
    const allowed = used + (cost || 1) <= limit
    const after = allowed ? used + cost : used
    if (cost > 0) {
      numbers[at + startMs] = start
      numbers[at + count] = after
    }
    const leftMs = start + windowMs - nowMs
    out.allowed = allowed
    out.limit = limit
    out.remaining = Math.max(0, Math.floor(limit - after))
    out.resetMs = after === 0 ? 0 : leftMs
    out.retryMs = allowed ? 0 : leftMs
    out.delayMs = 0
  },

  giveBack(numbers, at) {
    numbers[at + count] = Math.max(0, numbers[at + count]! - 1)
  },

  rescale(numbers, at, from, to, nowMs) {
    numbers[at + count] = (countAt(numbers, at, from, nowMs) * to.limit) / from.limit
    numbers[at + startMs] = windowStart(nowMs, to.windowMs)
  },

  isIdle: (numbers, at, { windowMs }, nowMs) => nowMs >= numbers[at + startMs]! + windowMs
}
