/**
 * Moves a rate so that answers take as long as they should: a PID controller (Åström and Hägglund, "Advanced PID Control", 2006, chapter 3) on
 * the logarithm of the rate, so that it acts in shares and the gains are the same for 1 and for 100,000 requests/s. Its unit of time is the
 * target latency itself, which is how long the effect of a change takes to be seen; so they are the same for 10 ms and for 10 s, too.
 *
 *     e = (target - observed) / target, from -1 to 1
 *     rate = exp(integral + kp × e + kd × de/dτ),  d integral / dτ = ki × e,  τ = t / target
 */
import type { AdaptivePolicy } from './compiled-limit.ts'
import type { LimitSpec } from './spec.ts'

/** How often the rate is moved, in target latencies, and at least and at most in milliseconds. */
const periodShare = 0.5
const shortestPeriodMs = 20
const longestPeriodMs = 1_000
/** A limit that let so much of its rate through is what held the rest back. */
const bindingShare = 0.8

export class AdaptiveRate {
  /** What the token bucket counts with: the same object always, its numbers those of the moment. */
  readonly spec: { limit: number; windowMs: number; burst: number; maxDelayMs: number } & LimitSpec
  #policy: AdaptivePolicy
  #integral: number
  #error = 0
  #steppedMs: number
  // Of the period that runs.
  #sumMs = 0
  #answers = 0
  #admitted = 0
  #refused = 0
  #inFlight = 0
  #answeredMs: number
  #observedMs: number | undefined

  constructor(policy: AdaptivePolicy, nowMs: number) {
    this.#policy = policy
    this.#steppedMs = nowMs
    this.#answeredMs = nowMs
    this.#integral = Math.log(policy.start)
    this.spec = { limit: policy.start, windowMs: policy.windowMs, burst: 1, maxDelayMs: 0 }
    this.#setRate(policy.start)
  }

  /** The rate of the moment, in requests per window. */
  get rate(): number {
    return this.spec.limit
  }

  /** What was measured last; undefined: nothing yet. */
  get observedMs(): number | undefined {
    return this.#observedMs
  }

  /** Goes by other numbers from now on, from where it is. */
  follow(policy: AdaptivePolicy): void {
    if (policy === this.#policy) return
    const scale = policy.windowMs / this.#policy.windowMs
    this.#policy = policy
    this.spec.windowMs = policy.windowMs
    this.#integral += Math.log(scale)
    this.#setRate(this.rate * scale)
  }

  /** A request was let through, or refused. */
  count(allowed: boolean, nowMs: number): void {
    if (!allowed) {
      this.#refused++
      return
    }
    this.#admitted++
    // A target that was left alone has not been silent.
    if (this.#inFlight++ === 0) this.#answeredMs = Math.max(this.#answeredMs, nowMs)
  }

  /** A request that was let through has ended. @param latencyMs until the head of its answer, or its failure; undefined: it says nothing */
  ended(latencyMs: number | undefined, nowMs: number): void {
    this.#inFlight--
    if (latencyMs === undefined) return
    this.#answeredMs = nowMs
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
    if (observedMs !== undefined) this.#step(observedMs, spanMs, passedMs)
    this.#sumMs = 0
    this.#answers = 0
    this.#admitted = 0
    this.#refused = 0
  }

  // A target that answers nothing is as slow as its silence is long.
  #observe(nowMs: number): number | undefined {
    const meanMs = this.#answers === 0 ? undefined : this.#sumMs / this.#answers
    const silenceMs = this.#inFlight > 0 ? nowMs - this.#answeredMs : 0
    if (meanMs === undefined && silenceMs <= this.#policy.targetMs) return undefined
    return Math.max(meanMs ?? 0, silenceMs)
  }

  #step(observedMs: number, spanMs: number, passedMs: number): void {
    const { targetMs, kp, ki, kd } = this.#policy
    this.#observedMs = observedMs
    const error = Math.max(-1, Math.min(1, (targetMs - observedMs) / targetMs))
    const span = spanMs / targetMs
    const slope = (error - this.#error) / span
    this.#error = error
    // While the demand is below the rate, quick answers say nothing about a higher one.
    if (error > 0 && !this.#isBinding(passedMs)) return
    this.#integral += ki * error * span
    this.#setRate(Math.exp(this.#integral + kp * error + kd * slope))
  }

  #isBinding(passedMs: number): boolean {
    return this.#refused > 0 || this.#admitted >= (bindingShare * this.rate * passedMs) / this.#policy.windowMs
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
