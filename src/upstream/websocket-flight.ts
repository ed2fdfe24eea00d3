/** What a target hears of a WebSocket: how its handshake ended, at once, and that the WebSocket is open as long as it is. */
import type { ServerResponse } from 'node:http'
import type { FlightFailure } from '../core/flight.ts'
import type { FlightCall, TargetState } from '../core/target-state.ts'

export class HandshakeFlight {
  readonly #state: TargetState | undefined
  readonly #call: FlightCall | undefined
  readonly #askedMs: number
  readonly #response: ServerResponse
  #isOver = false

  /** The target is asked now. @param response ends with the client's connection */
  constructor(state: TargetState | undefined, call: FlightCall | undefined, askedMs: number, response: ServerResponse) {
    this.#state = state
    this.#call = call
    this.#askedMs = askedMs
    this.#response = response
    state?.begin()
    call?.begin()
    response.once('close', () => this.settle(undefined, 'cancelled'))
  }

  /** The target agreed. */
  opened(): void {
    this.settle(101)
    if (this.#state !== undefined) this.#response.once('close', this.#state.hold())
  }

  /** The handshake ended. The first word counts. */
  settle(status: number | undefined, failure?: FlightFailure): void {
    if (this.#isOver) return
    this.#isOver = true
    const headMs = status === undefined ? undefined : performance.now() - this.#askedMs
    this.#state?.end(status, failure, headMs, this.#askedMs)
    this.#call?.end(status, failure, headMs)
  }
}
