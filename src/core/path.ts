/** One normal form of a request path for everything that decides by it (RFC 3986 section 6.2.2). */

/**
 * What happens to an encoded slash or backslash in a request path: `strict` refuses it, because a target may see a separator where we see
 * none; `lenient` takes it as data within its segment, for targets that do the same.
 */
export const pathModes = ['strict', 'lenient'] as const
export type PathMode = (typeof pathModes)[number]

/** A request path in the two forms that the gateway uses; both have the same number of segments. */
export interface NormalPath {
  /**
   * For match, limit key, auth: dot segments resolved, runs of `/` merged, percent-encodings of unreserved characters decoded, other
   * encodings in upper case, characters that must not stand in a path encoded. Holds only `/`, pchar and upper-case escapes.
   */
  readonly match: string
  /** For forwarding: the client's own encoding, only dot segments resolved and runs of `/` merged. */
  readonly forward: string
}

// Anything but '/' and the pchar of RFC 3986 section 3.3 without '%', or a segment that is empty or begins with a dot.
const needsWork = /[^!$&-;=@-Z_a-z~]|\/[./]/
// Never legal in a request target, control characters also when encoded. '#' and '\' because some upstreams cut the path or see a slash there.
const refused = /[^\x21-\x7e\x80-\xff]|[\\#?]|%(?![0-9A-Fa-f]{2})|%(?:[01][0-9A-Fa-f]|7[Ff])/
// Too long an encoding of a character that UTF-8 writes shorter (RFC 3629 section 3): decoders that take it read a dot or a slash.
const overlong = /(?:%[Cc][01]|[\xc0\xc1])(?:%[89ABab]|[\x80-\xbf])|(?:%[Ee]0|\xe0)(?:%[89]|[\x80-\x9f])|(?:%[Ff]0|\xf0)(?:%8|[\x80-\x8f])/
const encodedSlash = /%(?:2[Ff]|5[Cc])/
// Dot segments to a target that cuts parameters off (`..;x`) or that decodes slashes (`..%2Fx`), not to us. In match form.
const hiddenDots = /(?:^|%2F|%5C)\.\.?(?:;|%3B|%2F|%5C|$)/
const escapes = /%[0-9A-Fa-f]{2}/g
const notPchar = /[^!$%&-;=@-Z_a-z~]/g
const unreserved = /^[A-Za-z0-9._~-]$/

/**
 * The normal form of a raw request path (without query), or undefined when it is malformed or ambiguous: it does not begin with `/`, has a
 * bad escape, a control character, `\`, `#`, overlong UTF-8, a dot segment with parameters or, in strict mode, an encoded slash or
 * backslash. A trailing slash and `;` stay as they are. Characters from U+0080 to U+00FF stand for one byte each, as `node:http` hands them
 * out.
 */
export function normalisePath(raw: string, mode: PathMode = 'strict'): NormalPath | undefined {
  if (raw.charCodeAt(0) !== 47 /* / */) return undefined
  if (!needsWork.test(raw)) return { match: raw, forward: raw }
  if (refused.test(raw) || overlong.test(raw) || (mode === 'strict' && encodedSlash.test(raw))) return undefined
  return resolveSegments(raw)
}

function resolveSegments(raw: string): NormalPath | undefined {
  const match: string[] = []
  const forward: string[] = []
  let endsInSlash = false
  for (const segment of raw.split('/')) {
    const plain = toMatchSegment(segment)
    endsInSlash = plain === '' || plain === '.' || plain === '..'
    if (plain === '..') {
      match.pop()
      forward.pop()
    } else if (!endsInSlash) {
      if (hiddenDots.test(plain)) return undefined
      match.push(plain)
      forward.push(segment)
    }
  }
  return { match: join(match, endsInSlash), forward: join(forward, endsInSlash) }
}

function join(segments: readonly string[], endsInSlash: boolean): string {
  if (segments.length === 0) return '/'
  return `/${segments.join('/')}${endsInSlash ? '/' : ''}`
}

function toMatchSegment(segment: string): string {
  const decoded = segment.includes('%') ? segment.replace(escapes, normaliseEscape) : segment
  return decoded.replace(notPchar, encodeByte)
}

function normaliseEscape(text: string): string {
  const char = String.fromCharCode(Number.parseInt(text.slice(1), 16))
  return unreserved.test(char) ? char : text.toUpperCase()
}

function encodeByte(char: string): string {
  return `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`
}

/**
 * The match form of a path that an operator wrote, or undefined when it has none. Other than in a request, spaces and every
 * non-ASCII character are taken and encoded as UTF-8, because people write `/prix/été`.
 */
export function normaliseRulePath(written: string): string | undefined {
  if (!written.isWellFormed()) return undefined
  return normalisePath(written.replace(/[^\x00-\x1f\x21-\x7f]+/g, encodeURIComponent))?.match
}

/** Where in `path` the first `count` segments end: the index of the slash that begins the next one, or the length. */
export function endOfSegments(path: string, count: number): number {
  let at = 0
  for (let left = count; left > 0; left--) {
    const next = path.indexOf('/', at + 1)
    if (next === -1) return path.length
    at = next
  }
  return at
}
