/** What an instance makes of the ejections that most of the others have decided. Pure. */
import type { Quorum } from './fleet-views.ts'
import { mayEject, type OutlierPolicy } from './outlier.ts'
import type { Suspectable } from './outlier-target.ts'

/**
 * Puts the target out, or ends that, as `quorum` says.
 * @param quorum who ejects it, with `untilMs` on the clock of ejections; undefined: not most of them
 * @param all the targets that may have traffic by their weight
 * @returns what has become of it; undefined: nothing new
 */
export function followEjection<T extends Suspectable>(
  target: T,
  quorum: Quorum | undefined,
  policy: OutlierPolicy,
  all: readonly T[]
): 'out' | 'in' | undefined {
  const { outlier } = target
  if (outlier.followedUntilMs !== undefined) {
    if (quorum !== undefined && all.includes(target)) outlier.followedUntilMs = quorum.untilMs
    else return endFollowing(target)
    return undefined
  }
  if (outlier.outUntilMs !== undefined) return undefined
  if (quorum === undefined) outlier.hasJudged = false
  // Whoever has ejected it, and has it back, knows as much as the others: it would only go out and in again while theirs run out.
  if (quorum === undefined || outlier.hasJudged || !mayEject(target, policy, all)) return undefined
  outlier.followedUntilMs = quorum.untilMs
  outlier.ejections++
  outlier.clear()
  return 'out'
}

/** Ends the following of others' ejection, if there is one. */
export function endFollowing({ outlier }: Suspectable): 'in' | undefined {
  if (outlier.followedUntilMs === undefined) return undefined
  outlier.followedUntilMs = undefined
  outlier.clear()
  return 'in'
}
