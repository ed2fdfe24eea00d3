/** What the limiter asks of the limits that instances count together. */
import type { LimitAlgorithm } from '../../schemas/rate-limit.ts'
import type { LimitDecision } from '../core/limit/decision.ts'
import type { KeyBudget } from '../core/limit/key-table.ts'
import type { LeasedAlgorithm } from '../core/limit/lease-bounds.ts'
import type { LimitSpec } from '../core/limit/spec.ts'
import type { BoundedLimit } from './bounded-limits.ts'

/** One limit that a request is to be counted under. */
export interface ClusterTake {
  readonly algorithm: LimitAlgorithm
  /** Of the limit, the same on every instance. */
  readonly id: string
  readonly key: string
  readonly spec: LimitSpec
}

/** What all limits of one request say. */
export interface ClusterAnswer {
  /** In the order asked. */
  readonly decisions: readonly LimitDecision[]
  /** Gives back what is in flight; to be called once. Undefined when nothing is. */
  readonly release: (() => void) | undefined
}

export interface ClusterLimits {
  /** How many instances count together, this one included. */
  readonly instances: number
  /**
   * Counts `cost` requests, one or none, under all limits, or under none when one of them refuses. Rejects within 50 ms when the store does
   * not answer.
   */
  take(takes: readonly ClusterTake[], cost: 0 | 1): Promise<ClusterAnswer>
  /** A limit whose tokens are taken ahead. @param budget how many keys may be known */
  open(id: string, algorithm: LeasedAlgorithm, budget: KeyBudget): BoundedLimit
}
