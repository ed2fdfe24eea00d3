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
  static readonly empty = new RouteIndex(HostTable.empty, PersistentMap.empty(), PersistentMap.empty())

  readonly #hosts: HostTable
  /** By match key. */
  readonly #groups: PersistentMap<RuleGroup>
  /** How many groups there are of each priority. */
  readonly #priorities: PersistentMap<number>

  private constructor(hosts: HostTable, groups: PersistentMap<RuleGroup>, priorities: PersistentMap<number>) {
    this.#hosts = hosts
    this.#groups = groups
    this.#priorities = priorities
  }

  /**
   * The index after `removed` went and `added` came. Of `removed`, what is not in is passed over; of `added`, what is not enabled.
   * Its cost grows with the change and with the logarithm of what is there.
   * @param lender whose turns of splits go on in the groups that change
   */
  with(removed: readonly CompiledRule[], added: readonly CompiledRule[], lender: RouteIndex = this): RouteIndex {
    let hosts = this.#hosts
    let groups = this.#groups
    const counts = new Map<number, number>()
    for (const [key, change] of byGroup(removed, added)) {
      const before = groups.get(key)
      const after = RuleGroup.derive(before, change.removed, change.added, lender.groupAt(key))
      groups = after === undefined ? groups.delete(key) : groups.set(key, after)
      const match = (after ?? before)?.match
      if (match === undefined) continue
      for (const host of match.hosts) hosts = hosts.edit(host, index => index.replace(before, after))
      const grown = Number(after !== undefined) - Number(before !== undefined)
      if (grown !== 0) counts.set(match.priority, (counts.get(match.priority) ?? 0) + grown)
    }
    return new RouteIndex(hosts, groups, withCounts(this.#priorities, counts))
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

  /** The group with this match key. */
  groupAt(matchKey: string): RuleGroup | undefined {
    return this.#groups.get(matchKey)
  }

  /** All groups, in no particular order. Lazy: there may be 100,000. */
  groups(): Generator<RuleGroup> {
    return this.#groups.values()
  }

  /** Whether there may be a group of a lower priority. */
  hasBelow(priority: number): boolean {
    let left = prioritiesLimit
    for (const other of this.#priorities.keys()) if (Number(other) < priority || --left === 0) return true
    return false
  }

  /** The indexes of the hosts that do not fit the request. */
  others(facts: RequestFacts): Generator<HostIndex> {
    return this.#hosts.others(facts.host)
  }
}

/** Of more priorities than this it is not asked whether one is lower. */
const prioritiesLimit = 200

function withCounts(priorities: PersistentMap<number>, changes: ReadonlyMap<number, number>): PersistentMap<number> {
  let next = priorities
  for (const [priority, change] of changes) {
    const key = String(priority)
    const count = (next.get(key) ?? 0) + change
    next = count === 0 ? next.delete(key) : next.set(key, count)
  }
  return next
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
