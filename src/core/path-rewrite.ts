/** From the path of a request to the path for the target: `strip_prefix` and `rewrite`. */
import type { ForwardRule } from '../../schemas/forward-rule.ts'
import type { PathMatcher } from './match.ts'
import { endOfSegments, type NormalPath, normalisePath, type PathMode } from './path.ts'
import { capturesOf, fillParts, type Part, parsePlaceholders } from './placeholders.ts'
import type { Faults } from './rule-fault.ts'

export type PathRewrite = (path: NormalPath) => string

/** The rule's rewrite; undefined when the path is sent as it came, or after a fault. */
export function compileRewrite(item: ForwardRule, matcher: PathMatcher, faults: Faults, paths: PathMode): PathRewrite | undefined {
  const strip = item.strip_prefix
  if (item.rewrite === undefined) return compileStrip(strip, matcher, paths)
  if (strip !== false && strip !== 0) faults.add(['strip_prefix'], 'excludes `rewrite`; only one of them may be given')
  const parts = parseRewrite(item.rewrite, matcher)
  if (typeof parts !== 'string') return rewriteTo(parts, matcher, paths)
  faults.add(['rewrite'], parts)
  return undefined
}

function compileStrip(strip: boolean | number, matcher: PathMatcher, paths: PathMode): PathRewrite | undefined {
  if (strip === false || strip === 0) return undefined
  if (strip !== true) return stripSegments(strip)
  if (matcher.type === 'prefix') return stripSegments(matcher.segments)
  return matcher.type === 'regex' ? stripPattern(matcher, paths) : () => '/'
}

/** Both forms of a path have the same segments, so that what a prefix matched in one is cut from the other. */
function stripSegments(count: number): PathRewrite | undefined {
  if (count === 0) return undefined
  return ({ forward }) => forward.slice(endOfSegments(forward, count)) || '/'
}

// The pattern saw the match form, so only there is it known where its match ends.
function stripPattern({ pattern }: Extract<PathMatcher, { type: 'regex' }>, paths: PathMode): PathRewrite {
  return path => {
    const found = pattern.exec(path.match)
    return found?.start === 0 ? toSafePath(path.match.slice(found.end), paths) : path.forward
  }
}

/** The parts of a rewrite, or what is wrong with it. */
function parseRewrite(text: string, matcher: PathMatcher): readonly Part[] | string {
  const parts = parsePlaceholders(text, matcher)
  if (typeof parts === 'string') return parts
  const sample = fillParts(parts, () => 'x')
  return normalisePath(sample) === undefined ? "must be a path: no query, fragment, '\\', bad escape or encoded slash" : parts
}

function rewriteTo(parts: readonly Part[], matcher: PathMatcher, paths: PathMode): PathRewrite {
  if (matcher.type === 'regex' || matcher.type === 'template') return path => toSafePath(fillParts(parts, capturesOf(matcher, path)), paths)
  const text = toSafePath(
    fillParts(parts, () => ''),
    paths
  )
  if (matcher.type === 'exact') return () => text
  const base = text.endsWith('/') ? text.slice(0, -1) : text
  return ({ forward }) => {
    const rest = forward.slice(endOfSegments(forward, matcher.segments))
    return rest === '' ? text : base + rest
  }
}

// A capture may have cut an escape in two (`%2` of `%20`), or completed one with the text that follows it (`%2` and `f`).
const strayPercent = /%(?![0-9A-Fa-f]{2})|%(?=2[Ff]|5[Cc]|[01][0-9A-Fa-f]|7[Ff])/g

/** What was put together, as a path again: begins with `/`, has no dot segments, and none of its escapes is broken or hides a slash. */
function toSafePath(text: string, paths: PathMode): string {
  const path = text.startsWith('/') ? text : `/${text}`
  const whole = normalisePath(path, paths) ?? normalisePath(path.replace(strayPercent, '%25'))
  return whole?.forward ?? '/'
}
