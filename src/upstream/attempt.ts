/** One of several requests to targets on behalf of one exchange, as undici tells it. */
import type { Dispatcher } from 'undici'
import type { FlightFailure } from '../core/flight.ts'
import type { CompiledTarget } from '../core/route.ts'
import type { Destination, FlightCall, TargetState } from '../core/target-state.ts'
import { failureOf, isReset } from './failures.ts'
import type { Forwarding } from './forwarding.ts'
import type { TargetPool } from './pools.ts'
import type { ReceivedFields } from './response-headers.ts'

/** Decides what becomes of attempts. */
export interface AttemptOwner {
  /** The head of an answer has come. True: the client gets it. False: the attempt is over, its answer is dropped. */
  takes(attempt: Attempt, status: number, fields: ReceivedFields): boolean
  /** An interim answer has come. True: the client gets it. */
  takesInterim(): boolean
  /** It is over without an answer. */
  failed(attempt: Attempt, error: Error): void
}

/** How much of an answer that is dropped is read for the sake of the connection, in bytes. */
const longestDropped = 65_536

export class Attempt implements Dispatcher.DispatchHandler {
  readonly destination: Destination
  /** When it was handed to the pool, on the clock of `performance.now()`. */
  readonly dispatchedMs: number
  #flight: TargetState | undefined
  #call: FlightCall | undefined
  #status: number | undefined
  #headMs: number | undefined
  readonly #pool: TargetPool
  readonly #owner: AttemptOwner
  readonly #forwarding: Forwarding
  #controller: Dispatcher.DispatchController | undefined
  // `dropped`: the answer is read and thrown away.
  #state: 'waiting' | 'chosen' | 'dropped' | 'over' = 'waiting'
  #onFreshConnection = false
  #hasAnswered = false
  #isSent = false
  #droppedBytes = 0

  constructor(destination: Destination, pool: TargetPool, owner: AttemptOwner, forwarding: Forwarding, nowMs: number) {
    this.destination = destination
    this.#flight = destination.state
    this.#flight?.begin()
    this.#call = destination.call
    this.#call?.begin()
    this.dispatchedMs = nowMs
    this.#pool = pool
    this.#owner = owner
    this.#forwarding = forwarding
  }

  get target(): CompiledTarget {
    return this.destination.target
  }

  /** Whether a connection took it. The target may have seen it from then on. */
  get wasStarted(): boolean {
    return this.#controller !== undefined
  }

  /** Whether the target closed an idle connection just as the request was written to it (RFC 9112 section 9.3.1). */
  isStale(error: Error): boolean {
    return this.wasStarted && !this.#onFreshConnection && !this.#hasAnswered && isReset(error)
  }

  /** Ends it, if it has not ended. @param failure what that says about the target */
  cancel(failure: FlightFailure = 'cancelled'): void {
    if (this.#state === 'over') return
    // Of an answer that was dropped, its head has said it all.
    this.settle(this.#state === 'dropped' ? undefined : failure)
    this.#state = 'over'
    this.#controller?.abort(new Error('cancelled'))
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    // Cancelled while it waited for a connection.
    if (this.#state === 'over') return controller.abort(new Error('cancelled'))
    this.#controller = controller
    this.#onFreshConnection = this.#pool.onFreshConnection
  }

  onRequestSent(): void {
    this.#isSent = true
  }

  onResponseStarted(): void {
    this.#hasAnswered = true
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, fields: ReceivedFields, message?: string): void {
    if (this.#state !== 'waiting') return
    if (status < 200) {
      if (this.#owner.takesInterim()) this.#forwarding.onResponseStart(controller, status, fields, message)
      return
    }
    this.#status = status
    this.#headMs = performance.now() - this.dispatchedMs
    this.#call?.answered(status)
    if (this.#owner.takes(this, status, fields)) {
      this.#state = 'chosen'
      this.#forwarding.adopt(controller, this.dispatchedMs)
      this.#forwarding.onResponseStart(controller, status, fields, message)
    } else this.#drop()
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#state === 'chosen') return this.#forwarding.onResponseData(controller, chunk)
    this.#droppedBytes += chunk.length
    if (this.#droppedBytes > longestDropped) this.cancel()
  }

  onResponseEnd(controller: Dispatcher.DispatchController, trailers: ReceivedFields): void {
    if (this.#state === 'chosen') this.#forwarding.onResponseEnd(controller, trailers)
    this.settle(undefined)
    this.#state = 'over'
  }

  onResponseError(controller: Dispatcher.DispatchController | undefined, error: Error): void {
    const state = this.#state
    this.#state = 'over'
    if (state === 'waiting') this.#owner.failed(this, error)
    else if (state === 'chosen') this.#forwarding.onResponseError(controller, error)
    this.settle(state === 'dropped' ? undefined : failureOf(error, this.wasStarted))
  }

  /** Tells the target how the request ended. The first word counts. */
  settle(failure: FlightFailure | undefined): void {
    const flight = this.#flight
    this.#flight = undefined
    flight?.end(this.#status, failure, this.#headMs, this.dispatchedMs)
    const call = this.#call
    this.#call = undefined
    call?.end(this.#status, failure, this.#headMs)
  }

  // A short answer is read to its end, and its connection can be used again; but not when the request would still be written to it.
  #drop(): void {
    this.#state = 'dropped'
    if (!this.#isSent) this.cancel()
  }
}
