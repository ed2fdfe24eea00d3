/** How many instances count together: each says once a second that it is there. Not the fleet of the configuration store, which may be another. */
import { randomBytes } from 'node:crypto'
import { createScriptAt } from '../stores/redis-script.ts'
import type { LimitStore } from './limit-store.ts'

const beatMs = 1_000
/** How long after its last word an instance counts. */
const keepMs = 5_000

const script = createScriptAt(import.meta.url, 'limit-clock.lua', 'limit-instances.lua')

export class LimitInstances {
  readonly #store: LimitStore
  readonly #name = randomBytes(9).toString('base64url')
  readonly #timer: NodeJS.Timeout
  readonly #stopListening: () => void
  #count = 1

  constructor(store: LimitStore) {
    this.#store = store
    this.#stopListening = store.onAvailable(available => available && this.#beat())
    this.#timer = setInterval(() => this.#beat(), beatMs).unref()
  }

  /** This one included, as far as was heard last; at least 1. */
  get count(): number {
    return this.#count
  }

  /** Says good-bye, as far as the store answers; it must still be open. */
  async close(): Promise<void> {
    clearInterval(this.#timer)
    this.#stopListening()
    await this.#say(0)
  }

  #beat(): void {
    if (this.#store.available) void this.#say(keepMs)
  }

  async #say(forMs: number): Promise<void> {
    try {
      const [, count = 1] = await this.#store.run(script, [`${this.#store.prefix}instances`], [this.#name, forMs])
      this.#count = Math.max(1, count)
    } catch {
      // What was heard last is still the best guess.
    }
  }
}
