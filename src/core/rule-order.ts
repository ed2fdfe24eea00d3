/** The one order of rules: of two that match a request, which one takes it, and why. */
import type { CompiledMatch } from './match.ts'
import { pathTieOf } from './path-matcher.ts'

/** What places a group of rules in the order, but for the host: how closely that fits depends on the request. */
export interface Ranked {
  readonly match: CompiledMatch
  /** Of the group's oldest rule. */
  readonly seq: number
  readonly id: string
}

/** What decided between two that both match, in the order in which they are compared. */
export type Criterion = 'priority' | 'path' | 'host' | 'predicates' | 'age'

/** Negative when `a`, whose host fits with rank `aHost`, comes before `b`. Total: 0 only for the same group with the same host. */
export function compareRank(a: Ranked, aHost: number, b: Ranked, bHost: number): number {
  return comparePriority(a, b) || comparePath(a, b) || bHost - aHost || comparePredicates(a, b) || compareAge(a, b)
}

/** The first criterion in which the two differ. */
export function criterionOf(a: Ranked, aHost: number, b: Ranked, bHost: number): Criterion {
  if (comparePriority(a, b) !== 0) return 'priority'
  if (comparePath(a, b) !== 0) return 'path'
  if (aHost !== bHost) return 'host'
  return comparePredicates(a, b) === 0 ? 'age' : 'predicates'
}

/** Older first. */
export function compareAge(a: { readonly seq: number; readonly id: string }, b: { readonly seq: number; readonly id: string }): number {
  if (a.seq !== b.seq) return a.seq - b.seq
  return a.id === b.id ? 0 : a.id < b.id ? -1 : 1
}

function comparePriority(a: Ranked, b: Ranked): number {
  return b.match.priority - a.match.priority
}

function comparePath(a: Ranked, b: Ranked): number {
  if (a.match.pathRank !== b.match.pathRank) return b.match.pathRank - a.match.pathRank
  const aTie = pathTieOf(a.match.path)
  const bTie = pathTieOf(b.match.path)
  return aTie === bTie ? 0 : aTie < bTie ? -1 : 1
}

function comparePredicates(a: Ranked, b: Ranked): number {
  return b.match.predicates.length - a.match.predicates.length
}
