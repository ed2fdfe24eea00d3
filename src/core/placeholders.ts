/** Texts with placeholders: `rewrite` and the `location` of a redirect. */
import type { PathMatcher } from './match.ts'
import { endOfSegments, type NormalPath } from './path.ts'

/** A text taken apart: literal text, or the name of what is filled in. */
export type Part = string | { readonly capture: string }

/** What stands for a capture in one request; '' when it took no part in the match. */
export type Captures = (name: string) => string

const placeholder = /\{([^{}]*)\}|[{}]|\$(?:(\$)|(\d{1,2})|<([^<>]*)>)/

/**
 * Takes `text` apart, or says what is wrong with it: it may name what the path captures (`{id}` of a template; `$1`, `$<name>` of a
 * regex, where `$$` is a dollar sign) and `fields`, which are filled in by the caller.
 */
export function parsePlaceholders(text: string, path: PathMatcher, fields: readonly string[] = []): readonly Part[] | string {
  const parts: Part[] = []
  for (const token of tokens(text)) {
    if (typeof token === 'string' || token.kind === 'dollar') {
      parts.push(typeof token === 'string' ? token : '$')
      continue
    }
    const known = token.kind === 'brace' ? isBraceKnown(token.name, path, fields) : isGroupKnown(token.name, path)
    if (!known) return unknownName(token.text, path)
    parts.push({ capture: token.name })
  }
  return parts
}

interface Token {
  readonly kind: 'brace' | 'group' | 'dollar'
  readonly name: string
  readonly text: string
}

function* tokens(text: string): Generator<string | Token> {
  let rest = text
  while (rest !== '') {
    const found = placeholder.exec(rest)
    if (found === null) return yield rest
    if (found.index > 0) yield rest.slice(0, found.index)
    const [whole, brace, dollar, number, name] = found
    if (dollar !== undefined) yield { kind: 'dollar', name: '', text: whole }
    else if (number !== undefined || name !== undefined) yield { kind: 'group', name: (number ?? name)!, text: whole }
    else yield { kind: 'brace', name: brace ?? '', text: whole }
    rest = rest.slice(found.index + whole.length)
  }
}

function isBraceKnown(name: string, path: PathMatcher, fields: readonly string[]): boolean {
  return fields.includes(name) || (path.type === 'template' && path.names.includes(name))
}

function isGroupKnown(name: string, path: PathMatcher): boolean {
  if (path.type !== 'regex') return false
  return /^\d+$/.test(name) ? Number(name) <= path.pattern.groupCount : path.pattern.groupNames.includes(name)
}

const captured = {
  exact: 'an exact path captures nothing',
  prefix: 'a prefix captures nothing',
  template: 'only the parameters of the template are captured',
  regex: 'only the groups of the pattern are captured, as $1 or $<name>'
}

function unknownName(text: string, path: PathMatcher): string {
  return `names ${text}, but ${captured[path.type]}`
}

/** Fills the parts in. */
export function fillParts(parts: readonly Part[], captures: Captures): string {
  let text = ''
  for (const part of parts) text += typeof part === 'string' ? part : captures(part.capture)
  return text
}

/** What the rule's path captures of a request's: of a template the client's own encoding, of a regex the match form. */
export function capturesOf(matcher: PathMatcher, path: NormalPath): Captures {
  if (matcher.type === 'template') return name => parameterOf(matcher.shape, matcher.names.indexOf(name), path.forward)
  if (matcher.type !== 'regex') return () => ''
  const found = matcher.pattern.exec(path.match)
  return name => (/^\d+$/.test(name) ? found?.groups[Number(name)] : found?.named[name]) ?? ''
}

/** The segment of the parameter with that index. */
function parameterOf(shape: string, parameter: number, path: string): string {
  let position = -1
  for (let left = parameter; left >= 0; left--) position = shape.indexOf('p', position + 1)
  const start = endOfSegments(path, position) + 1
  return path.slice(start, endOfSegments(path, position + 1))
}
