import { type Document, isSeq, LineCounter, type Node, parseDocument, YAMLSeq } from 'yaml'
import { collections, documentKinds } from '../core/change.ts'
import { FileFormatError, type FileSource, type ListEdit, type Lists, toLists } from './file-source.ts'
import { createNode, editedItems, isShared, listPair } from './file-yaml-node.ts'
import { spliceYaml } from './file-yaml-splice.ts'

/** How often aliases may be followed, all in all: enough for thousands of rules with a common part, too few for a "billion laughs". */
const maxAliasCount = 10_000

/** Reads a configuration in YAML 1.2, with merge keys. Edits change the text of the items they name only. @throws {FileFormatError} */
export function readYaml(text: string): FileSource {
  const counter = new LineCounter()
  const place = (offset: number): string => {
    const { line, col } = counter.linePos(offset)
    return `${line}:${col} `
  }
  const document = guarded(() =>
    parseDocument(text, {
      keepSourceTokens: true,
      lineCounter: counter,
      prettyErrors: false,
      stringKeys: true,
      merge: true,
      logLevel: 'error'
    })
  )
  const error = document.errors[0]
  if (error !== undefined) {
    const [from, to] = error.pos
    const reason = error.code === 'DUPLICATE_KEY' ? `duplicate key ${JSON.stringify(keyAt(text, from, to))}` : error.message
    throw new FileFormatError(`${place(from)}${reason}`)
  }
  const value = guarded(() => document.toJS({ maxAliasCount }) as unknown)
  const lists = toLists(value, key => {
    const offset = listPair(document, key)?.key.range?.[0]
    return offset === undefined ? '' : place(offset)
  })
  return {
    lists,
    edited: edits => [
      () => spliceYaml(text, document, edits),
      () => rewrite(document, edits),
      () => rewrite(withoutAliases(document, lists), edits)
    ]
  }
}

// Aliases that lead nowhere, merges of what is no map, nesting beyond the stack: these are thrown, not listed.
function guarded<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw new FileFormatError(error instanceof Error ? error.message : String(error))
  }
}

// The position of a duplicate key is that of its first character only, unless the key is quoted.
function keyAt(text: string, from: number, to: number): string {
  const key = /^(?:"(?:[^"\\]|\\.)*"|'[^']*'|[^\s:]+)/.exec(text.slice(from))?.[0] ?? text.slice(from, to)
  return key.replace(/^(["'])(.*)\1$/s, '$2')
}

/** The whole document written anew: comments stay, spacing and line breaks may change. */
function rewrite(parsed: Document, edits: readonly ListEdit[]): string {
  const document = parsed.clone()
  for (const kind of documentKinds) {
    const own = edits.filter(edit => edit.kind === kind)
    if (own.length === 0) continue
    const items = editedItems(document, listPair(document, collections[kind])?.value, own)
    const list = new YAMLSeq(document.schema)
    list.items = items
    document.set(collections[kind], list)
  }
  return document.toString({ lineWidth: 0 })
}

function withoutAliases(parsed: Document, lists: Lists): Document {
  const document = parsed.clone()
  for (const kind of documentKinds) {
    const list: unknown = listPair(document, collections[kind])?.value
    if (isSeq<Node>(list)) {
      list.items = list.items.map((node, index) => (isShared(node) ? createNode(document, lists[kind][index]) : node))
    }
  }
  return document
}
