/** From the text of a request body to a plain value: JSON and YAML, with the position of what is wrong. */
import { type Document, isMap, isPair, isScalar, isSeq, type Node, type Pair, parseDocument, visit, type YAMLError } from 'yaml'
import { type Fault, InvalidBodyError, withFaults } from '../errors.ts'
import { escapePointer } from './schema-faults.ts'

/** How deep lists and objects may be nested. Everything after this may recurse without fear for the stack. */
const maxDepth = 64

/** How often aliases may be followed, all in all: enough for thousands of items with a common part, too few for a "billion laughs". */
const maxAliasCount = 10_000

/** Parses JSON (RFC 8259). @throws {InvalidBodyError} that says where, when the parser knows */
export function parseJson(text: string): unknown {
  let value: unknown
  try {
    // RFC 8259 section 8.1 allows to ignore a byte order mark; some editors on Windows write one.
    value = JSON.parse(text.startsWith('\ufeff') ? text.slice(1) : text)
  } catch (error) {
    throw new InvalidBodyError(`The body is not JSON: ${withPosition((error as Error).message, text)}`)
  }
  assertPlain(value)
  return value
}

/** Parses YAML 1.2, which holds JSON. Refuses duplicate keys, unknown tags and more than one document. @throws {InvalidBodyError} */
export function parseYaml(text: string): unknown {
  // Merge keys (`<<: *base`) are YAML 1.1, but what everybody who writes anchors expects.
  const document = parseDocument(text, { stringKeys: true, merge: true, resolveKnownTags: false, logLevel: 'error' })
  const [first] = [...document.errors, ...document.warnings]
  if (first !== undefined) throw toYamlError(first, document)
  const value = toValue(document)
  assertPlain(value)
  return value
}

function toValue(document: Document.Parsed): unknown {
  try {
    return document.toJS({ maxAliasCount })
  } catch (error) {
    throw new InvalidBodyError(`The body is not usable YAML: ${(error as Error).message}`)
  }
}

// Node names line and column for some errors only, and the offset for most.
function withPosition(message: string, text: string): string {
  const offset = /at position (\d+)/.exec(message)?.[1]
  if (offset === undefined || message.includes('line ')) return message
  const before = text.slice(0, Number(offset)).split('\n')
  return `${message} (line ${before.length} column ${(before.at(-1)?.length ?? 0) + 1})`
}

function toYamlError(error: YAMLError, document: Document.Parsed): Error {
  const [sentence = ''] = error.message.split('\n')
  const pointer = error.code === 'DUPLICATE_KEY' ? pointerTo(document, error.pos[0]) : ''
  const detail = error.code === 'DUPLICATE_KEY' ? `is there twice${positionOf(error)}` : sentence.replace(/:$/, '')
  return withFaults(new InvalidBodyError(`The body is not usable YAML: ${`${pointer} ${detail}`.trim()}`), [{ pointer, detail }])
}

function positionOf({ linePos }: YAMLError): string {
  return linePos === undefined ? '' : ` (line ${linePos[0].line}, column ${linePos[0].col})`
}

/** JSON pointer to the pair whose key stands at `offset` of the text. */
function pointerTo(document: Document.Parsed, offset: number): string {
  let pointer = ''
  visit(document, {
    Pair(_key, pair, path) {
      const key = pair.key as Node | null
      if (key?.range?.[0] !== offset) return undefined
      pointer = toPointer([...path, pair])
      return visit.BREAK
    }
  })
  return pointer
}

function toPointer(path: readonly (Document | Node | Pair)[]): string {
  return path
    .map((node, depth) => {
      if (isPair(node)) return `/${escapePointer(String(isScalar(node.key) ? node.key.value : node.key))}`
      const parent = path[depth - 1]
      return isSeq(parent) && !isMap(parent) ? `/${parent.items.indexOf(node)}` : ''
    })
    .join('')
}

/**
 * Holds a parsed value to what JSON can say, and refuses keys that JavaScript would read as something else than a field.
 * An explicit stack: the depth is what is being checked.
 */
function assertPlain(root: unknown): void {
  const stack: { value: object; pointer: string; depth: number }[] = []
  const consider = (value: unknown, depth: number, pointer: () => string): void => {
    // 1e999 is infinite in JSON, and so is .inf in YAML.
    if (typeof value === 'number' && !Number.isFinite(value)) throw refuse({ pointer: pointer(), detail: 'is too large a number' })
    if (typeof value !== 'object' || value === null) return
    if (depth > maxDepth) throw refuse({ pointer: '', detail: `must not be nested deeper than ${maxDepth} levels` })
    stack.push({ value, pointer: pointer(), depth })
  }
  consider(root, 1, () => '')
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    const { value, pointer, depth } = next
    for (const [key, inner] of Object.entries(value)) {
      const innerPointer = () => `${pointer}/${escapePointer(key)}`
      if (key === '__proto__') throw refuse({ pointer: innerPointer(), detail: 'is not allowed as a name' })
      consider(inner, depth + 1, innerPointer)
    }
  }
}

function refuse(fault: Fault): Error {
  return withFaults(new InvalidBodyError(`${fault.pointer === '' ? 'The body' : fault.pointer} ${fault.detail}`), [fault])
}
