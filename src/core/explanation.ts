/** What `explain` answers. Plain data in wire names: the admin API sends it as it is. */
import type { Outcome } from './outcome.ts'
import type { Criterion } from './rule-order.ts'

export interface Explanation extends Outcome {
  /** By what the rule won over the first of the runners-up; null when there is none. */
  readonly won_by: Criterion | null
  /** The rules that share the match, oldest first, the one that takes the request among them. Empty for `no_rule`. */
  readonly group: readonly GroupMember[]
  /** Whether a value of the request (`split_on`) chose within the group; otherwise it is whose turn it is next. */
  readonly sticky: boolean
  /** Rules that match too, the next best first; at most 20. */
  readonly runners_up: readonly RunnerUp[]
  /** Rules whose path matches and that fail, the closest first; at most 20. Of rules of other hosts only a bounded number is looked at. */
  readonly failed: readonly FailedRule[]
}

export interface GroupMember {
  readonly rule: string
  /** Null when the rule has none and takes all. */
  readonly weight: number | null
  /** Of the group's traffic, 0 to 1. */
  readonly share: number
}

export interface RunnerUp {
  readonly rule: string
  /** The criterion by which the rule that takes the request comes before this one. */
  readonly lost_by: Criterion
}

export interface FailedRule {
  readonly rule: string
  /** The first that failed: `host`, `methods`, `headers.api-version`, `query.page`, `cookies.uid`, `source_ip`, `active`. */
  readonly predicate: string
}
