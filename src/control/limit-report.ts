/** What the limits of a described request say now. */
import type { LimitReport } from '../../schemas/limit-report.ts'
import type { AdaptiveState } from '../core/limit/adaptive-rate.ts'
import { type LeasedAlgorithm, maxOvershoot } from '../core/limit/lease-bounds.ts'
import type { LimitedRequest } from '../limits/admission.ts'
import type { Limiter } from '../limits/limiter.ts'
import type { Take } from '../limits/take.ts'

/** Asks without counting: also the store, for the limits that only it knows. */
export async function reportLimits(limiter: Limiter, request: LimitedRequest): Promise<readonly LimitReport[]> {
  const takes = await limiter.look(request)
  return takes.map(take => toReport(take, limiter))
}

function toReport(take: Take, { cluster }: Limiter): LimitReport {
  const { limit, live, decision, isAnswered } = take
  const isShared = cluster !== undefined && limit.scope === 'cluster'
  return {
    limit: limit.id,
    algorithm: limit.algorithm,
    key: take.key,
    counted: isShared ? 'cluster' : 'instance',
    mode: isShared ? limit.mode : null,
    shadow: limit.shadow,
    tier: take.spec === limit.spec ? null : take.tier,
    allowed: isAnswered ? decision.allowed : null,
    allows: isAnswered ? decision.limit : take.spec.burst,
    remaining: isAnswered ? decision.remaining : null,
    reset_ms: isAnswered ? Math.ceil(decision.resetMs) : null,
    max_overshoot:
      isShared && limit.mode === 'bounded' ? maxOvershoot(limit.algorithm as LeasedAlgorithm, take.spec, cluster.instances) : 0,
    adaptive: live.rate === undefined ? null : toAdaptiveReport(live.rate.state)
  }
}

function toAdaptiveReport({ rate, observedMs, error, integral, bound }: AdaptiveState): LimitReport['adaptive'] {
  return { rate, observed_ms: observedMs, error, integral, bound }
}
