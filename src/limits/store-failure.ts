/** What becomes of a request under a limit that instances count together, while the store does not answer. */
import { shareOf } from '../core/limit/lease-bounds.ts'
import type { LimitSpec } from '../core/limit/spec.ts'
import type { Take } from './take.ts'

/** When a refused request may come again: the store is asked all the time. */
const retryMs = 1_000

/** Writes the decision of `take`, as the limit's `on_store_failure` says. @param countHere counts it in memory */
export function storeFailed(take: Take, instances: number, countHere: (spec: LimitSpec) => void): void {
  const { limit, spec, decision } = take
  if (limit.onStoreFailure === 'local') return countHere(shareOf(spec, instances))
  const allowed = limit.onStoreFailure === 'allow'
  decision.allowed = allowed
  decision.limit = spec.burst
  decision.remaining = allowed ? spec.burst : 0
  decision.resetMs = 0
  decision.retryMs = allowed ? 0 : retryMs
  decision.delayMs = 0
}
