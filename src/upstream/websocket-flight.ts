/** What a target hears of a WebSocket: how its handshake ended, at once, and that the WebSocket is open as long as it is. */
import type { ServerResponse } from 'node:http'
import type { FlightFailure } from '../core/flight.ts'
import type { TargetState } from '../core/target-state.ts'

export class HandshakeFlight {
  readonly #state: TargetState
  readonly #askedMs: number
  readonly #response: ServerResponse
  #isOver = false

  /** The target is asked now. @param response ends with the client's connection */
  constructor(state: TargetState, askedMs: number, response: ServerResponse) {
    this.#state = state
    this.#askedMs = askedMs
    this.#response = response
    state.begin()
    response.once('close', () => this.settle(undefined, 'cancelled'))
  }

  /** The target agreed. */
  opened(): void {
    this.settle(101)
    this.#response.once('close', this.#state.hold())
  }

  /** The handshake ended. The first word counts. */
  settle(status: number | undefined, failure?: FlightFailure): void {
    if (this.#isOver) return
    this.#isOver = true
    const headMs = status === undefined ? undefined : performance.now() - this.#askedMs
    this.#state.end(status, failure, headMs, this.#askedMs)
  }
}
