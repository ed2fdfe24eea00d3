/** Asks a source again and again: after a while, at once when told to, later and later while it fails. */
import { setTimeout as delay } from 'node:timers/promises'

/** One question. Resolves with how long to wait before the next one, in milliseconds. */
export type Round = (signal: AbortSignal) => Promise<number>

export interface RoundsOptions {
  readonly round: Round
  readonly onTrouble: (error: Error) => void
  /** From 0 to below 1: spreads the attempts of many instances. */
  readonly random?: () => number
}

const firstBackoffMs = 100
const maxBackoffMs = 1_000

export class Rounds {
  readonly #options: RoundsOptions
  readonly #done: Promise<void>
  #current = new AbortController()
  #isClosed = false

  constructor(options: RoundsOptions) {
    this.#options = options
    this.#done = this.#run()
  }

  /** Gives up the round or the wait that is under way and begins the next round. */
  refresh(): void {
    this.#current.abort()
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#current.abort()
    await this.#done
  }

  async #run(): Promise<void> {
    // The owner is made first: what a round tells may reach back to it.
    await Promise.resolve()
    for (let failures = 0; !this.#isClosed; ) {
      this.#current = new AbortController()
      const { signal } = this.#current
      let waitMs: number
      try {
        waitMs = await this.#options.round(signal)
        failures = 0
      } catch (error) {
        if (signal.aborted) continue
        this.#options.onTrouble(toError(error))
        waitMs = this.#backoffMs(failures++)
      }
      await delay(waitMs, undefined, { signal }).catch(() => undefined)
    }
  }

  #backoffMs(failures: number): number {
    const { random = Math.random } = this.#options
    return Math.min(maxBackoffMs, firstBackoffMs * 2 ** Math.min(failures, 10)) * (0.5 + random() / 2)
  }
}

// A refused connection to a name with two addresses has its reasons inside.
function toError(error: unknown): Error {
  const first: unknown = error instanceof AggregateError && error.message === '' ? error.errors[0] : error
  return first instanceof Error ? first : new Error(String(first))
}
