/** Changes a YAML node to mean something else, and keeps the rest of it as it is written. */
import { isDeepStrictEqual } from 'node:util'
import { type Document, isAlias, isMap, isScalar, isSeq, type Node, type Pair, type ParsedNode, visit, type YAMLMap } from 'yaml'
import type { ListEdit } from './file-source.ts'

/** A copy of `node` that means `value`: fields that mean the same keep their text, their comments and their place. */
export function toEdited(document: Document, node: unknown, value: object): Node {
  if (!isMap(node) || isShared(node)) return createNode(document, value)
  const copy = node.clone() as YAMLMap
  editMap(document, copy, value)
  return copy
}

/** A node for `value`, without anchors for values that happen to be the same. */
export function createNode(document: Document, value: unknown): Node {
  return document.createNode(value, { aliasDuplicateObjects: false })
}

/** Whether another part of the document has a say in what `node` means, or the other way round. */
export function isShared(node: Node): boolean {
  let found = false
  visit(node, (_key, inner) => {
    found ||= isAlias(inner) || (typeof inner === 'object' && inner !== null && 'anchor' in inner && inner.anchor !== undefined)
    return found ? visit.BREAK : undefined
  })
  return found
}

/** The pair of a top-level key. */
export function listPair(document: Document, key: string): Pair<ParsedNode, ParsedNode | null> | undefined {
  if (!isMap<ParsedNode, ParsedNode | null>(document.contents)) return undefined
  return document.contents.items.find(pair => isScalar(pair.key) && pair.key.value === key)
}

/** The nodes of a list after the edits. Nodes that are not edited are those of the list, not copies. */
export function editedItems(document: Document, list: unknown, edits: readonly ListEdit[]): Node[] {
  const byIndex = new Map(edits.map(edit => [edit.op === 'append' ? -1 : edit.index, edit]))
  const items = isSeq<Node>(list) ? list.items : []
  const kept = items.flatMap((node, index) => {
    const edit = byIndex.get(index)
    if (edit === undefined) return [node]
    return edit.op === 'replace' ? [toEdited(document, node, edit.value)] : []
  })
  return [...kept, ...edits.flatMap(edit => (edit.op === 'append' ? [createNode(document, edit.value)] : []))]
}

function editMap(document: Document, map: YAMLMap, value: object): void {
  const wanted = new Map<string, unknown>(Object.entries(value))
  map.items = map.items.filter(pair => wanted.has(nameOf(pair.key)))
  const present = new Set<string>()
  for (const pair of map.items) {
    const name = nameOf(pair.key)
    present.add(name)
    pair.value = editValue(document, pair.value, wanted.get(name))
  }
  for (const [name, inner] of wanted)
    if (!present.has(name)) map.items.push(document.createPair(name, inner, { aliasDuplicateObjects: false }))
}

function editValue(document: Document, node: unknown, value: unknown): unknown {
  if (isNode(node) && isDeepStrictEqual(node.toJS(document), value)) return node
  if (isMap(node) && typeof value === 'object' && value !== null && !Array.isArray(value)) {
    editMap(document, node, value)
    return node
  }
  const created = createNode(document, value)
  if (isScalar(node) && isScalar(created)) {
    if (node.comment !== undefined) created.comment = node.comment
    // A text that was quoted stays quoted; how a number was written says nothing about the next one.
    if (typeof node.value === 'string' && typeof value === 'string' && node.type !== undefined) created.type = node.type
  }
  return created
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'toJS' in value
}

function nameOf(key: unknown): string {
  return String(isScalar(key) ? key.value : key)
}
