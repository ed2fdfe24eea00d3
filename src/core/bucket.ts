/** The groups of one host and one path, in the order of rules. */
import { exactHostRank } from './host-pattern.ts'
import { RuleGroup } from './rule-group.ts'
import { compareRank } from './rule-order.ts'

/**
 * One group by itself, or several, sorted: they differ in priority, predicates and age only. By itself, because each object that a lookup
 * must follow is a cache miss among 100,000 rules.
 */
export type Bucket = RuleGroup | readonly RuleGroup[]

/** The groups of a bucket, in the order of rules. */
export function groupsOf(bucket: Bucket): readonly RuleGroup[] {
  return bucket instanceof RuleGroup ? [bucket] : bucket
}

/** The bucket with `before` taken out and `after` put in its place in the order; undefined when nothing is left. */
export function editBucket(bucket: Bucket | undefined, before: RuleGroup | undefined, after: RuleGroup | undefined): Bucket | undefined {
  const groups = bucket === undefined ? [] : groupsOf(bucket)
  const kept = before === undefined ? groups : groups.toSpliced(groups.indexOf(before), 1)
  const next = after === undefined ? kept : kept.toSpliced(placeOf(after, kept), 0, after)
  return next.length > 1 ? next : next[0]
}

function placeOf(group: RuleGroup, groups: readonly RuleGroup[]): number {
  let low = 0
  let high = groups.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (compareRank(groups[middle]!, exactHostRank, group, exactHostRank) < 0) low = middle + 1
    else high = middle
  }
  return low
}
