/** What instances count together, in a Redis. */
import type { KeyBudget } from '../core/limit/key-table.ts'
import type { LeasedAlgorithm } from '../core/limit/lease-bounds.ts'
import { toRedisAddress } from '../stores/redis-address.ts'
import { type BoundedLimit, BoundedLimits } from './bounded-limits.ts'
import type { ClusterAnswer, ClusterLimits, ClusterTake } from './cluster-limits.ts'
import { ExactLimits, type ExactTake } from './exact-limits.ts'
import { LimitInstances } from './limit-instances.ts'
import { LimitStore, type LimitStoreOptions } from './limit-store.ts'

export interface RedisClusterOptions extends Omit<LimitStoreOptions, 'address'> {
  /** As `toRedisAddress` takes it. */
  readonly url: string
}

export class RedisCluster implements ClusterLimits {
  readonly #store: LimitStore
  readonly #exact: ExactLimits
  readonly #bounded: BoundedLimits
  readonly #instances: LimitInstances

  /** Connects at once, and goes on trying. @throws when the URL is not valid; the message holds no password */
  constructor({ url, ...options }: RedisClusterOptions) {
    this.#store = new LimitStore({ ...options, address: toRedisAddress(url) })
    this.#exact = new ExactLimits(this.#store)
    this.#bounded = new BoundedLimits(this.#store)
    this.#instances = new LimitInstances(this.#store)
  }

  get instances(): number {
    return this.#instances.count
  }

  /** Whether Redis answers. */
  get available(): boolean {
    return this.#store.available
  }

  async take(takes: readonly ClusterTake[], cost: 0 | 1): Promise<ClusterAnswer> {
    // A limit that is counted together is never adaptive.
    const asked = takes as readonly ExactTake[]
    const { decisions, held } = await (cost === 0 ? this.#exact.look(asked) : this.#exact.take(asked))
    return { decisions, release: held === undefined ? undefined : () => this.#exact.release(held) }
  }

  open(id: string, algorithm: LeasedAlgorithm, budget: KeyBudget): BoundedLimit {
    return this.#bounded.open(id, algorithm, budget)
  }

  /** Gives back what is held and leased, as far as Redis answers. */
  async close(): Promise<void> {
    await Promise.all([this.#bounded.close(), this.#exact.close(), this.#instances.close()])
    await this.#store.close()
  }
}
