/**
 * Which targets of a service are to be left alone for a while because their requests fail, or take far longer than those of the others. The
 * rules are those of Envoy's outlier detection, with the median for latency. Pure: the clock is passed in.
 */
import { restore, type Suspectable } from './outlier-target.ts'

/** Why a target was ejected. */
export type EjectionCause = 'consecutive_errors' | 'success_rate' | 'latency'

export interface OutlierPolicy {
  /** Errors in a row that eject at once; null: they do not. */
  readonly consecutiveErrors: number | null
  /** How often the success rates and latencies are compared, in milliseconds. */
  readonly intervalMs: number
  /** How long the first ejection lasts, in milliseconds; the next ones last longer. */
  readonly baseEjectionMs: number
  /** How many of the targets may be out at once: of a hundred. One may always be, where there are others. */
  readonly maxEjectionPercent: number
  /** How many times slower than the median of the others is too slow; null: nothing is. */
  readonly latencyFactor: number | null
}

/** What becomes of a target. */
export interface Ejection<T> {
  readonly target: T
  readonly cause: EjectionCause
  /** How long it is out, in milliseconds. */
  readonly forMs: number
  /** In words. */
  readonly reason: string
}

/** Success rates say something with so many targets that each had so many requests in the interval. */
export const successRateTargets = 5
export const successRateRequests = 100
/** How many standard deviations below the mean is too far, as in Envoy. */
const deviations = 1.9
/** Where nearly nothing fails the deviation is tiny: a target must also be this much worse than the mean. */
const leastWorse = 0.05
/** Latencies say something after so many answers in the interval. */
export const latencyRequests = 20
/** A few milliseconds are noise, whatever the factor. */
const leastSlowerMs = 10
/** No ejection lasts longer, unless the first one does already. */
export const longestEjectionMs = 300_000

export class Outliers<T extends Suspectable> {
  #intervalBeganMs: number

  constructor(nowMs: number) {
    this.#intervalBeganMs = nowMs
  }

  /**
   * A request to `target` has ended.
   * @param tookMs until the head of the answer; undefined when there was none
   * @param all the targets that may have traffic by their weight
   * @returns when the target is ejected for it
   */
  ended(
    target: T,
    { isError, tookMs }: { readonly isError: boolean; readonly tookMs: number | undefined },
    policy: OutlierPolicy,
    all: readonly T[],
    nowMs: number
  ): Ejection<T> | undefined {
    const counted = target.outlier
    // Those that were under way when it was ejected say nothing new.
    if (counted.isOut) return undefined
    counted.requests++
    if (tookMs !== undefined && policy.latencyFactor !== null) counted.latencies.add(tookMs)
    if (!isError) {
      counted.consecutive = 0
      return undefined
    }
    counted.errors++
    counted.consecutive++
    if (policy.consecutiveErrors === null || counted.consecutive < policy.consecutiveErrors) return undefined
    if (!mayEject(target, policy, all)) return undefined
    return eject(target, 'consecutive_errors', `${counted.consecutive} errors in a row`, policy, nowMs)
  }

  /** When `judge` is due next: the interval is over, or an ejection. */
  dueMs({ intervalMs }: OutlierPolicy, all: readonly T[]): number {
    return all.reduce((dueMs, { outlier }) => Math.min(dueMs, outlier.outUntilMs ?? dueMs), this.#intervalBeganMs + intervalMs)
  }

  /** Brings back those whose time is over and, when the interval is over, ejects those that stand out. */
  judge(
    policy: OutlierPolicy,
    all: readonly T[],
    nowMs: number
  ): { readonly back: readonly T[]; readonly ejected: readonly Ejection<T>[] } {
    const back = all.filter(({ outlier }) => outlier.outUntilMs !== undefined && outlier.outUntilMs <= nowMs)
    for (const target of back) restore(target)
    if (nowMs < this.#intervalBeganMs + policy.intervalMs) return { back, ejected: [] }
    this.#intervalBeganMs = nowMs
    const standing = all.filter(target => !target.outlier.isOut && !back.includes(target))
    for (const { outlier } of standing) if (outlier.multiplier > 0) outlier.multiplier--
    const ejected: Ejection<T>[] = []
    for (const { target, cause, reason } of [
      ...byConsecutive(standing, policy),
      ...bySuccessRate(standing),
      ...byLatency(standing, policy)
    ]) {
      if (target.outlier.isOut || !mayEject(target, policy, all)) continue
      ejected.push(eject(target, cause, reason, policy, nowMs))
    }
    for (const { outlier } of all) outlier.startInterval()
    return { back, ejected }
  }
}

/** How many of `count` targets may be out at once: the share, but one of several in any case, and never all. */
export function mostEjected(count: number, percent: number): number {
  return Math.min(Math.max(1, Math.floor((count * percent) / 100)), count - 1)
}

/** Whether one more target may be out. Those that are out because most instances say so count as those that this one ejected. */
export function mayEject<T extends Suspectable>(target: T, { maxEjectionPercent }: OutlierPolicy, all: readonly T[]): boolean {
  // One that is drained is not of them.
  if (!all.includes(target)) return false
  const out = all.filter(({ outlier }) => outlier.isOut).length
  if (out >= mostEjected(all.length, maxEjectionPercent)) return false
  return all.some(other => other !== target && !other.outlier.isOut && !other.isUnhealthy)
}

function eject<T extends Suspectable>(
  target: T,
  cause: EjectionCause,
  reason: string,
  { baseEjectionMs }: OutlierPolicy,
  nowMs: number
): Ejection<T> {
  const { outlier } = target
  outlier.multiplier++
  outlier.ejections++
  const forMs = Math.min(baseEjectionMs * outlier.multiplier, Math.max(baseEjectionMs, longestEjectionMs))
  outlier.outUntilMs = nowMs + forMs
  outlier.hasJudged = true
  outlier.clear()
  return { target, cause, forMs, reason }
}

interface Suspect<T> {
  readonly target: T
  readonly cause: EjectionCause
  readonly reason: string
}

// Those that would have been ejected had not too many others been out.
function byConsecutive<T extends Suspectable>(targets: readonly T[], { consecutiveErrors }: OutlierPolicy): Suspect<T>[] {
  if (consecutiveErrors === null) return []
  return targets
    .filter(({ outlier }) => outlier.consecutive >= consecutiveErrors)
    .map(target => ({ target, cause: 'consecutive_errors', reason: `${target.outlier.consecutive} errors in a row` }))
}

function bySuccessRate<T extends Suspectable>(targets: readonly T[]): Suspect<T>[] {
  const judged = targets.filter(({ outlier }) => outlier.requests >= successRateRequests)
  if (judged.length < successRateTargets) return []
  const rates = judged.map(({ outlier }) => 1 - outlier.errors / outlier.requests)
  const mean = sum(rates) / rates.length
  const deviation = Math.sqrt(sum(rates.map(rate => (rate - mean) ** 2)) / rates.length)
  const least = Math.min(mean - deviations * deviation, mean - leastWorse)
  return judged
    .map((target, index) => ({ target, rate: rates[index]! }))
    .filter(({ rate }) => rate < least)
    .sort((a, b) => a.rate - b.rate)
    .map(({ target, rate }) => {
      const reason = `${toPercent(rate)} % of its requests succeeded; ${toPercent(mean)} % on average`
      return { target, cause: 'success_rate', reason }
    })
}

function byLatency<T extends Suspectable>(targets: readonly T[], { latencyFactor }: OutlierPolicy): Suspect<T>[] {
  if (latencyFactor === null) return []
  const judged = targets
    .filter(({ outlier }) => outlier.latencies.count >= latencyRequests)
    .map(target => ({ target, ms: target.outlier.latencies.median }))
  const suspects = judged.flatMap(({ target, ms }) => {
    const others = median(judged.filter(other => other.target !== target).map(other => other.ms))
    if (others === undefined || ms <= others * latencyFactor || ms < others + leastSlowerMs) return []
    const reason = `its answers took ${Math.round(ms)} ms, those of the others ${Math.round(others)} ms (medians)`
    return [{ target, ms, cause: 'latency' as const, reason }]
  })
  return suspects.sort((a, b) => b.ms - a.ms)
}

function median(values: readonly number[]): number | undefined {
  if (values.length === 0) return undefined
  const ordered = [...values].sort((a, b) => a - b)
  const middle = ordered.length >> 1
  return ordered.length % 2 === 1 ? ordered[middle]! : (ordered[middle - 1]! + ordered[middle]!) / 2
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}

function toPercent(share: number): number {
  return Math.round(share * 1_000) / 10
}
