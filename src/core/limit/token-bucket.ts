/**
 * Token bucket: there are at most `burst` tokens, `limit` come back in each window, evenly; each request takes one. In any time t, at most
 * burst + t × limit / window requests go. Turner, "New directions in communications", IEEE Communications Magazine 24 (1986); here
 * as the level of a bucket that fills with requests and drains, so that a new key is empty.
 */
import { type LimitAlgorithm, tolerance } from './algorithm.ts'
import type { LimitSpec } from './spec.ts'

const level = 0
const sinceMs = 1

function levelAt(numbers: Float64Array, at: number, { limit, windowMs }: LimitSpec, nowMs: number): number {
  const left = numbers[at + level]! - ((nowMs - numbers[at + sinceMs]!) * limit) / windowMs
  return left > 0 ? left : 0
}

export const tokenBucket: LimitAlgorithm = {
  width: 2,

  take(numbers, at, spec, nowMs, cost, out) {
    const { limit, windowMs, burst } = spec
    const used = levelAt(numbers, at, spec, nowMs)
    const allowed = used + (cost || 1) <= burst + tolerance
    const after = allowed ? used + cost : used
    if (cost > 0) {
      numbers[at + level] = after
      numbers[at + sinceMs] = nowMs
    }
    out.allowed = allowed
    out.limit = burst
    out.remaining = Math.max(0, Math.floor(burst - after + tolerance))
    out.resetMs = (after * windowMs) / limit
    out.retryMs = allowed ? 0 : ((used + (cost || 1) - burst) * windowMs) / limit
    out.delayMs = 0
  },

  giveBack(numbers, at) {
    numbers[at + level] = Math.max(0, numbers[at + level]! - 1)
  },

  rescale(numbers, at, from, to, nowMs) {
    numbers[at + level] = (levelAt(numbers, at, from, nowMs) * to.burst) / from.burst
    numbers[at + sinceMs] = nowMs
  },

  isIdle: (numbers, at, spec, nowMs) => levelAt(numbers, at, spec, nowMs) === 0
}
