/** What every text begins with in which a pattern can be found: most paths are ruled out by it without asking the engine. */

const meta = '\\^$.|?*+()[]{}'
const quantifiers = '?*+{'

/** The literal that follows a leading `^`; `''` when there is none or it is not plain. */
export function literalPrefix(source: string): string {
  // \Q…\E would need a scanner of its own, and a pattern with branches begins in more than one way.
  if (!source.startsWith('^') || source.includes('\\Q') || hasTopLevelBranch(source)) return ''
  let literal = ''
  let at = 1
  while (at < source.length) {
    const escaped = source[at] === '\\'
    const char = escaped ? source[at + 1] : source[at]
    if (char === undefined || meta.includes(char) !== escaped) break
    const end = at + (escaped ? 2 : 1)
    const next = source[end]
    // The last character is not certain when a quantifier follows it.
    if (next !== undefined && quantifiers.includes(next)) break
    literal += char
    at = end
  }
  // Half of a surrogate pair is no text of its own.
  return literal.isWellFormed() ? literal : ''
}

function hasTopLevelBranch(source: string): boolean {
  let depth = 0
  for (let at = 0; at < source.length; at++) {
    const char = source[at]
    if (char === '\\') at++
    else if (char === '[') at = endOfClass(source, at)
    else if (char === '(') depth++
    else if (char === ')') depth--
    else if (char === '|' && depth === 0) return true
  }
  return false
}

/** Where the `]` of the character class that begins at `start` stands. */
export function endOfClass(source: string, start: number): number {
  let at = start + 1
  if (source[at] === '^') at++
  // A first ']' is itself a member.
  if (source[at] === ']') at++
  while (at < source.length && source[at] !== ']') {
    if (source[at] === '\\') at++
    else if (source.startsWith('[:', at) && source.includes(':]', at)) at = source.indexOf(':]', at) + 1
    at++
  }
  return at
}

// Printable ASCII that means itself, or is escaped so that it does: nothing else stands in a path.
const plainPattern = /^\^((?:(?![\\^$.|?*+()[\]{}])[!-~]|\\[\\^$.|?*+()[\]{}])*)(?:\.\*\$?)?$/
const anyPathPattern = /^\^?\/?(?:\.\*\$?)?$/

/** What a path must begin with, and nothing else, for the pattern to be found in it; undefined when the pattern asks for more. */
export function plainStart(source: string): string | undefined {
  // Every path begins with a slash.
  if (anyPathPattern.test(source)) return ''
  return plainPattern.exec(source)?.[1]?.replaceAll(/\\(.)/g, '$1')
}
