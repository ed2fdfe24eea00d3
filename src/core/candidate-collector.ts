/** Gathers all groups whose path fits a request: those that match, and those that fail, with why. */
import { type Bucket, groupsOf } from './bucket.ts'
import type { RequestFacts } from './facts.ts'
import type { BucketVisitor } from './host-index.ts'
import { PathProbe } from './path-probe.ts'
import type { RouteIndex } from './route-index.ts'
import type { RuleGroup } from './rule-group.ts'
import { compareRank } from './rule-order.ts'

/** A group that matches, and how closely its host does. */
export interface Candidate {
  readonly group: RuleGroup
  readonly hostRank: number
}

export interface Failure {
  readonly group: RuleGroup
  readonly predicate: string
}

/** Explaining must not hold the event loop: of so many other hosts, and of so many groups in all, the failures are told. */
const otherHostsLimit = 2_000
const failuresLimit = 2_000

export class CandidateCollector implements BucketVisitor {
  readonly #facts: RequestFacts
  readonly #matched = new Map<RuleGroup, Candidate>()
  readonly #failed = new Map<RuleGroup, Failure>()

  constructor(facts: RequestFacts) {
    this.#facts = facts
  }

  /** The candidates are in the order of rules; the failures in no order. */
  collect(index: RouteIndex): { readonly matched: readonly Candidate[]; readonly failed: readonly Failure[] } {
    index.visit(this.#facts, this)
    this.#collectOtherHosts(index)
    const matched = [...this.#matched.values()].sort((a, b) => compareRank(a.group, a.hostRank, b.group, b.hostRank))
    return { matched, failed: [...this.#failed.values()] }
  }

  /** Called for the closest host first, so that a group of several hosts is kept with the one that counts. */
  visit(bucket: Bucket, hostRank: number): void {
    for (const group of groupsOf(bucket)) {
      if (this.#matched.has(group) || !group.acceptsPath(this.#facts)) continue
      const predicate = group.failedPredicate(this.#facts)
      if (predicate === undefined) this.#matched.set(group, { group, hostRank })
      else this.#fail(group, predicate)
    }
  }

  #collectOtherHosts(index: RouteIndex): void {
    const probe = new PathProbe(this.#facts.path.match)
    const visitor: BucketVisitor = { visit: bucket => this.#visitOther(bucket) }
    let left = otherHostsLimit
    for (const host of index.others(this.#facts)) {
      host.visit(probe, 0, visitor)
      left--
      if (left === 0 || this.#failed.size >= failuresLimit) return
    }
  }

  #visitOther(bucket: Bucket): void {
    for (const group of groupsOf(bucket)) {
      if (this.#matched.has(group) || this.#failed.has(group)) continue
      if (group.acceptsPath(this.#facts)) this.#fail(group, 'host')
      if (this.#failed.size >= failuresLimit) return
    }
  }

  #fail(group: RuleGroup, predicate: string): void {
    if (this.#failed.size < failuresLimit) this.#failed.set(group, { group, predicate })
  }
}
