/** Places of limits of concurrency that this gateway holds in Redis: renewed while they are held, free by themselves when it is gone. */
import { randomBytes } from 'node:crypto'
import { createScriptAt } from '../stores/redis-script.ts'
import type { LimitStore } from './limit-store.ts'

/** What a request holds: one place each of so many limits. */
export interface HeldPlaces {
  readonly keys: readonly string[]
  readonly name: string
}

/** So many in one call. */
const batchSize = 250
/** So many are remembered to be freed while the store is away. */
const mostFreed = 100_000

const script = createScriptAt(import.meta.url, 'limit-clock.lua', 'limit-places.lua')

export class Places {
  readonly #store: LimitStore
  readonly #life = randomBytes(6).toString('base64url')
  readonly #held = new Set<HeldPlaces>()
  readonly #renewing: NodeJS.Timeout
  readonly #stopListening: () => void
  #freed: HeldPlaces[] = []
  #freeing: Promise<void> | undefined
  #count = 0

  readonly #placeMs: number

  constructor(store: LimitStore, placeMs: number) {
    this.#store = store
    this.#placeMs = placeMs
    // Three chances to be heard.
    this.#renewing = setInterval(() => void this.#renew(), placeMs / 4)
    this.#renewing.unref()
    this.#stopListening = store.onAvailable(available => available && this.#freeSoon())
  }

  /** A name that no other place has. */
  newName(): string {
    return `${this.#life}-${(this.#count++).toString(36)}`
  }

  hold(places: HeldPlaces): void {
    this.#held.add(places)
  }

  /** Frees what is held; does nothing the second time. */
  free(places: HeldPlaces): void {
    if (this.#held.delete(places)) this.disown(places)
  }

  /** Frees what may be held: whether it is, nobody has answered. */
  disown(places: HeldPlaces): void {
    // More than that can wait until they are free by themselves.
    if (this.#freed.length < mostFreed) this.#freed.push(places)
    this.#freeSoon()
  }

  /** Frees all, and waits until it is told. */
  async close(): Promise<void> {
    clearInterval(this.#renewing)
    this.#stopListening()
    for (const places of this.#held) this.free(places)
    await this.#freeing
  }

  #freeSoon(): void {
    if (!this.#store.available) return
    this.#freeing ??= new Promise(resolve => setImmediate(() => resolve(this.#free())))
  }

  async #free(): Promise<void> {
    this.#freeing = undefined
    const freed = this.#freed
    this.#freed = []
    // They are told when the store is back, and are free by themselves if that is not soon.
    if (!(await this.#send('free', freed))) this.#freed = [...freed, ...this.#freed].slice(-mostFreed)
  }

  #renew(): Promise<boolean> {
    return this.#send('renew', [...this.#held])
  }

  /** Whether all was told. */
  async #send(verb: 'free' | 'renew', all: readonly HeldPlaces[]): Promise<boolean> {
    for (let from = 0; from < all.length; from += batchSize) {
      // Those that ended while the others were told are free already.
      const some = all.slice(from, from + batchSize).filter(places => verb === 'free' || this.#held.has(places))
      const keys = some.flatMap(places => places.keys)
      const args = some.flatMap(({ keys, name }) => keys.flatMap(() => [verb, name]))
      try {
        await this.#store.run(script, keys, [this.#placeMs, ...args])
      } catch {
        return false
      }
    }
    return true
  }
}
