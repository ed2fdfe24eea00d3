/** Limits that Redis counts request by request: one round trip for all limits of a request, and for all requests of one turn of the event loop. */
import type { LimitAlgorithm } from '../../schemas/rate-limit.ts'
import type { LimitDecision } from '../core/limit/decision.ts'
import type { LimitSpec } from '../core/limit/spec.ts'
import { createScriptAt } from '../stores/redis-script.ts'
import { limitKey } from './limit-key.ts'
import type { LimitStore } from './limit-store.ts'
import { type HeldPlaces, Places } from './places.ts'

/** One limit of a request. Those of one request differ in algorithm, id or key. */
export interface ExactTake {
  readonly algorithm: Exclude<LimitAlgorithm, 'adaptive'>
  /** Of the limit. */
  readonly id: string
  /** What is counted apart; any text. */
  readonly key: string
  readonly spec: LimitSpec
}

/** What all limits of a request say of it. */
export interface ExactAnswer {
  /** Whether all let it pass; only then it has been counted, by all. */
  readonly allowed: boolean
  /** What each limit said by itself, in the order of the takes; those that refused nothing have counted nothing either when another did. */
  readonly decisions: readonly LimitDecision[]
  /** The server's clock when it was counted, in microseconds. */
  readonly timeUs: number
  /** For `release`, when it has passed a limit of concurrency. */
  readonly held: HeldPlaces | undefined
}

export interface ExactLimitsOptions {
  /** For how long a place of a limit of concurrency is held without being renewed: a gateway that was killed gives its places back then. Default 10 s. */
  readonly placeMs?: number
}

interface Waiting {
  readonly takes: readonly ExactTake[]
  readonly cost: 0 | 1
  readonly place: string
  readonly resolve: (answer: ExactAnswer) => void
  readonly reject: (error: unknown) => void
}

/** So many limits in one call: Redis does nothing else meanwhile, for some hundred microseconds. */
const batchSize = 64
const numbersPerTake = 6

const script = createScriptAt(import.meta.url, 'limit-clock.lua', 'limit-numbers.lua', 'limit-facts.lua', 'limit-take.lua')

export class ExactLimits {
  readonly #store: LimitStore
  readonly #placeMs: number
  readonly #places: Places
  #waiting: Waiting[] = []

  constructor(store: LimitStore, { placeMs = 10_000 }: ExactLimitsOptions = {}) {
    this.#store = store
    this.#placeMs = placeMs
    this.#places = new Places(store, placeMs)
  }

  /**
   * Counts one request by all these limits if all let it pass. Rejects within the store's budget, and at once while the store is away; the
   * request is not counted later then. @throws {LimitStoreError}
   */
  take(takes: readonly ExactTake[]): Promise<ExactAnswer> {
    return this.#enqueue(takes, 1)
  }

  /** As `take`, and counts nothing. */
  look(takes: readonly ExactTake[]): Promise<ExactAnswer> {
    return this.#enqueue(takes, 0)
  }

  /** The request has ended: its places are free. To be called once; again does nothing. */
  release(held: HeldPlaces): void {
    this.#places.free(held)
  }

  /** Frees what is held; the store must still be open. */
  close(): Promise<void> {
    return this.#places.close()
  }

  #enqueue(takes: readonly ExactTake[], cost: 0 | 1): Promise<ExactAnswer> {
    const { away } = this.#store
    if (away !== undefined) return Promise.reject(away)
    return new Promise((resolve, reject) => {
      if (this.#waiting.length === 0) setImmediate(() => this.#flush())
      const holds = cost === 1 && takes.some(({ algorithm }) => algorithm === 'concurrency')
      this.#waiting.push({ takes, cost, place: holds ? this.#places.newName() : '', resolve, reject })
    })
  }

  #flush(): void {
    const waiting = this.#waiting
    this.#waiting = []
    let batch: Waiting[] = []
    let size = 0
    for (const one of waiting) {
      batch.push(one)
      size += one.takes.length
      if (size < batchSize) continue
      void this.#send(batch)
      batch = []
      size = 0
    }
    if (batch.length > 0) void this.#send(batch)
  }

  async #send(batch: readonly Waiting[]): Promise<void> {
    const keys: string[] = []
    const args: (string | number)[] = [this.#placeMs]
    for (const { takes, cost, place } of batch) {
      args.push(takes.length, cost)
      for (const { algorithm, id, key, spec } of takes) {
        keys.push(limitKey(this.#store.prefix, algorithm, id, key))
        args.push(algorithm, spec.limit, spec.windowMs, spec.burst, spec.maxDelayMs, place)
      }
    }
    let numbers: readonly number[]
    try {
      numbers = await this.#store.run(script, keys, args)
    } catch (error) {
      for (const one of batch) this.#fail(one, error)
      return
    }
    let at = 1
    for (const one of batch) {
      one.resolve(this.#read(one, numbers, at))
      at += one.takes.length * numbersPerTake
    }
  }

  // It may have been counted, and only the answer is late or lost: a place must not stay taken.
  #fail({ takes, place, reject }: Waiting, error: unknown): void {
    if (place !== '') this.#places.disown({ name: place, keys: this.#placeKeys(takes) })
    reject(error)
  }

  #placeKeys(takes: readonly ExactTake[]): readonly string[] {
    const holding = takes.filter(({ algorithm }) => algorithm === 'concurrency')
    return holding.map(({ algorithm, id, key }) => limitKey(this.#store.prefix, algorithm, id, key))
  }

  #read({ takes, cost, place }: Waiting, numbers: readonly number[], from: number): ExactAnswer {
    const decisions = takes.map((_, index) => toDecision(numbers, from + index * numbersPerTake))
    const allowed = decisions.every(decision => decision.allowed)
    const timeUs = numbers[0]!
    if (!allowed || cost === 0 || place === '') return { allowed, decisions, timeUs, held: undefined }
    const held = { name: place, keys: this.#placeKeys(takes) }
    this.#places.hold(held)
    return { allowed, decisions, timeUs, held }
  }
}

function toDecision(numbers: readonly number[], at: number): LimitDecision {
  return {
    allowed: numbers[at] === 1,
    limit: numbers[at + 1]!,
    remaining: numbers[at + 2]!,
    resetMs: numbers[at + 3]! / 1000,
    retryMs: numbers[at + 4]! / 1000,
    delayMs: numbers[at + 5]! / 1000
  }
}
