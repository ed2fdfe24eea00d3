import type { CompiledLimit } from '../core/limit/compiled-limit.ts'
import { createDecision, type LimitDecision } from '../core/limit/decision.ts'
import type { LimitSpec } from '../core/limit/spec.ts'
import type { ClusterTake } from './cluster-limits.ts'
import type { LiveLimit } from './live-limit.ts'

/** A request under one of its limits. */
export class Take implements ClusterTake {
  readonly limit: CompiledLimit
  readonly live: LiveLimit
  readonly key: string
  readonly spec: LimitSpec
  /** Of the client; null is none. */
  readonly tier: string | null
  readonly decision: LimitDecision = createDecision()
  /** Whether `decision` was made. */
  isAnswered = false
  /** Where it was counted, and can be taken back; undefined: nowhere. */
  countedBy: 'memory' | 'ahead' | undefined

  /** What it was counted in memory with: the share of one instance, while the store does not answer. */
  countedWith: LimitSpec

  constructor(limit: CompiledLimit, live: LiveLimit, key: string, spec: LimitSpec, tier: string | null) {
    this.limit = limit
    this.live = live
    this.key = key
    this.spec = spec
    this.countedWith = spec
    this.tier = tier
  }

  get algorithm(): CompiledLimit['algorithm'] {
    return this.limit.algorithm
  }

  get id(): string {
    return this.limit.id
  }
}
