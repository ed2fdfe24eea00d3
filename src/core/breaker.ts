/**
 * A circuit breaker: closed, it counts; open, it refuses; half-open, it lets a few requests through to see. The pattern is that of
 * M. Nygard, "Release It!", the settings those of sony/gobreaker. Pure: it has no timer, and moves on when it is looked at.
 */
import type { BreakerState } from '../../schemas/breaker.ts'
import { RollingCounts } from './rolling-counts.ts'

export interface TripPolicy {
  /** Failures in a row that open it; null: a row does not. However long ago they were: a success ends a row, time does not. */
  readonly consecutiveFailures: number | null
  /** Of the requests in the window, above 0 up to 1; null: no share opens it. */
  readonly errorRate: number | null
  readonly slowRate: number | null
  /** From this on an answer is slow, in milliseconds. */
  readonly slowMs: number | null
  /** Below so many requests in the window the rates say nothing. */
  readonly minRequests: number
}

export interface BreakerPolicy {
  /** Requests that may try a half-open breaker at once, and successes that close it. At least 1. */
  readonly maxRequests: number
  /** The window of the rates, in milliseconds. */
  readonly intervalMs: number
  /** How long it stays open, and how long a probe keeps its place, in milliseconds. */
  readonly timeoutMs: number
  readonly readyToTrip: TripPolicy
}

/** `ignored`: the end says nothing, as when the client left. */
export type BreakerOutcome = 'success' | 'failure' | 'ignored'
export type BreakerMode = 'auto' | 'open' | 'closed'

/** Why a breaker changed its state. */
export type BreakerReason =
  | 'consecutive_failures'
  | 'error_rate'
  | 'slow_rate'
  | 'probe_failed'
  | 'probes_succeeded'
  | 'timeout'
  | 'forced'
  | 'unforced'

export interface BreakerTransition {
  readonly from: BreakerState
  readonly to: BreakerState
  readonly reason: BreakerReason
}

interface Probe {
  readonly beganMs: number
  hasAnswered: boolean
}

export class Breaker {
  readonly #now: () => number
  readonly #onTransition: (transition: BreakerTransition) => void
  #policy: BreakerPolicy
  #counts: RollingCounts
  #state: BreakerState = 'closed'
  #mode: BreakerMode = 'auto'
  #consecutive = 0
  #openUntilMs = 0
  #successes = 0
  #lastTicket = 0
  // Tickets before it are of an earlier generation: what became of those requests says nothing any more.
  #firstTicket = 1
  readonly #probes = new Map<number, Probe>()

  /** @param now milliseconds on a clock that only goes forward */
  constructor(policy: BreakerPolicy, now: () => number, onTransition: (transition: BreakerTransition) => void = () => undefined) {
    this.#policy = policy
    this.#now = now
    this.#onTransition = onTransition
    this.#counts = new RollingCounts(policy.intervalMs, now())
  }

  /** Follows other numbers from now on, without changing its state. What it counted is forgotten when the window is another. */
  set policy(policy: BreakerPolicy) {
    if (policy.intervalMs !== this.#policy.intervalMs) this.#counts = new RollingCounts(policy.intervalMs, this.#now())
    this.#openUntilMs += policy.timeoutMs - this.#policy.timeoutMs
    this.#policy = policy
  }

  get state(): BreakerState {
    this.#moveOn()
    return this.#state
  }

  /** What an operator wants of it. */
  get mode(): BreakerMode {
    return this.#mode
  }

  get consecutiveFailures(): number {
    return this.#consecutive
  }

  /** Of the window. */
  get counts(): { readonly requests: number; readonly failures: number; readonly slow: number } {
    this.#counts.roll(this.#now())
    const { requests, failures, slow } = this.#counts
    return { requests, failures, slow }
  }

  /** Whether a request may be sent now. */
  get allows(): boolean {
    return this.#state === 'closed' || this.#allowsNow()
  }

  /** When a request may be sent at the latest, on its clock, if nothing is heard until then. Infinite when it is forced open. */
  get refusesUntilMs(): number {
    if (this.allows) return this.#now()
    if (this.#mode === 'open') return Number.POSITIVE_INFINITY
    if (this.#state === 'open') return this.#openUntilMs
    let first = Number.POSITIVE_INFINITY
    for (const { beganMs } of this.#probes.values()) first = Math.min(first, beganMs + this.#policy.timeoutMs)
    return first
  }

  /** A request is sent now; only when `allows`, in the same turn. @returns what to say at its end */
  begin(): number {
    if (this.#state !== 'closed') this.#moveOn()
    const ticket = ++this.#lastTicket
    if (this.#state === 'half_open') this.#probes.set(ticket, { beganMs: this.#now(), hasAnswered: false })
    return ticket
  }

  /** The head of a good answer has come. A probe that goes on well until its time is over is a success: a stream may never end. */
  answered(ticket: number): void {
    const probe = this.#state === 'half_open' ? this.#probes.get(ticket) : undefined
    if (probe !== undefined) probe.hasAnswered = true
  }

  /** A request has ended. @param tookMs until the head of the answer; undefined when none came */
  end(ticket: number, outcome: BreakerOutcome, tookMs: number | undefined): void {
    this.#moveOn()
    if (this.#mode !== 'auto' || ticket < this.#firstTicket) return
    const { slowMs } = this.#policy.readyToTrip
    const isSlow = slowMs !== null && tookMs !== undefined && tookMs >= slowMs
    if (this.#state === 'half_open') this.#endProbe(ticket, outcome, isSlow)
    else if (this.#state === 'closed' && outcome !== 'ignored') this.#count(outcome === 'failure', isSlow)
  }

  /** An operator's word: `auto` begins anew, closed, unless it was so already. */
  force(mode: BreakerMode): void {
    this.#moveOn()
    if (mode === this.#mode) return
    this.#mode = mode
    this.#consecutive = 0
    this.#counts = new RollingCounts(this.#policy.intervalMs, this.#now())
    this.#become(mode === 'open' ? 'open' : 'closed', mode === 'auto' ? 'unforced' : 'forced')
  }

  #allowsNow(): boolean {
    this.#moveOn()
    if (this.#state !== 'half_open') return this.#state === 'closed'
    return this.#probes.size + this.#successes < this.#policy.maxRequests
  }

  #count(isFailure: boolean, isSlow: boolean): void {
    this.#counts.add(isFailure, isSlow, this.#now())
    this.#consecutive = isFailure ? this.#consecutive + 1 : 0
    const reason = this.#reasonToTrip()
    if (reason !== undefined) this.#open(reason)
  }

  #reasonToTrip(): BreakerReason | undefined {
    const { consecutiveFailures, errorRate, slowRate, minRequests } = this.#policy.readyToTrip
    if (consecutiveFailures !== null && this.#consecutive >= consecutiveFailures) return 'consecutive_failures'
    const { requests, failures, slow } = this.#counts
    if (requests < minRequests) return undefined
    if (errorRate !== null && failures / requests >= errorRate) return 'error_rate'
    return slowRate !== null && slow / requests >= slowRate ? 'slow_rate' : undefined
  }

  // A slow answer is no success where slowness opens it: it would open again at once.
  #endProbe(ticket: number, outcome: BreakerOutcome, isSlow: boolean): void {
    if (!this.#probes.delete(ticket) || outcome === 'ignored') return
    const isBad = outcome === 'failure' || (isSlow && this.#policy.readyToTrip.slowRate !== null)
    if (isBad) this.#open('probe_failed')
    else this.#succeed()
  }

  #succeed(): void {
    this.#successes++
    if (this.#successes < this.#policy.maxRequests) return
    this.#consecutive = 0
    this.#counts = new RollingCounts(this.#policy.intervalMs, this.#now())
    this.#become('closed', 'probes_succeeded')
  }

  #open(reason: BreakerReason): void {
    this.#openUntilMs = this.#now() + this.#policy.timeoutMs
    this.#become('open', reason)
  }

  // What only time brings about.
  #moveOn(): void {
    if (this.#state === 'closed' || this.#mode !== 'auto') return
    const nowMs = this.#now()
    if (this.#state === 'open') {
      if (nowMs >= this.#openUntilMs) this.#become('half_open', 'timeout')
      return
    }
    // Fewer may be enough by now than when they came.
    if (this.#successes >= this.#policy.maxRequests) return this.#succeed()
    // A probe that never reports, such as a request that hangs, must not wedge the breaker: its place is given back.
    for (const [ticket, { beganMs, hasAnswered }] of this.#probes) {
      if (nowMs < beganMs + this.#policy.timeoutMs) return
      this.#probes.delete(ticket)
      if (hasAnswered) this.#succeed()
    }
  }

  #become(state: BreakerState, reason: BreakerReason): void {
    const from = this.#state
    this.#state = state
    this.#successes = 0
    this.#probes.clear()
    this.#firstTicket = this.#lastTicket + 1
    if (from !== state) this.#onTransition({ from, to: state, reason })
  }
}
