/** Reads a pattern just closely enough to see what is wrong with it in a way that an engine's message would not tell. */
import { endOfClass } from '../core/regex-literal.ts'

/** A piece of a pattern that is refused. */
export interface Finding {
  readonly kind: 'look-around' | 'back-reference' | 'nested-repetition'
  /** As it stands in the pattern. */
  readonly text: string
}

/** What a group that is still open, or the whole pattern, holds so far. */
interface Frame {
  readonly start: number
  /** How many pieces the current alternative has. */
  pieces: number
  /** Whether its only piece is repeated without bound. */
  onlyLoops: boolean
  /** Whether an alternative before was nothing but such a piece. */
  hadLoop: boolean
}

const newFrame = (start: number): Frame => ({ start, pieces: 0, onlyLoops: false, hadLoop: false })

/**
 * The first finding, or undefined. A nested repetition is an unbounded one of a group with an alternative that is itself nothing but an
 * unbounded repetition: `(a+)+`, `([a-z]*)*`, `(?:.*)+`, `(a+|b)*`.
 */
export function scanPattern(source: string): Finding | undefined {
  const open: Frame[] = [newFrame(0)]
  let at = 0
  while (at < source.length) {
    const special = findSpecial(source, at)
    if (special !== undefined) return special
    const frame = open.at(-1)!
    const char = source[at]
    if (char === '(') {
      const end = endOfGroupHead(source, at)
      // (?i) sets flags and is no group.
      if (source[end - 1] !== ')') open.push(newFrame(at))
      at = end
    } else if (char === '|') {
      endAlternative(frame)
      at++
    } else if (char === ')' && open.length > 1) {
      endAlternative(open.pop()!)
      const quantifier = quantifierAt(source, at + 1)
      if (frame.hadLoop && quantifier.unbounded) return { kind: 'nested-repetition', text: source.slice(frame.start, quantifier.end) }
      addPiece(open.at(-1)!, quantifier.unbounded || (frame.hadLoop && quantifier.end === at + 1))
      at = quantifier.end
    } else {
      const quantifier = quantifierAt(source, endOfAtom(source, at))
      addPiece(frame, quantifier.unbounded)
      at = quantifier.end
    }
  }
  return undefined
}

function findSpecial(source: string, at: number): Finding | undefined {
  const lookAround = /^\(\?<?[=!]/.exec(source.slice(at, at + 4))
  if (lookAround !== null) return { kind: 'look-around', text: lookAround[0] }
  const reference = /^(?:\\[1-9](?!\d)|\\k[<{'][^>}']*[>}']?|\\g\{?\w+\}?|\(\?P=\w*\)?)/.exec(source.slice(at, at + 80))
  return reference === null ? undefined : { kind: 'back-reference', text: reference[0] }
}

function endAlternative(frame: Frame): void {
  frame.hadLoop ||= frame.onlyLoops
  frame.pieces = 0
  frame.onlyLoops = false
}

function addPiece(frame: Frame, loops: boolean): void {
  frame.pieces++
  frame.onlyLoops = loops && frame.pieces === 1
}

/** Where what a `(` introduces begins: behind `(?:`, `(?P<name>`, `(?i:` or the whole of `(?i)`. */
function endOfGroupHead(source: string, start: number): number {
  const head = /^\((?:\?(?:P?<\w*>|[A-Za-z-]*[:)]))?/.exec(source.slice(start, start + 100))
  return start + head![0].length
}

function endOfAtom(source: string, start: number): number {
  if (source[start] === '[') return endOfClass(source, start) + 1
  if (source[start] !== '\\') return start + 1
  if (source.startsWith('\\Q', start)) {
    const end = source.indexOf('\\E', start)
    return end === -1 ? source.length : end + 2
  }
  const long = /^\\(?:[pPx]\{[^}]*\}|[pP].|x[0-9A-Fa-f]{2})/.exec(source.slice(start, start + 80))
  return start + (long?.[0].length ?? 2)
}

function quantifierAt(source: string, start: number): { readonly end: number; readonly unbounded: boolean } {
  const found = /^(?:[*+?]|\{\d+(,)?(\d+)?\})\??/.exec(source.slice(start, start + 20))
  if (found === null) return { end: start, unbounded: false }
  const [text, comma, most] = found
  return { end: start + text.length, unbounded: /^[*+]/.test(text) || (comma !== undefined && most === undefined) }
}
