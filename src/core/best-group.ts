/** Keeps the best of all groups that accept a request. */
import type { Bucket } from './bucket.ts'
import type { RequestFacts } from './facts.ts'
import type { BucketVisitor } from './host-index.ts'
import { RuleGroup } from './rule-group.ts'
import { compareRank } from './rule-order.ts'

export class BestGroup implements BucketVisitor {
  readonly #facts: RequestFacts
  #hostRank = 0
  /** Undefined as long as none accepted. */
  group: RuleGroup | undefined

  constructor(facts: RequestFacts) {
    this.#facts = facts
  }

  /** Asks the groups of the bucket in their order, only as long as they would rank before the best so far. */
  visit(bucket: Bucket, hostRank: number): void {
    if (bucket instanceof RuleGroup) {
      this.#ask(bucket, hostRank)
      return
    }
    for (let index = 0; index < bucket.length; index++) if (this.#ask(bucket[index]!, hostRank)) return
  }

  /** Whether those behind `group` in its bucket need not be asked. */
  #ask(group: RuleGroup, hostRank: number): boolean {
    if (this.group !== undefined && compareRank(this.group, this.#hostRank, group, hostRank) < 0) return true
    if (!group.accepts(this.#facts)) return false
    this.group = group
    this.#hostRank = hostRank
    return true
  }
}
