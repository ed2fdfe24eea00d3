/** Where things stand in a YAML text: lines, the items of a block list, and the comments that belong to them. */
import type { YAMLSeq } from 'yaml'

/** One `- …` of a block list. Offsets into the text. */
export interface BlockItem {
  readonly dash: number
  /** Where its value ends: at the beginning of a line when the value takes whole lines. */
  readonly valueEnd: number
  /** Where its last line ends, with the comments below it that are indented like its fields. */
  readonly end: number
}

/** The items of a list that is written with dashes. @throws when the text is not laid out as expected */
export function blockItems(text: string, list: YAMLSeq): BlockItem[] {
  const token = list.srcToken
  if (token?.type !== 'block-seq') throw new Error('no block list')
  const dashes = token.items.flatMap(({ start }) => start.filter(({ type }) => type === 'seq-item-ind').map(({ offset }) => offset))
  if (dashes.length !== list.items.length) throw new Error('an item without a dash')
  return list.items.map((node, index) => {
    const dash = dashes[index]!
    if (text.slice(lineStart(text, dash), dash).trim() !== '') throw new Error('something stands before a dash')
    const range = (node as { range?: readonly number[] | null } | null)?.range
    const valueEnd = Math.max(range?.[1] ?? 0, dash + 1)
    return { dash, valueEnd, end: tailEnd(text, lineEnd(text, valueEnd), columnOf(text, dash)) }
  })
}

/** What goes when an item is deleted: its lines, the comment lines right above it, and the blank lines that would be doubled. */
export function removalOf(text: string, item: BlockItem): { from: number; to: number } {
  const column = columnOf(text, item.dash)
  let from = lineStart(text, item.dash)
  while (from > 0 && commentColumn(text, lineStart(text, from - 1)) === column) from = lineStart(text, from - 1)
  const line = from === 0 ? '' : text.slice(lineStart(text, from - 1), from).trim()
  const opensList = line.replace(/#.*$/, '').trimEnd().endsWith(':')
  return { from, to: line === '' || opensList ? skipBlankLines(text, item.end) : item.end }
}

/** Whether blank lines stand between the last two items, so that one belongs before the next. */
export function isSpaced(text: string, items: readonly BlockItem[]): boolean {
  const [before, last] = items.slice(-2)
  return before !== undefined && last !== undefined && skipBlankLines(text, before.end) > before.end
}

export function columnOf(text: string, offset: number): number {
  return offset - lineStart(text, offset)
}

/** The offset of the line that `offset` stands in. A byte order mark is no part of the first line. */
export function lineStart(text: string, offset: number): number {
  const start = text.lastIndexOf('\n', offset - 1) + 1
  return start === 0 && text.startsWith('\ufeff') ? 1 : start
}

/** The offset behind the line break that ends the line; `offset` itself when it is the beginning of a line. */
export function lineEnd(text: string, offset: number): number {
  if (offset === 0 || text[offset - 1] === '\n') return offset
  const end = text.indexOf('\n', offset)
  return end === -1 ? text.length : end + 1
}

/** `block` with every line but the first moved right. Blank lines stay blank. */
export function indented(block: string, column: number, eol: string): string {
  return block.replace(/\n(?!\n|$)/g, `\n${' '.repeat(column)}`).replaceAll('\n', eol)
}

// Comments below the last field, indented deeper than the dash, belong to the item; so do blank lines between them.
function tailEnd(text: string, from: number, column: number): number {
  let end = from
  let at = from
  while (at < text.length) {
    at = skipBlankLines(text, at)
    const comment = commentColumn(text, at)
    if (comment === undefined || comment <= column) return end
    at = lineEnd(text, at + 1)
    end = at
  }
  return end
}

/** The column of the comment, when the line at `start` holds nothing else. */
function commentColumn(text: string, start: number): number | undefined {
  const pattern = /[ \t]*#/y
  pattern.lastIndex = start
  const found = pattern.exec(text)
  return found === null ? undefined : found[0].length - 1
}

function skipBlankLines(text: string, from: number): number {
  const pattern = /(?:[ \t]*\r?\n)*/y
  pattern.lastIndex = from
  pattern.test(text)
  return pattern.lastIndex
}
