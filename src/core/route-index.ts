/**
 * Finds the rule of a request among 100,000 about as fast as among 100: by host, then by path, then by predicates. Immutable; a change
 * derives the next index and shares with it everything that the change does not touch.
 */

import { BestGroup } from './best-group.ts'
import type { RequestFacts } from './facts.ts'
import type { BucketVisitor, HostIndex } from './host-index.ts'
import { HostTable } from './host-table.ts'
import { PathProbe } from './path-probe.ts'
import { PersistentMap } from './persistent-map.ts'
import type { CompiledRule } from './route.ts'
import { RuleGroup } from './rule-group.ts'

const noRules: readonly CompiledRule[] = []

export class RouteIndex {
  static readonly empty = new RouteIndex(HostTable.empty, PersistentMap.empty())

  readonly #hosts: HostTable
  /** By match key. */
  readonly #groups: PersistentMap<RuleGroup>

  private constructor(hosts: HostTable, groups: PersistentMap<RuleGroup>) {
    this.#hosts = hosts
    this.#groups = groups
  }

  /**
   * The index after `removed` went and `added` came. Of `removed`, what is not in is passed over; of `added`, what is not enabled.
   * Its cost grows with the change and with the logarithm of what is there.
   */
  with(removed: readonly CompiledRule[], added: readonly CompiledRule[]): RouteIndex {
    let hosts = this.#hosts
    let groups = this.#groups
    for (const [key, change] of byGroup(removed, added)) {
      const before = groups.get(key)
      const after = RuleGroup.derive(before, change.removed, change.added)
      groups = after === undefined ? groups.delete(key) : groups.set(key, after)
      for (const host of (after ?? before)?.match.hosts ?? []) hosts = hosts.edit(host, index => index.replace(before, after))
    }
    return new RouteIndex(hosts, groups)
  }

  /** The group that takes the request; undefined when no rule matches. */
  match(facts: RequestFacts): RuleGroup | undefined {
    const best = new BestGroup(facts)
    this.visit(facts, best)
    return best.group
  }

  /** Shows every bucket whose host and path fit the request, the closest hosts first. */
  visit(facts: RequestFacts, visitor: BucketVisitor): void {
    this.#hosts.visit(facts.host, new PathProbe(facts.path.match), visitor)
  }

  /** The rules with this match key, oldest first. */
  group(matchKey: string): readonly CompiledRule[] {
    return this.#groups.get(matchKey)?.rules ?? noRules
  }

  /** The indexes of the hosts that do not fit the request. */
  others(facts: RequestFacts): Generator<HostIndex> {
    return this.#hosts.others(facts.host)
  }
}

interface GroupChange {
  readonly removed: string[]
  readonly added: CompiledRule[]
}

function byGroup(removed: readonly CompiledRule[], added: readonly CompiledRule[]): Map<string, GroupChange> {
  const changes = new Map<string, GroupChange>()
  const changeOf = ({ matchKey }: CompiledRule): GroupChange => {
    const change = changes.get(matchKey) ?? { removed: [], added: [] }
    changes.set(matchKey, change)
    return change
  }
  for (const rule of removed) changeOf(rule).removed.push(rule.id)
  for (const rule of added) if (rule.item.enabled) changeOf(rule).added.push(rule)
  return changes
}
