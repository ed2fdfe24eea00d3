/**
 * Moves a rate so that answers take as long as they should: a PID controller (Åström and Hägglund, "Advanced PID Control", 2006, chapter 3) on
 * the logarithm of the rate, so that it acts in shares and the gains are the same for 1 and for 100,000 requests/s. Its unit of time is the
 * target latency itself, which is how long the effect of a change takes to be seen; so they are the same for 10 ms and for 10 s, too.
 *
 *     e = (target - observed) / target, from -1 to 1
 *     rate = exp(integral + kp × e + kd × de/dτ),  d integral / dτ = ki × e,  τ = t / target
 *
 * What is observed is the mean of a period: in a queue that is what Little's law ties to the load, where a percentile would need more answers
 * than a slow target gives. That `e` ends at -1 keeps one late answer from counting for more than one.
 */
import type { AdaptivePolicy } from './compiled-limit.ts'
import type { LimitSpec } from './spec.ts'

/** How often the rate is moved, in target latencies, and at least and at most in milliseconds. */
const periodShare = 0.5
const shortestPeriodMs = 20
const longestPeriodMs = 1_000
/** Below it, the target latency is no unit of time: the rate is not moved so often. */
const shortestUnitMs = 10

/** After so many slow periods one after the other it is no late answer or two. */
const slowForGood = 4

/** What is known of an adaptive limit at a moment. */
export interface AdaptiveState {
  /** Requests per window. */
  readonly rate: number
  /** What was measured last, in milliseconds; null: nothing yet. */
  readonly observedMs: number | null
  /** How far that is below the target, as a share of the target: from -1 to 1. */
  readonly error: number
  /** The rate that the integral stands for: that of the moment, without what the error of the moment adds or takes. */
  readonly integral: number
  /** The bound that the rate is at; null: none. */
  readonly bound: 'min' | 'max' | null
}

export class AdaptiveRate {
  /** What the token bucket counts with: the same object always, its numbers those of the moment. */
  readonly spec: { limit: number; windowMs: number; burst: number; maxDelayMs: number } & LimitSpec
  #policy: AdaptivePolicy
  /** The logarithm of a rate. */
  #integral: number
  #error = 0
  /** The rate at which the limit held requests back last: what quick answers prove is up to there. */
  #boundRate: number
  #steppedMs: number
  // Of the period that runs.
  #sumMs = 0
  #answers = 0
  #refused = false
  // Of the slow periods, one after the other, in which the limit held nothing back.
  #slowPeriods = 0
  #slowFromMs = 0
  #slowAdmitted = 0
  #inFlight = 0
  /** When the first request went that has come since the last answer. */
  #askedMs: number | undefined
  #observedMs: number | undefined

  constructor(policy: AdaptivePolicy, nowMs: number) {
    this.#policy = policy
    this.#steppedMs = nowMs
    this.#integral = Math.log(policy.start)
    this.spec = { limit: policy.start, windowMs: policy.windowMs, burst: 1, maxDelayMs: 0 }
    this.#boundRate = policy.start
    this.#setRate(policy.start)
  }

  /** The rate of the moment, in requests per window. */
  get rate(): number {
    return this.spec.limit
  }

  get state(): AdaptiveState {
    const { rate } = this
    const { min, max } = this.#policy
    const bound = rate <= min ? 'min' : rate >= max ? 'max' : null
    return { rate, observedMs: this.#observedMs ?? null, error: this.#error, integral: Math.exp(this.#integral), bound }
  }

  /** Goes by other numbers from now on, from where it is. */
  follow(policy: AdaptivePolicy): void {
    if (policy === this.#policy) return
    const scale = policy.windowMs / this.#policy.windowMs
    this.#policy = policy
    this.spec.windowMs = policy.windowMs
    this.#integral += Math.log(scale)
    this.#boundRate *= scale
    this.#setRate(this.rate * scale)
  }

  /**
   * A request came.
   * @param refused this limit refused it, or would have but for its `shadow`
   * @param admitted it goes to the target
   */
  count(refused: boolean, admitted: boolean, nowMs: number): void {
    if (refused) this.#refused = true
    if (!admitted) return
    this.#slowAdmitted++
    if (this.#inFlight++ === 0 || this.#askedMs === undefined) this.#askedMs = nowMs
  }

  /** A request that was let through has ended. @param latencyMs until the head of its answer, or its failure; undefined: it says nothing */
  ended(latencyMs: number | undefined): void {
    this.#inFlight--
    // A NaN would stay in the integral for ever.
    if (latencyMs === undefined || !(latencyMs >= 0 && latencyMs < Number.POSITIVE_INFINITY)) return
    this.#askedMs = undefined
    this.#sumMs += latencyMs
    this.#answers++
  }

  /** Moves the rate when it is time. To be called before each decision. */
  advance(nowMs: number): void {
    const { targetMs } = this.#policy
    const periodMs = Math.min(longestPeriodMs, Math.max(shortestPeriodMs, targetMs * periodShare))
    const passedMs = nowMs - this.#steppedMs
    if (passedMs < periodMs) return
    // However long nothing came: what was measured speaks of one or two periods, not of the pause.
    const spanMs = Math.min(passedMs, 2 * periodMs)
    this.#steppedMs = nowMs
    const observedMs = this.#observe(nowMs)
    // What was refused is kept for the answer to come: at low rates the two are seldom of one period.
    if (observedMs === undefined) return
    this.#step(observedMs, spanMs, nowMs)
    this.#sumMs = 0
    this.#answers = 0
    this.#refused = false
  }

  // A target that answers nothing is as slow as its silence is long. A pause in which it was asked nothing is none, though one slow answer be due.
  #observe(nowMs: number): number | undefined {
    const meanMs = this.#answers === 0 ? undefined : this.#sumMs / this.#answers
    const silenceMs = this.#inFlight > 0 && this.#askedMs !== undefined ? nowMs - this.#askedMs : 0
    if (meanMs === undefined && silenceMs <= this.#policy.targetMs) return undefined
    return Math.max(meanMs ?? 0, silenceMs)
  }

  #step(observedMs: number, spanMs: number, nowMs: number): void {
    const { targetMs, kp, ki, kd } = this.#policy
    this.#observedMs = observedMs
    const error = Math.max(-1, Math.min(1, (targetMs - observedMs) / targetMs))
    const span = spanMs / Math.max(targetMs, shortestUnitMs)
    const slope = (error - this.#error) / span
    this.#error = error
    this.#integral += ki * error * span
    this.#comeDownToDemand(nowMs)
    const wanted = Math.exp(this.#integral + kp * error + kd * slope)
    if (this.#refused) {
      this.#setRate(wanted)
      this.#boundRate = this.rate
      return
    }
    // While the demand is below the rate, quick answers say nothing about a higher one. They do make up for slow ones, whose share it is that
    // tells: else a few of them, each taking its part, would bring down a rate that nobody uses.
    this.#integral = Math.min(this.#integral, Math.log(this.#boundRate))
    this.#setRate(Math.min(wanted, this.#boundRate))
  }

  // A rate far above the demand would have a long way to go before it helped a target that has become slow.
  #comeDownToDemand(nowMs: number): void {
    if (this.#error >= 0 || this.#refused) {
      this.#slowPeriods = 0
      return
    }
    if (this.#slowPeriods++ === 0) {
      this.#slowFromMs = nowMs
      this.#slowAdmitted = 0
    }
    if (this.#slowPeriods <= slowForGood || this.#slowAdmitted === 0) return
    const demand = (this.#slowAdmitted * this.#policy.windowMs) / (nowMs - this.#slowFromMs)
    this.#integral = Math.min(this.#integral, Math.log(demand))
  }

  // Anti-windup: the integral never stands for a rate beyond the bounds, so it has no way to go back when the error turns.
  #setRate(wanted: number): void {
    const { min, max, targetMs, windowMs, burst } = this.#policy
    this.#integral = Math.max(Math.log(min), Math.min(Math.log(max), this.#integral))
    const rate = Math.max(min, Math.min(max, wanted))
    this.spec.limit = rate
    // Little's law: at this rate so many are with a target that answers in time.
    this.spec.burst = burst ?? Math.max(1, Math.round((rate * Math.min(targetMs, windowMs)) / windowMs))
  }
}
