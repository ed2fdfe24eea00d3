/** One request, as its breaker hears of it. */
import type { Breaker, BreakerOutcome } from '../core/breaker.ts'
import type { CompiledBreaker } from '../core/breaker-policy.ts'
import type { FlightFailure } from '../core/flight.ts'
import type { FlightCall } from '../core/target-state.ts'

/** What a breaker belongs to. */
export interface BreakerKeeper {
  readonly policy: Pick<CompiledBreaker, 'isFailure'>
  /** Something happened to the breaker of this key. */
  settle(key: string): void
}

export class BreakerCall implements FlightCall {
  readonly #group: BreakerKeeper
  readonly #breaker: Breaker
  readonly #key: string
  #ticket = 0

  constructor(group: BreakerKeeper, breaker: Breaker, key: string) {
    this.#group = group
    this.#breaker = breaker
    this.#key = key
  }

  /** It is handed to its pool, in the turn in which it was allowed. */
  begin(): void {
    this.#ticket = this.#breaker.begin()
    this.#group.settle(this.#key)
  }

  /** The head of the answer has come. */
  answered(status: number): void {
    if (!this.#group.policy.isFailure(status)) this.#breaker.answered(this.#ticket)
  }

  /** It has ended. @param headMs until the head of the answer, in milliseconds */
  end(status: number | undefined, failure: FlightFailure | undefined, headMs: number | undefined): void {
    // No answer in time is as slow as it gets.
    const tookMs = headMs ?? (failure === 'timeout' ? Number.POSITIVE_INFINITY : undefined)
    this.#breaker.end(this.#ticket, this.#outcomeOf(status, failure), tookMs)
    this.#group.settle(this.#key)
  }

  // Of what the client ended, only a bad answer says anything.
  #outcomeOf(status: number | undefined, failure: FlightFailure | undefined): BreakerOutcome {
    if (status !== undefined && this.#group.policy.isFailure(status)) return 'failure'
    if (failure === undefined) return 'success'
    return failure === 'cancelled' ? 'ignored' : 'failure'
  }
}
