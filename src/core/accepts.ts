/** Whether one rule by itself matches a request, without the index: for questions about two rules, or about a few of many. */
import type { RequestFacts } from './facts.ts'
import { anyHostRank, exactHostRank } from './host-pattern.ts'
import type { CompiledMatch, HostPattern, PathMatcher } from './match.ts'

/** How closely the hosts of a matching rule fit, as in the order of rules; undefined when the rule does not match. */
export function accepts(match: CompiledMatch, facts: RequestFacts): number | undefined {
  const rank = hostRankOf(match.hosts, facts.host)
  if (rank === undefined || !matchesPath(match.path, facts.path.match)) return undefined
  return match.predicates.every(predicate => predicate.test(facts)) ? rank : undefined
}

/** How closely the closest of the patterns fits the host; undefined when none does. */
export function hostRankOf(patterns: readonly HostPattern[], host: string): number | undefined {
  let best: number | undefined
  for (const pattern of patterns) {
    const rank = rankOf(pattern, host)
    if (rank !== undefined && (best === undefined || rank > best)) best = rank
  }
  return best
}

function rankOf(pattern: HostPattern, host: string): number | undefined {
  if (pattern.type === 'any') return anyHostRank
  if (pattern.type === 'exact') return pattern.host === host ? exactHostRank : undefined
  // What stands before the suffix must be something.
  const isBelow = host.length > pattern.suffix.length + 1 && host.endsWith(pattern.suffix) && host.at(-pattern.suffix.length - 1) === '.'
  return isBelow ? pattern.suffix.length : undefined
}

/** @param path in the match form */
export function matchesPath(matcher: PathMatcher, path: string): boolean {
  if (matcher.type === 'exact') return path === matcher.path
  if (matcher.type === 'prefix') return isAtOrBelow(path, matcher.path)
  if (matcher.type === 'regex') return path.startsWith(matcher.literal) && matcher.pattern.test(path)
  const segments = path.slice(1).split('/')
  const literals = literalsOf(matcher)
  return (
    segments.length === literals.length &&
    literals.every(
      (literal, index) => (literal ?? segments[index]) === segments[index] && (literal !== undefined || segments[index] !== '')
    )
  )
}

/** Whether `path` is `prefix` or below it, in whole segments; `''` is above everything. */
export function isAtOrBelow(path: string, prefix: string): boolean {
  return path.startsWith(prefix) && (path.length === prefix.length || path.charCodeAt(prefix.length) === 47) /* / */
}

/** The segments of a template; undefined where a parameter stands for one. */
export function literalsOf({ shape, literals }: Extract<PathMatcher, { type: 'template' }>): readonly (string | undefined)[] {
  return literals
    .slice(1)
    .split('/')
    .map((literal, index) => (shape[index] === 'p' ? undefined : literal))
}
