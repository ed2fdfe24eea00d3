/** Where a JSON text is wrong: JSON.parse takes the last of two equal keys in silence, and does not always say where a fault is. */
import { FileFormatError } from './file-source.ts'
import { maxItemDepth } from './item-text.ts'

/** An item may be nested so deep, and stands in a list of the document. */
const maxDepth = maxItemDepth + 2

/** @throws {FileFormatError} for a text that is no JSON (RFC 8259), or in which an object has a key twice */
export function checkJson(text: string): void {
  const scan = new Scanner(text)
  checkValue(scan, 0)
  if (scan.next() !== '') scan.fail('nothing may follow the document')
}

function checkValue(scan: Scanner, depth: number): void {
  if (depth > maxDepth) scan.fail('nested too deep')
  if (scan.take('{')) return checkObject(scan, depth)
  if (scan.take('[')) return checkList(scan, depth)
  if (scan.text(string) === undefined && scan.text(primitive) === undefined) scan.fail('a value is expected')
}

function checkObject(scan: Scanner, depth: number): void {
  if (scan.take('}')) return
  const keys = new Set<string>()
  do {
    scan.next()
    const at = scan.position
    const key = scan.text(string)
    if (key === undefined) return scan.fail('a key is expected')
    // Compared as read: "a" and "\u0061" are one key.
    const name: string = JSON.parse(key)
    if (keys.has(name)) scan.fail(`duplicate key ${JSON.stringify(name)}`, at)
    keys.add(name)
    if (!scan.take(':')) scan.fail("':' is expected")
    checkValue(scan, depth + 1)
  } while (scan.take(','))
  if (!scan.take('}')) scan.fail("',' or '}' is expected")
}

function checkList(scan: Scanner, depth: number): void {
  if (scan.take(']')) return
  do checkValue(scan, depth + 1)
  while (scan.take(','))
  if (!scan.take(']')) scan.fail("',' or ']' is expected")
}

const string = /"[^"\\\x00-\x1f]*(?:\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4})[^"\\\x00-\x1f]*)*"/y
const primitive = /(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)(?![\w.+-])/y
const space = /[ \t\r\n]*/y

class Scanner {
  readonly #text: string
  position = 0

  constructor(text: string) {
    this.#text = text
  }

  /** The next character that is not space, without taking it; '' at the end. */
  next(): string {
    space.lastIndex = this.position
    space.test(this.#text)
    this.position = space.lastIndex
    return this.#text.charAt(this.position)
  }

  take(character: string): boolean {
    const found = this.next() === character
    if (found) this.position += 1
    return found
  }

  text(pattern: RegExp): string | undefined {
    this.next()
    pattern.lastIndex = this.position
    const found = pattern.exec(this.#text)?.[0]
    if (found !== undefined) this.position += found.length
    return found
  }

  fail(reason: string, at: number = this.position): never {
    const lines = this.#text.slice(0, at).split('\n')
    throw new FileFormatError(`${lines.length}:${lines.at(-1)!.length + 1} ${reason}`)
  }
}
