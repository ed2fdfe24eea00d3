/** The rules with tests, found by the paths that their tests ask for: one change concerns few of many tests. Immutable. */
import type { LiveItem } from './live-item.ts'
import type { PathMatcher } from './match.ts'
import { endOfSegments } from './path.ts'
import { PersistentMap } from './persistent-map.ts'
import { startOf } from './shadow-path.ts'

type LiveRule = LiveItem<'forward_rule'>
type Rules = PersistentMap<LiveRule>

/** What lies deeper than so many segments is found with what lies beside it. */
const maxDepth = 8

export class TestedRules {
  static readonly empty = new TestedRules(PersistentMap.empty(), PersistentMap.empty())

  /** By id. */
  readonly #rules: Rules
  /** By each path of whole segments that a test of theirs asks for or below. */
  readonly #byPath: PersistentMap<Rules>

  private constructor(rules: Rules, byPath: PersistentMap<Rules>) {
    this.#rules = rules
    this.#byPath = byPath
  }

  get size(): number {
    return this.#rules.size
  }

  get(id: string): LiveRule | undefined {
    return this.#rules.get(id)
  }

  ids(): Generator<string> {
    return this.#rules.keys()
  }

  /** In no particular order. */
  [Symbol.iterator](): Generator<LiveRule> {
    return this.#rules.values()
  }

  /** The rules with a test whose path may match, and some others. */
  near(matcher: PathMatcher): Iterable<LiveRule> {
    return this.#byPath.get(stemOf(matcher))?.values() ?? []
  }

  /** With the rule put in, if it has tests. It must not be in. */
  with(rule: LiveRule): TestedRules {
    if (rule.compiled.tests.length === 0) return this
    let byPath = this.#byPath
    for (const path of pathsOf(rule)) byPath = byPath.set(path, (byPath.get(path) ?? PersistentMap.empty<LiveRule>()).set(rule.id, rule))
    return new TestedRules(this.#rules.set(rule.id, rule), byPath)
  }

  without(id: string): TestedRules {
    const rule = this.#rules.get(id)
    if (rule === undefined) return this
    let byPath = this.#byPath
    for (const path of pathsOf(rule)) {
      const rules = byPath.get(path)!.delete(id)
      byPath = rules.size === 0 ? byPath.delete(path) : byPath.set(path, rules)
    }
    return new TestedRules(this.#rules.delete(id), byPath)
  }
}

/** The paths of all tests of a rule, and all above them. */
function pathsOf(rule: LiveRule): ReadonlySet<string> {
  const paths = new Set<string>()
  for (const { request } of rule.compiled.tests)
    for (let depth = 0; depth <= maxDepth; depth++) paths.add(request.path.match.slice(0, endOfSegments(request.path.match, depth)))
  return paths
}

/** The path at or below which everything lies that matches. */
function stemOf(matcher: PathMatcher): string {
  const start = startOf(matcher)
  const isWhole = matcher.type === 'exact' || matcher.type === 'prefix'
  // The last segment of any other is only its beginning, or empty.
  const stem = isWhole && !start.endsWith('/') ? start : start.slice(0, start.lastIndexOf('/'))
  return stem.slice(0, endOfSegments(stem, maxDepth))
}
