/**
 * What a change of rules leaves behind that its author may not have meant. Sound and not complete: what is reported is so. Of very many rules only
 * a bounded number is looked at, so that a write among 100,000 takes little longer than one among 100.
 */
import { type Bucket, groupsOf } from './bucket.ts'
import { RequestFacts } from './facts.ts'
import type { PathMatcher } from './match.ts'
import { normalisePath } from './path.ts'
import type { RouteIndex } from './route-index.ts'
import type { RuleGroup } from './rule-group.ts'
import { type Criterion, compareAge, criterionOf } from './rule-order.ts'
import { shadowsBy } from './shadow.ts'
import type { Snapshot } from './snapshot.ts'
import { weightOf } from './split.ts'
import { sampleHost, samplePath, witnessOf } from './witness.ts'

export interface Warning {
  /**
   * `unreachable`: another rule takes every request that the rule matches. `overlap`: both match some requests, and only their age decides.
   * `drained`: the rule matches, but every rule with its match has weight 0.
   */
  readonly code: 'unreachable' | 'overlap' | 'drained'
  readonly rule: string
  /** The rule that takes the requests, or that overlaps; null for `drained`. */
  readonly other: string | null
  readonly detail: string
}

const warningsLimit = 20
/**
 * What one change may cost: rules that it changes, and pairs of them with those that lie near, with those of lower priority wherever they
 * lie, and pairs that are tried with a request.
 */
const limits = { rules: 2_000, near: 2_000, far: 2_000, witnesses: 64 } as const
/** Of a list of hosts so many are looked at. */
const hostsLimit = 8

/** @param changed ids of the rules that came, went or changed; the first come first */
export function warningsOf(before: Snapshot, after: Snapshot, changed: Iterable<string>): readonly Warning[] {
  const report = new Report(after.index)
  for (const id of changed) {
    const rule = after.rule(id)
    const versions = [before.rule(id), rule].filter(version => version?.item.enabled)
    for (const key of new Set(versions.map(version => version!.matchKey))) report.addDrained(key, id)
    if (rule?.item.enabled) report.addNeighbours(after.index.groupAt(rule.matchKey)!, id)
    if (report.isFull) break
  }
  return report.warnings.slice(0, warningsLimit)
}

class Report {
  readonly #index: RouteIndex
  readonly #seen = new Set<string>()
  readonly #left: Record<keyof typeof limits, number> = { ...limits }
  readonly warnings: Warning[] = []

  constructor(index: RouteIndex) {
    this.#index = index
  }

  get isFull(): boolean {
    return this.warnings.length >= warningsLimit || this.#left.near <= 0 || this.#left.rules <= 0
  }

  /** Looks at the group that the rule is in, or has left. */
  addDrained(matchKey: string, id: string): void {
    const rules = this.#index.groupAt(matchKey)?.rules ?? []
    if (rules.length === 0 || rules.some(rule => weightOf(rule) > 0)) return
    const rule = rules.find(member => member.id === id) ?? rules[0]!
    this.#add({
      code: 'drained',
      rule: rule.id,
      other: null,
      detail: `every rule with the match of '${rule.id}' has weight 0: its requests get 503 no_target`
    })
  }

  /** Looks at the rules around the group of the rule `id`. */
  addNeighbours(group: RuleGroup, id: string): void {
    this.#left.rules--
    const near = this.#neighboursOf(group)
    for (const other of near) {
      const by = shadowsBy(other, group)
      // What never gets a request takes none from others.
      if (by !== undefined) return this.#add(unreachable(id, other.id, by))
    }
    for (const other of near) {
      const by = shadowsBy(group, other)
      if (by === undefined) this.#addOverlap(group, id, other)
      else this.#addUnreachable(other, id, by)
    }
    if (this.#index.hasBelow(group.match.priority)) this.#lookBelow(group, id)
  }

  #lookBelow(group: RuleGroup, id: string): void {
    for (const other of this.#index.groups()) {
      if (this.isFull || this.#left.far-- <= 0) return
      const by = shadowsBy(group, other)
      if (by !== undefined) this.#addUnreachable(other, id, by)
    }
  }

  #addUnreachable(group: RuleGroup, by: string, criterion: Criterion): void {
    for (const { id } of group.rules) this.#add(unreachable(id, by, criterion))
  }

  #addOverlap(group: RuleGroup, id: string, other: RuleGroup): void {
    if (criterionOf(group, 0, other, 0) !== 'age' || this.#left.witnesses-- <= 0) return
    const witness = witnessOf(group, other)
    if (witness === undefined) return
    const first = compareAge(group, other) < 0 ? id : other.id
    const request = `${witness.method} http://${witness.host}${witness.path.forward}${witness.search}`
    const detail = `'${id}' and '${other.id}' both match ${request}, and only their age decides: '${first}' takes it; a priority would say which is meant`
    this.#add({ code: 'overlap', rule: id, other: other.id, detail })
  }

  /** Groups of which some may match the same requests: those of hosts and paths that fit what the group matches. */
  #neighboursOf(group: RuleGroup): ReadonlySet<RuleGroup> {
    const near = new Set<RuleGroup>()
    const visit = (bucket: Bucket): void => {
      for (const other of groupsOf(bucket)) {
        if (this.#left.near <= 0) return
        if (other === group || near.has(other)) continue
        near.add(other)
        this.#left.near--
      }
    }
    const path = normalisePath(probePath(group.match.path)) ?? root
    for (const host of group.match.hosts.slice(0, hostsLimit))
      this.#index.visit(new RequestFacts('GET', path, '', sampleHost(host), '', {}, 0), { visit })
    return near
  }

  #add(warning: Warning): void {
    const { code, rule, other } = warning
    const key = [code, ...[rule, other].sort()].join(' ')
    if (this.#seen.has(key)) return
    this.#seen.add(key)
    this.warnings.push(warning)
  }
}

const root = { match: '/', forward: '/' }

// Whatever takes in a regex rule takes in what all its paths begin with.
function probePath(matcher: PathMatcher): string {
  return matcher.type === 'regex' ? matcher.literal : samplePath(matcher)
}

function unreachable(rule: string, other: string, criterion: Criterion): Warning {
  const detail = `'${rule}' gets no request: '${other}' takes every request that it matches, by ${criterion}`
  return { code: 'unreachable', rule, other, detail }
}
