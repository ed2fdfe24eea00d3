/** How slowly the body of a request may come. */
import type { IncomingMessage } from 'node:http'

export interface ClientRate {
  /** Least bytes per second, on average while the gateway waits for the client. */
  readonly minBytesPerSecond: number
  /** How long the client may be slower than that before it counts, in milliseconds. */
  readonly afterMs: number
}

/** Watches one body. Time in which the target takes no more is not the client's. */
export class RateWatch {
  readonly #rate: ClientRate
  readonly #source: IncomingMessage
  #sinceMs = 0
  #bytes = 0

  constructor(rate: ClientRate, source: IncomingMessage) {
    this.#rate = rate
    this.#source = source
  }

  /** The gateway waits for the client from now on. `nowMs` is on a clock that only goes forward. */
  begin(nowMs: number): void {
    this.#sinceMs = nowMs
    this.#bytes = 0
  }

  /** Whether the client has been too slow when so many more bytes have come. */
  isTooSlow(bytes: number, nowMs: number): boolean {
    this.#bytes += bytes
    const elapsedMs = nowMs - this.#sinceMs
    if (elapsedMs < this.#rate.afterMs || this.#bytes * 1_000 >= this.#rate.minBytesPerSecond * elapsedMs) return false
    return !isMessageStream(this.#source)
  }
}

// Calls that stream their messages send when they have something to say, maybe once a minute.
function isMessageStream({ headers }: IncomingMessage): boolean {
  return headers['content-type']?.startsWith('application/grpc') === true
}
