/** From a rule's `path` and `path_type` to what the index looks up. */
import type { ForwardRule } from '../../schemas/forward-rule.ts'
import type { PathMatcher, PathTemplate } from './match.ts'
import { normaliseRulePath } from './path.ts'
import type { RegexEngine } from './regex.ts'
import { literalPrefix } from './regex-literal.ts'
import type { Faults } from './rule-fault.ts'

/** What the name of a template's parameter looks like. */
export const parameterName = /^[A-Za-z_][A-Za-z0-9_-]*$/

const malformed = "must begin with '/' and hold no bad escape, '\\', '?', '#', control character or encoded slash"

// Further apart than a path can be long, so that the types never overlap.
const rankStep = 1_000_000

/** The matcher of a rule; undefined after a fault. */
export function compilePath(item: ForwardRule, regex: RegexEngine, faults: Faults): PathMatcher | undefined {
  if (item.path_type === 'regex') {
    const pattern = faults.pattern(item.path, regex, ['path'])
    return pattern && { type: 'regex', source: item.path, pattern, literal: literalPrefix(item.path) }
  }
  if (item.path_type === 'template') return compileTemplate(item.path, faults)
  const path = normaliseRulePath(item.path)
  if (path === undefined) {
    faults.add(['path'], malformed)
    return undefined
  }
  if (item.path_type === 'exact') return { type: 'exact', path }
  const prefix = path.endsWith('/') ? path.slice(0, -1) : path
  return { type: 'prefix', path: prefix, segments: prefix.split('/').length - 1 }
}

/** Where the matcher stands among those that match one path: the higher wins. */
export function pathRankOf(path: PathMatcher): number {
  if (path.type === 'exact') return 3 * rankStep
  if (path.type === 'template') return 2 * rankStep + countLiterals(path)
  return path.type === 'prefix' ? rankStep + path.path.length : 0
}

/** Decides between templates with equally many literals, the smaller first: literals further left win. */
export function pathTieOf(path: PathMatcher): string {
  return path.type === 'template' ? path.shape : ''
}

function countLiterals({ shape, names }: PathTemplate): number {
  return shape.length - names.length
}

function compileTemplate(written: string, faults: Faults): PathTemplate | undefined {
  const names: string[] = []
  const literals: string[] = []
  let shape = ''
  for (const segment of templateSegments(written)) {
    const name = /^\{(.*)\}$/.exec(segment)?.[1]
    const literal = name === undefined ? normaliseSegment(segment) : ''
    const fault = name === undefined ? literalFault(segment, literal) : nameFault(name, names)
    if (fault !== undefined) {
      faults.add(['path'], fault)
      return undefined
    }
    if (name !== undefined) names.push(name)
    shape += name === undefined ? 'l' : 'p'
    literals.push(literal!)
  }
  if (shape === '') {
    faults.add(['path'], malformed)
    return undefined
  }
  return { type: 'template', shape, literals: `/${literals.join('/')}`, names }
}

/** Runs of `/` merged, as in every path; none when it does not begin with `/`. */
function templateSegments(written: string): string[] {
  return written.startsWith('/')
    ? written
        .replaceAll(/\/{2,}/g, '/')
        .slice(1)
        .split('/')
    : []
}

function normaliseSegment(segment: string): string | undefined {
  return normaliseRulePath(`/${segment}`)?.slice(1)
}

function literalFault(segment: string, literal: string | undefined): string | undefined {
  if (/[{}]/.test(segment)) return `a parameter must be a whole segment: '${segment}'`
  if (literal === undefined) return malformed
  return literal === '' && segment !== '' ? 'must not hold dot segments' : undefined
}

function nameFault(name: string, names: readonly string[]): string | undefined {
  if (!parameterName.test(name))
    return `'{${name}}' is not a parameter: a name has letters, digits, '_' and '-' and begins with a letter or '_'`
  return names.includes(name) ? `names the parameter '${name}' twice` : undefined
}
