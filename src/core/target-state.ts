/** What is known of one target of a service while the gateway runs. It outlives every configuration that names the target. */
import type { FlightEnd, FlightFailure } from './flight.ts'
import type { CompiledTarget } from './route.ts'

/** Who may say that a target gets no requests. */
export type Verdict = 'health' | 'outlier' | 'fleet' | 'breaker'

/** Hears of each request to a target. */
export interface FlightObserver {
  began(target: TargetState): void
  ended(target: TargetState, end: FlightEnd): void
}

/** What a target's state belongs to. */
export interface TargetOwner {
  /** Milliseconds on a clock that only goes forward. */
  now(): number
  /** Undefined: nobody wants to know, and nothing is made of what happens. */
  readonly observer: FlightObserver | undefined
  /** A verdict about one of its targets has changed. */
  verdictChanged(target: TargetState): void
}

/** A target as a service names it now, and what is known of it. */
export interface Candidate {
  readonly target: CompiledTarget
  readonly state: TargetState
}

/** Hears of one request, from when it is handed to its pool. As `begin` and `end` of `TargetState`. */
export interface FlightCall {
  begin(): void
  /** The head of the answer has come. */
  answered(status: number): void
  end(status: number | undefined, failure: FlightFailure | undefined, headMs: number | undefined): void
}

/** Where one request goes. */
export interface Destination {
  readonly target: CompiledTarget
  /** Undefined for a rule's own target. */
  readonly state: TargetState | undefined
  /** Of one request only. */
  readonly call?: FlightCall | undefined
}

export class TargetState {
  /** As the operator wrote it. */
  readonly url: string
  /** Requests that were handed to it and have not ended, and WebSockets that are open. */
  inFlight = 0
  /** When it came, or came back after it was out; on the owner's clock. */
  sinceMs: number
  readonly #owner: TargetOwner
  readonly #outUntilMs = new Map<Verdict, number>()

  constructor(url: string, owner: TargetOwner) {
    this.url = url
    this.sinceMs = owner.now()
    this.#owner = owner
  }

  /** A request is handed to it. Call `end` once for each. */
  begin(): void {
    this.inFlight++
    this.#owner.observer?.began(this)
  }

  /**
   * A request to it has ended.
   * @param headMs from its beginning until the head of the answer @param beganMs when it began, on the owner's clock
   */
  end(status: number | undefined, failure: FlightFailure | undefined, headMs: number | undefined, beganMs: number): void {
    this.inFlight--
    const { observer } = this.#owner
    if (observer !== undefined) observer.ended(this, { status, failure, headMs, totalMs: this.#owner.now() - beganMs })
  }

  /** Counts something that lasts and is no request, such as an open WebSocket. Call what is returned once, when it ends. */
  hold(): () => void {
    this.inFlight++
    return () => void this.inFlight--
  }

  /** Puts it out until `untilMs` on the owner's clock, by default until `setIn`. Said again, the later word counts. */
  setOut(verdict: Verdict, untilMs = Number.POSITIVE_INFINITY): void {
    if (this.#outUntilMs.get(verdict) === untilMs) return
    this.#outUntilMs.set(verdict, untilMs)
    this.#owner.verdictChanged(this)
  }

  /** Takes a verdict back. It gets requests again once there is none. */
  setIn(verdict: Verdict): void {
    if (!this.#outUntilMs.delete(verdict)) return
    if (this.#outUntilMs.size === 0) this.sinceMs = this.#owner.now()
    this.#owner.verdictChanged(this)
  }

  /** The verdicts that keep it out now; empty when it may get requests. */
  get verdicts(): readonly Verdict[] {
    this.#expire()
    return [...this.#outUntilMs.keys()]
  }

  /** Whether a verdict keeps it out now. */
  get isOut(): boolean {
    this.#expire()
    return this.#outUntilMs.size > 0
  }

  /** When the first of its verdicts ends by itself, on the owner's clock; infinite when none does. */
  get nextExpiryMs(): number {
    return Math.min(Number.POSITIVE_INFINITY, ...this.#outUntilMs.values())
  }

  #expire(): void {
    if (this.#outUntilMs.size === 0) return
    const nowMs = this.#owner.now()
    for (const [verdict, untilMs] of this.#outUntilMs) if (nowMs >= untilMs) this.#outUntilMs.delete(verdict)
    if (this.#outUntilMs.size === 0) this.sinceMs = nowMs
  }
}
