import { AdaptiveRate } from '../core/limit/adaptive-rate.ts'
import type { CompiledLimit } from '../core/limit/compiled-limit.ts'
import type { LimitCounter } from '../core/limit/counter.ts'
import { createCounter } from '../core/limit/counters.ts'
import type { KeyBudget } from '../core/limit/key-table.ts'
import { isLeased } from '../core/limit/lease-bounds.ts'
import type { BoundedLimit } from './bounded-limits.ts'
import type { ClusterLimits } from './cluster-limits.ts'

/** What became of requests under one limit, of one rule and tier. */
export interface LimitTally {
  /** The rule that the requests matched. */
  readonly rule: string
  /** Of the clients; `''` is none. */
  readonly tier: string
  allowed: number
  refused: number
  /** Let through after they were held back. Among those allowed. */
  delayed: number
  /** Let through although a limit in shadow would have refused them. Among those allowed. */
  shadowed: number
}

/** What is known of a limit while it is in force. It outlives the versions of the configuration that hold it. */
export class LiveLimit {
  readonly id: string
  readonly owner: CompiledLimit['owner']
  /** Counts what this instance counts for itself. */
  readonly counter: LimitCounter
  /** What is taken ahead; undefined: nothing is. */
  readonly ahead: BoundedLimit | undefined
  /** Of an adaptive limit. */
  readonly rate: AdaptiveRate | undefined
  /** How often the store did not answer. */
  storeFailures = 0
  readonly #tallies = new Map<string, LimitTally>()
  #last: LimitTally | undefined

  /** @param cluster what instances count together; undefined: nothing */
  constructor({ id, owner, algorithm, adaptive }: CompiledLimit, budget: KeyBudget, nowMs: number, cluster: ClusterLimits | undefined) {
    this.id = id
    this.owner = owner
    this.counter = createCounter(algorithm, budget)
    this.ahead = cluster !== undefined && isLeased(algorithm) ? cluster.open(id, algorithm, budget) : undefined
    this.rate = adaptive && new AdaptiveRate(adaptive, nowMs)
  }

  /** How many keys are counted here, or have something taken ahead. */
  get keys(): number {
    return this.counter.size + (this.ahead?.size ?? 0)
  }

  /** How many keys had to go because there were too many. */
  get evictions(): number {
    return this.counter.evictions + (this.ahead?.evictions ?? 0)
  }

  /** Forgets everything; the limit is asked no more. What was taken ahead goes back as far as the store answers. */
  close(): void {
    this.counter.clear()
    void this.ahead?.close()
  }

  get tallies(): Iterable<LimitTally> {
    return this.#tallies.values()
  }

  /** The tally of a rule and tier, made when there is none. */
  tally(rule: string, tier: string): LimitTally {
    const last = this.#last
    if (last !== undefined && last.rule === rule && last.tier === tier) return last
    // No id has a slash.
    const key = `${rule}/${tier}`
    let tally = this.#tallies.get(key)
    if (tally === undefined) {
      tally = { rule, tier, allowed: 0, refused: 0, delayed: 0, shadowed: 0 }
      this.#tallies.set(key, tally)
    }
    this.#last = tally
    return tally
  }
}
