/** The limits that instances count together, in Redis: exact ones request by request, bounded ones from leases. */
import type { LimitAlgorithm } from '../../schemas/rate-limit.ts'
import type { LimitDecision } from '../core/limit/decision.ts'
import type { KeyBudget } from '../core/limit/key-table.ts'
import { type LeasedAlgorithm, maxOvershoot } from '../core/limit/lease-bounds.ts'
import { type BoundedLimit, BoundedLimits } from './bounded-limits.ts'
import type { ClusterAnswer, ClusterLimits, ClusterTake } from './cluster-limits.ts'
import { ExactLimits, type ExactTake } from './exact-limits.ts'
import { LimitStore, type LimitStoreOptions } from './limit-store.ts'

export interface RedisClusterLimitsOptions extends LimitStoreOptions {
  /** How many instances are alive, this one included, as far as is known now; at least 1. */
  readonly instances: () => number
  /** How many keys may be leased at once, over all limits. Default 1,000,000. */
  readonly maxKeys?: number
}

interface Leased {
  readonly algorithm: LeasedAlgorithm
  readonly limit: BoundedLimit
}

export class RedisClusterLimits implements ClusterLimits {
  readonly store: LimitStore
  readonly #exact: ExactLimits
  readonly #bounded: BoundedLimits
  readonly #leased = new Map<string, Leased>()
  readonly #instances: () => number
  readonly #budget: KeyBudget

  /** Connects at once, and again whenever the connection is lost. */
  constructor({ instances, maxKeys = 1_000_000, ...options }: RedisClusterLimitsOptions) {
    this.store = new LimitStore(options)
    this.#exact = new ExactLimits(this.store)
    this.#bounded = new BoundedLimits(this.store)
    this.#instances = instances
    this.#budget = { max: maxKeys, used: 0 }
  }

  get instances(): number {
    return Math.max(1, this.#instances())
  }

  /** How many keys are leased from, or were lately. */
  get keys(): number {
    return this.#budget.used
  }

  async take(takes: readonly ClusterTake[], cost: 0 | 1): Promise<ClusterAnswer> {
    const exact = takes as readonly ExactTake[]
    const { decisions, held } = await (cost === 1 ? this.#exact.take(exact) : this.#exact.look(exact))
    return { decisions, release: held === undefined ? undefined : () => this.#exact.release(held) }
  }

  takeAhead(take: ClusterTake, _nowMs: number, cost: number, out: LimitDecision): boolean {
    const limit = this.#limitOf(take)
    return cost === 0 ? limit.look(take.key, take.spec, this.instances, out) : limit.take(take.key, take.spec, this.instances, out)
  }

  giveBackAhead(take: ClusterTake): void {
    this.#limitOf(take).giveBack(take.key)
  }

  maxOvershoot({ algorithm, spec }: Pick<ClusterTake, 'algorithm' | 'spec'>): number {
    return isLeased(algorithm) ? maxOvershoot(algorithm, spec, this.instances) : 0
  }

  /** How many requests a bounded limit has let through above it so far, as Redis found out. */
  overshootOf(id: string): number {
    return this.#leased.get(id)?.limit.overshoot ?? 0
  }

  /** Gives back what is leased of limits that are in force no more. */
  retain(isInForce: (id: string) => boolean): void {
    for (const id of this.#leased.keys()) if (!isInForce(id)) this.#forget(id)
  }

  /** Gives back what is leased and held, as far as the store answers, within a second or so. */
  async close(): Promise<void> {
    await Promise.all([this.#exact.close(), this.#bounded.close()])
    await this.store.close()
  }

  #limitOf({ id, algorithm }: ClusterTake): BoundedLimit {
    const known = this.#leased.get(id)
    if (known !== undefined && known.algorithm === algorithm) return known.limit
    if (!isLeased(algorithm)) throw new Error(`the tokens of a ${algorithm} cannot be leased`)
    this.#forget(id)
    const limit = this.#bounded.open(id, algorithm, this.#budget)
    this.#leased.set(id, { algorithm, limit })
    return limit
  }

  #forget(id: string): void {
    void this.#leased.get(id)?.limit.close()
    this.#leased.delete(id)
  }
}

function isLeased(algorithm: LimitAlgorithm): algorithm is LeasedAlgorithm {
  return algorithm === 'token_bucket' || algorithm === 'fixed_window' || algorithm === 'sliding_window'
}
