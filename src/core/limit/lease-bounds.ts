/** How much instances may take ahead of what the central counter has granted, and what that may come to. */
import type { LimitAlgorithm } from '../../../schemas/rate-limit.ts'
import type { LimitSpec } from './spec.ts'

/** The algorithms whose tokens can be leased. */
export const leasedAlgorithms = ['token_bucket', 'sliding_window', 'fixed_window'] as const
export type LeasedAlgorithm = (typeof leasedAlgorithms)[number]

export function isLeased(algorithm: LimitAlgorithm): algorithm is LeasedAlgorithm {
  return (leasedAlgorithms as readonly LimitAlgorithm[]).includes(algorithm)
}

/** What an instance may let through before it has told, at most: its fair share. */
export function largestCredit({ burst }: LimitSpec, instances: number): number {
  return Math.ceil(burst / instances)
}

/** How many leased tokens of a key an instance may hold at once. */
export function largestLease({ burst }: LimitSpec, instances: number): number {
  return Math.max(1, Math.ceil(burst / (10 * instances)))
}

/**
 * The maximal number of requests above the definition in any window: for token_bucket, above burst + t × limit / window in any time t; for
 * fixed_window, above `limit` in any of its windows; for sliding_window, above what the estimate allows at any moment.
 *
 * Proof. Let the *level* be what the central counter has counted and what has not drained (or left the view) since; leases are counted when
 * they are granted, debts when they are told. A lease is granted only while the level stays within the limit. Let g be the last moment at
 * which the level was within the limit.
 *
 * 1. After g only debts are counted. Each instance has at most `largestCredit` untold at any time. What it tells after g is answered with
 *    "over", and from then on it uses no credit until an answer says that the level is within the limit again (there is none after g), or until
 *    all that was counted when it told has drained, its own debt with it. So what an instance has in the level and has not told yet, beyond what
 *    was counted at g, is never more than `largestCredit`, and all instances together exceed the limit by at most instances × largestCredit.
 * 2. A lease is used later than it is counted. In any time [a, b], what is used of leases was granted in it, or was held at a: at most
 *    instances × largestLease. A token that is given back is used by nobody, or by whom it is granted to again. Leases of windows end with their
 *    window, so none is used in a window in which it is not counted, and this term falls away for fixed_window and sliding_window.
 *
 * A debt that may have been told (the answer was lost) is told again: the level is too high then, never too low. The bound holds while all
 * instances are counted by `instances`; one that starts anew within the window counts as one more, and so does a key that was forgotten in use
 * because there were too many.
 */
export function maxOvershoot(algorithm: LeasedAlgorithm, spec: LimitSpec, instances: number): number {
  const credits = instances * largestCredit(spec, instances)
  return algorithm === 'token_bucket' ? credits + instances * largestLease(spec, instances) : credits
}

/** What each of so many instances allows when it counts by itself: at least one request. */
export function shareOf(spec: LimitSpec, instances: number): LimitSpec {
  if (instances <= 1) return spec
  const { limit, windowMs, burst, maxDelayMs } = spec
  const share = Math.max(1, Math.floor(limit / instances))
  // Less than one request per window: one, in a window that is longer.
  const longer = limit < instances ? instances / limit : 1
  return { limit: share, windowMs: Math.ceil(windowMs * longer), burst: Math.max(1, Math.floor(burst / instances)), maxDelayMs }
}
