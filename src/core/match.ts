/** What of a rule decides whether it takes a request, compiled. Immutable. */
import type { RequestFacts } from './facts.ts'
import type { RegexEngine } from './regex.ts'

/** A compiled pattern that tells its groups. */
export type PathPattern = ReturnType<RegexEngine>

/** A host that a rule names. */
export type HostPattern =
  | { readonly type: 'exact'; readonly host: string }
  /** `*.example.com`: one or more labels before the suffix, which is kept without `*.`. */
  | { readonly type: 'wildcard'; readonly suffix: string }
  | { readonly type: 'any' }

/** A path that a rule names, in the match form of `NormalPath`. */
export type PathMatcher =
  /** Without a trailing slash; `''` is every path. */
  | { readonly type: 'prefix'; readonly path: string; readonly segments: number }
  | { readonly type: 'exact'; readonly path: string }
  | PathTemplate
  /** Found anywhere; only in paths that begin with `literal`, which may be ''. */
  | { readonly type: 'regex'; readonly source: string; readonly pattern: PathPattern; readonly literal: string }

export interface PathTemplate {
  readonly type: 'template'
  /** One letter per segment: `l` a literal, `p` a parameter. Of two shapes with equally many literals, the smaller has them further left. */
  readonly shape: string
  /** The path with its parameter segments left empty: `/users//orders`. Two templates of equal shape and literals match the same paths. */
  readonly literals: string
  /** The names of the parameters, from left to right. */
  readonly names: readonly string[]
}

/** A condition beside host and path. */
export interface Predicate {
  /** As `POST /explain` names it: `methods`, `headers.api-version`, `query.page`, `cookies.uid`, `source_ip`, `active`. */
  readonly name: string
  test(facts: RequestFacts): boolean
}

/** All the conditions of a rule and their rank in the order of rules. */
export interface CompiledMatch {
  /** Higher first. */
  readonly priority: number
  /** At least one. */
  readonly hosts: readonly HostPattern[]
  readonly path: PathMatcher
  /** Higher first: exact, then template by literal segments, then prefix by length, then regex. */
  readonly pathRank: number
  /** In the order in which they are tried: methods, headers, query, cookies, source_ip, active. The more, the higher the rank. */
  readonly predicates: readonly Predicate[]
}
