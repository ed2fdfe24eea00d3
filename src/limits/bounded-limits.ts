/** Limits whose tokens are leased from Redis ahead of the requests: nothing is asked while a request waits. */
import type { LimitDecision } from '../core/limit/decision.ts'
import type { KeyBudget } from '../core/limit/key-table.ts'
import type { LeaseAnswer, LeaseAsk } from '../core/limit/lease-ask.ts'
import type { LeasedAlgorithm } from '../core/limit/lease-bounds.ts'
import { LeaseTable } from '../core/limit/lease-table.ts'
import type { LimitSpec } from '../core/limit/spec.ts'
import { createScriptAt } from '../stores/redis-script.ts'
import { limitKey } from './limit-key.ts'
import type { LimitStore } from './limit-store.ts'

/** For how long tokens are leased at most: what is not used by then goes back. */
const leaseMs = 500
const sweepMs = 100
/** So many keys in one call: Redis does nothing else meanwhile, for less than a millisecond. */
const batchSize = 128
/** Giving back at the end takes no longer. */
const closeMs = 1_000
const numbersPerAsk = 6

const script = createScriptAt(import.meta.url, 'limit-clock.lua', 'limit-numbers.lua', 'limit-lease.lua')

/** One limit with all its keys. */
export interface BoundedLimit {
  /**
   * As `LeaseTable.take`, now. False: the store does not answer and nothing is leased; `out` says nothing then.
   * @param instances how many share the limit, this one among them; at least 1
   */
  take(key: string, spec: LimitSpec, instances: number, out: LimitDecision): boolean
  /** As `take`, and counts nothing. */
  look(key: string, spec: LimitSpec, instances: number, out: LimitDecision): boolean
  /** Takes back one request that was let through in this turn. */
  giveBack(key: string): void
  readonly size: number
  readonly evictions: number
  /** Requests that were let through above the limit, so far, as Redis found out. */
  readonly overshoot: number
  /** Requests that were let through on credit, and told since. */
  readonly debts: number
  /** Gives back what is leased, as far as the store answers, and forgets all. The limit is not used afterwards. */
  close(): Promise<void>
}

interface Open {
  readonly id: string
  readonly algorithm: LeasedAlgorithm
  readonly table: LeaseTable
}

export class BoundedLimits {
  readonly #store: LimitStore
  readonly #open = new Set<Open>()
  readonly #sweeping: NodeJS.Timeout
  readonly #stopListening: () => void
  #isScheduled = false
  /** Until then nothing is asked, because the store has answered with an error. */
  #faultUntilMs = 0

  constructor(store: LimitStore) {
    this.#store = store
    this.#stopListening = store.onAvailable(available => this.#turn(available))
    this.#sweeping = setInterval(() => this.#sweep(), sweepMs)
    this.#sweeping.unref()
  }

  /** @param id of the limit: what counts in Redis @param budget how many keys there may be */
  open(id: string, algorithm: LeasedAlgorithm, budget: KeyBudget): BoundedLimit {
    const table = new LeaseTable(algorithm, budget, () => this.#schedule())
    table.away = this.#isAway
    const one: Open = { id, algorithm, table }
    this.#open.add(one)
    return {
      take: (key, spec, instances, out) => table.take(key, spec, instances, performance.now(), out),
      look: (key, spec, instances, out) => table.look(key, spec, instances, performance.now(), out),
      giveBack: key => table.giveBack(key),
      get size() {
        return table.size
      },
      get evictions() {
        return table.evictions
      },
      get overshoot() {
        return table.overshoot
      },
      get debts() {
        return table.debts
      },
      close: () => this.#close(one)
    }
  }

  /** Gives back what is leased, as far as the store answers; it must still be open. */
  async close(): Promise<void> {
    clearInterval(this.#sweeping)
    this.#stopListening()
    await Promise.all([...this.#open].map(one => this.#close(one)))
  }

  async #close(one: Open): Promise<void> {
    if (!this.#open.delete(one)) return
    const { table } = one
    table.away = true
    table.sweep(Infinity)
    const endMs = performance.now() + closeMs
    // The first failure ends it: what is not told runs out by itself.
    while (table.hasWork && performance.now() < endMs) if (!(await this.#send(one, table.asks(batchSize, Infinity)))) break
    table.clear()
  }

  get #isAway(): boolean {
    return !this.#store.available || this.#faultUntilMs > 0
  }

  #turn(available: boolean): void {
    this.#faultUntilMs = 0
    for (const { table } of this.#open) table.away = !available
    if (available) this.#schedule()
  }

  // An answer that is an error is no outage of the store, but as good as one: it may be full, or not be allowed to write.
  #fault(): void {
    this.#faultUntilMs = performance.now() + sweepMs / 2
    for (const { table } of this.#open) table.away = true
  }

  #sweep(): void {
    if (!this.#store.available) return
    const nowMs = performance.now()
    if (this.#faultUntilMs > 0 && nowMs >= this.#faultUntilMs) this.#turn(true)
    for (const { table } of this.#open) table.sweep(nowMs)
  }

  #schedule(): void {
    if (this.#isScheduled || this.#isAway) return
    this.#isScheduled = true
    setImmediate(() => {
      this.#isScheduled = false
      this.#flush()
    })
  }

  #flush(): void {
    const nowMs = performance.now()
    for (const one of this.#open) {
      for (let asks = one.table.asks(batchSize, nowMs); asks.length > 0; asks = one.table.asks(batchSize, nowMs)) {
        void this.#send(one, asks)
      }
    }
  }

  /** Whether it was answered. */
  async #send({ id, algorithm, table }: Open, asks: readonly LeaseAsk[]): Promise<boolean> {
    const keys = asks.map(({ key }) => limitKey(this.#store.prefix, algorithm, id, key))
    const args = asks.flatMap(({ spec, debt, unused, window, wanted }) => {
      return [algorithm, spec.limit, spec.windowMs, spec.burst, debt, unused, window, wanted]
    })
    let numbers: readonly number[]
    try {
      numbers = await this.#store.run(script, keys, [leaseMs, ...args])
    } catch {
      if (this.#store.available) this.#fault()
      for (const ask of asks) table.failed(ask)
      return false
    }
    const nowMs = performance.now()
    for (const [index, ask] of asks.entries()) table.answered(ask, toAnswer(numbers, 1 + index * numbersPerAsk), nowMs)
    return true
  }
}

function toAnswer(numbers: readonly number[], at: number): LeaseAnswer {
  return {
    granted: numbers[at]!,
    room: numbers[at + 1]! / 1000,
    window: numbers[at + 2]!,
    validMs: numbers[at + 3]! / 1000,
    edgeMs: numbers[at + 4]! / 1000,
    retryMs: numbers[at + 5]! / 1000
  }
}
