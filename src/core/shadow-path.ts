/** Whether one rule's path surely takes in another's. What cannot be told is answered with no. */
import { isAtOrBelow, literalsOf, matchesPath } from './accepts.ts'
import type { PathMatcher } from './match.ts'
import { plainStart } from './regex-literal.ts'

/** Whether `outer` matches every path that `inner` matches. */
export function coversPath(outer: PathMatcher, inner: PathMatcher): boolean {
  const single = singlePathOf(inner)
  if (single !== undefined) return matchesPath(outer, single)
  if (outer.type === 'prefix') return coversBelow(outer.path, inner)
  if (outer.type === 'regex') return coversFound(outer, inner)
  return outer.type === 'template' && inner.type === 'template' && coversTemplate(outer, inner)
}

function singlePathOf(matcher: PathMatcher): string | undefined {
  if (matcher.type === 'exact') return matcher.path
  return matcher.type === 'template' && matcher.names.length === 0 ? matcher.literals : undefined
}

function coversBelow(prefix: string, inner: PathMatcher): boolean {
  if (prefix === '') return true
  if (inner.type === 'prefix') return isAtOrBelow(inner.path, prefix)
  return startOf(inner).startsWith(`${prefix}/`)
}

function coversFound(outer: Extract<PathMatcher, { type: 'regex' }>, inner: PathMatcher): boolean {
  if (inner.type === 'regex' && inner.source === outer.source) return true
  const start = plainStart(outer.source)
  return start !== undefined && (start === '' || startOf(inner).startsWith(start))
}

function coversTemplate(outer: Extract<PathMatcher, { type: 'template' }>, inner: Extract<PathMatcher, { type: 'template' }>): boolean {
  const [wanted, given] = [literalsOf(outer), literalsOf(inner)]
  // A parameter stands for every segment but an empty one.
  return (
    wanted.length === given.length &&
    wanted.every((literal, index) => (literal === undefined ? given[index] !== '' : literal === given[index]))
  )
}

/** What every path that matches begins with; at least a slash. */
export function startOf(matcher: PathMatcher): string {
  if (matcher.type === 'regex') return matcher.literal.startsWith('/') ? matcher.literal : '/'
  if (matcher.type !== 'template') return matcher.path === '' ? '/' : matcher.path
  const literals = literalsOf(matcher)
  const fixed = literals.slice(0, literals.indexOf(undefined))
  return `/${fixed.map(literal => `${literal}/`).join('')}`
}
