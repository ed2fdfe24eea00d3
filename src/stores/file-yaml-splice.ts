/**
 * Edits of a YAML text that leave everything but the edited items as it is, byte for byte. The document model of the `yaml` package
 * keeps comments, but neither spacing nor line breaks, and at times gives a comment between two items to the wrong one: here it only
 * says where the items stand and writes new ones, and the text around them is kept. The caller reads the result again: where this
 * cannot work (an anchor is gone, say), it is found out.
 */
import { Document, isMap, isSeq, type Node, YAMLSeq } from 'yaml'
import { collections, documentKinds } from '../core/change.ts'
import type { ListEdit } from './file-source.ts'
import { createNode, editedItems, listPair, toEdited } from './file-yaml-node.ts'
import { blockItems, columnOf, indented, isSpaced, lineEnd, lineStart, removalOf } from './file-yaml-text.ts'

interface Splice {
  readonly from: number
  readonly to: number
  readonly text: string
}

/** A parsed text (with `keepSourceTokens`) and how it is written. */
interface Page {
  readonly text: string
  readonly document: Document
  /** How its lines end. */
  readonly eol: string
  /** Whether lists stand deeper than their key. */
  readonly indentSeq: boolean
}

/** The text after the edits. @throws where the text is not laid out as expected */
export function spliceYaml(text: string, document: Document, edits: readonly ListEdit[]): string {
  if (!isMap(document.contents) || document.contents.flow) throw new Error('not written in lines')
  const eol = text.includes('\r\n') ? '\r\n' : '\n'
  const page: Page = { text: text.endsWith('\n') ? text : text + eol, document, eol, indentSeq: indentsLists(text, document) }
  const splices: Splice[] = []
  const atTheEnd: Splice[] = []
  for (const kind of documentKinds) {
    const own = edits.filter(edit => edit.kind === kind)
    const key = collections[kind]
    if (own.length === 0) continue
    const list = listPair(document, key)?.value
    if (!isSeq(list) || list.items.length === 0) {
      const values = own.flatMap(edit => (edit.op === 'append' ? [edit.value] : []))
      if (listPair(document, key) === undefined) atTheEnd.push(newList(page, key, values))
      else splices.push(...fillList(page, key, values))
    } else if (list.flow) splices.push(flowList(page, key, list, own))
    else splices.push(...blockList(page, key, list, own))
  }
  return apply(page.text, [...splices, ...atTheEnd])
}

function apply(text: string, splices: readonly Splice[]): string {
  const parts: string[] = []
  let at = 0
  for (const { from, to, text: replacement } of splices.toSorted((one, other) => one.from - other.from)) {
    if (from < at) throw new Error('two edits of the same text')
    parts.push(text.slice(at, from), replacement)
    at = to
  }
  return parts.join('') + text.slice(at)
}

function blockList(page: Page, key: string, list: YAMLSeq, edits: readonly ListEdit[]): Splice[] {
  const { text, document } = page
  const items = blockItems(text, list)
  const column = columnOf(text, items[0]!.dash)
  let end = items.at(-1)!.end
  const splices = edits.flatMap((edit): Splice[] => {
    if (edit.op === 'append') return []
    const item = items[edit.index]!
    if (edit.op === 'replace') {
      const block = render(page, toEdited(document, list.items[edit.index], edit.value), column)
      const takesLines = text[item.valueEnd - 1] === '\n'
      return [{ from: item.dash, to: item.valueEnd, text: takesLines ? block : block.trimEnd() }]
    }
    const removal = removalOf(text, item)
    if (item === items.at(-1)) end = removal.to
    return [{ ...removal, text: '' }]
  })
  const appended = edits.flatMap(edit => (edit.op === 'append' ? [edit.value] : []))
  const gap = isSpaced(text, items) ? page.eol : ''
  if (appended.length > 0) splices.push({ from: end, to: end, text: lines(page, appended, column, gap) })
  else if (edits.length === items.length && edits.every(({ op }) => op === 'remove')) {
    const colon = colonEnd(page, key)
    splices.push({ from: colon, to: colon, text: ' []' })
  }
  return splices
}

/** `[{…}, {…}]`: written anew as a whole, in the same style. */
function flowList(page: Page, key: string, list: YAMLSeq, edits: readonly ListEdit[]): Splice {
  const [from, to] = list.range!
  const copy = list.clone() as YAMLSeq
  copy.items = editedItems(page.document, list, edits)
  copy.commentBefore = null
  copy.comment = null
  return { from, to, text: indented(stringify(page, copy).trimEnd(), keyColumn(page, key) + 2, page.eol) }
}

/** Items under a key that has `[]`, `null` or nothing. */
function fillList(page: Page, key: string, values: readonly object[]): Splice[] {
  const { text } = page
  const [from = 0, to = 0] = listPair(page.document, key)?.value?.range ?? []
  const colon = colonEnd(page, key)
  const hasValue = to > from && from >= colon
  const begin =
    hasValue && text.slice(lineStart(text, from), from).trim() === '' ? lineStart(text, from) : text.slice(0, from).trimEnd().length
  const cut = hasValue ? { from: begin, to: begin === lineStart(text, from) ? lineEnd(text, to) : to } : { from: colon, to: colon }
  const at = lineEnd(text, cut.to)
  const column = keyColumn(page, key) + (page.indentSeq ? 2 : 0)
  return [
    { ...cut, text: '' },
    { from: at, to: at, text: lines(page, values, column) }
  ]
}

/** A list whose key is not there yet. */
function newList(page: Page, key: string, values: readonly object[]): Splice {
  const at = page.text.length
  return { from: at, to: at, text: `${key}:${page.eol}${lines(page, values, page.indentSeq ? 2 : 0)}` }
}

/** The items on lines of their own, each behind `gap`. */
function lines(page: Page, values: readonly object[], column: number, gap = ''): string {
  return values.map(value => gap + itemLines(page, value, column)).join('')
}

function itemLines(page: Page, value: object, column: number): string {
  return ' '.repeat(column) + render(page, createNode(page.document, value), column)
}

/** `- …`, without the comments around it: those are in the text. The first line is not indented, the last one ends. */
function render(page: Page, node: Node, column: number): string {
  node.commentBefore = null
  node.comment = null
  node.spaceBefore = false
  const list = new YAMLSeq()
  list.items = [node]
  return indented(stringify(page, list), column, page.eol)
}

function stringify(page: Page, node: Node): string {
  const document = new Document(null)
  document.contents = node
  return document.toString({ lineWidth: 0, indentSeq: page.indentSeq })
}

function indentsLists(text: string, document: Document): boolean {
  for (const kind of documentKinds) {
    const pair = listPair(document, collections[kind])
    if (isSeq(pair?.value) && !pair.value.flow && pair.value.items.length > 0) {
      return columnOf(text, pair.value.range![0]) > columnOf(text, pair.key.range![0])
    }
  }
  return true
}

function keyColumn({ text, document }: Page, key: string): number {
  return columnOf(text, listPair(document, key)!.key.range![0])
}

/** Where the colon behind a key ends. */
function colonEnd({ document }: Page, key: string): number {
  const pair = listPair(document, key)
  const colon = pair?.srcToken?.sep?.find(({ type }) => type === 'map-value-ind')
  if (colon === undefined) throw new Error('a key without a colon')
  return colon.offset + 1
}
