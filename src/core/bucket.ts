/** The groups of one host and one path, in the order of rules. */
import { exactHostRank } from './host-pattern.ts'
import type { RuleGroup } from './rule-group.ts'
import { compareRank } from './rule-order.ts'

/** At least one, sorted: they differ in priority, predicates and age only. */
export type Bucket = readonly RuleGroup[]

/** The bucket with `before` taken out and `after` put in its place in the order; undefined when nothing is left. */
export function editBucket(bucket: Bucket | undefined, before: RuleGroup | undefined, after: RuleGroup | undefined): Bucket | undefined {
  const groups = bucket ?? []
  const kept = before === undefined ? groups : groups.filter(group => group !== before)
  if (after === undefined) return kept.length === 0 ? undefined : kept
  return kept.toSpliced(placeOf(after, kept), 0, after)
}

function placeOf(group: RuleGroup, bucket: Bucket): number {
  let low = 0
  let high = bucket.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (compareRank(bucket[middle]!, exactHostRank, group, exactHostRank) < 0) low = middle + 1
    else high = middle
  }
  return low
}
