import type { LimitAlgorithm, LimitMode, LimitScope, RateLimit, StoreFailurePolicy } from '../../../schemas/rate-limit.ts'
import type { ToKey } from './key.ts'
import type { LimitSpec } from './spec.ts'

/** How an adaptive limit moves its rate. */
export interface AdaptivePolicy {
  readonly targetMs: number
  /** Requests per window, as `min`, `max` and `start`. */
  readonly min: number
  readonly max: number
  readonly start: number
  readonly kp: number
  /** Per target latency. */
  readonly ki: number
  /** In target latencies. */
  readonly kd: number
  readonly windowMs: number
  /** The most that may come at once; undefined: what the rate gives in one target latency. */
  readonly burst: number | undefined
}

/** A limit of a rule or tier, ready to be asked. */
export interface CompiledLimit {
  /** What its counters are kept under, through all versions of the configuration. Equal for limits that share counters. */
  readonly id: string
  /** Whose counters they are; `global` for those that rules share. */
  readonly owner: { readonly kind: 'rule' | 'tier' | 'global'; readonly id: string }
  /** As written. */
  readonly item: RateLimit
  readonly algorithm: LimitAlgorithm
  readonly spec: LimitSpec
  /** Other numbers for clients of these tiers. */
  readonly byTier: ReadonlyMap<string, LimitSpec> | undefined
  readonly toKey: ToKey
  readonly scope: LimitScope
  readonly mode: LimitMode
  readonly onStoreFailure: StoreFailurePolicy
  /** Counts and reports, and refuses nothing. */
  readonly shadow: boolean
  /** Of adaptive limits only. */
  readonly adaptive: AdaptivePolicy | undefined
}
