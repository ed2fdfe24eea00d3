/** The seam between the file store and the two formats, YAML and JSON: a text, read once, that knows how to be edited. */
import { isDeepStrictEqual } from 'node:util'
import { collections, type DocumentKind, documentKinds } from '../core/change.ts'

/** The lists of a configuration file, in the order of the file. */
export type Lists = Readonly<Record<DocumentKind, readonly unknown[]>>

/** One edit of a list. `index` is that before all edits; no two edits have the same. What is appended comes in the order of the edits. */
export type ListEdit =
  | { readonly op: 'replace'; readonly kind: DocumentKind; readonly index: number; readonly value: object }
  | { readonly op: 'remove'; readonly kind: DocumentKind; readonly index: number }
  | { readonly op: 'append'; readonly kind: DocumentKind; readonly value: object }

/** A text that was read. */
export interface FileSource {
  readonly lists: Lists
  /** Ways to write the edited text, the one that keeps most of the old text first. One that throws, or writes something else, is passed over. */
  edited(edits: readonly ListEdit[]): Iterable<() => string>
}

export type FormatName = 'yaml' | 'json'

/** Reads a text. @throws {FileFormatError} */
export type FileFormat = (text: string) => FileSource

/** Why a text is no configuration: `12:3 duplicate key "id"`. For a person; it begins with line and column where they are known. */
export class FileFormatError extends Error {
  override readonly name = 'FileFormatError'
}

/** Writes the edits. What comes out is read again, so that no edit can do more or less than it says. @throws when no way works */
export function editSource(format: FileFormat, source: FileSource, edits: readonly ListEdit[]): { text: string; source: FileSource } {
  const expected = editLists(source.lists, edits)
  for (const write of source.edited(edits)) {
    try {
      const text = write()
      const next = format(text)
      if (isDeepStrictEqual(next.lists, expected)) return { text, source: next }
    } catch {
      // The next way keeps less of the text, and is tried for that.
    }
  }
  throw new Error('the change cannot be written into this file')
}

/** What the lists are after the edits. */
export function editLists(lists: Lists, edits: readonly ListEdit[]): Lists {
  const edited = (kind: DocumentKind): unknown[] => {
    const own = edits.filter(edit => edit.kind === kind)
    const at = new Map(own.flatMap(edit => (edit.op === 'append' ? [] : [[edit.index, edit]])))
    const kept = lists[kind].flatMap((value, index) => {
      const edit = at.get(index)
      if (edit === undefined) return [value]
      return edit.op === 'replace' ? [edit.value] : []
    })
    return [...kept, ...own.flatMap(edit => (edit.op === 'append' ? [edit.value] : []))]
  }
  return mapKinds(edited)
}

/** The lists of a parsed document. A list that is absent or null is empty. @throws {FileFormatError} naming the key that is wrong */
export function toLists(value: unknown, placeOf: (key: string) => string = () => ''): Lists {
  if (value === null || value === undefined) throw new FileFormatError('the file is empty')
  if (typeof value !== 'object' || Array.isArray(value)) throw new FileFormatError(`the file must hold ${known}`)
  const document = new Map<string, unknown>(Object.entries(value))
  for (const key of document.keys()) {
    if (!Object.values<string>(collections).includes(key)) {
      throw new FileFormatError(`${placeOf(key)}unknown key ${JSON.stringify(key)}; the file holds ${known}`)
    }
  }
  return mapKinds(kind => {
    const list = document.get(collections[kind]) ?? []
    if (!Array.isArray(list)) throw new FileFormatError(`${placeOf(collections[kind])}${collections[kind]} must be a list`)
    return list
  })
}

const known = Object.values(collections).join(', ')

function mapKinds<T>(make: (kind: DocumentKind) => T): Record<DocumentKind, T> {
  return Object.fromEntries(documentKinds.map(kind => [kind, make(kind)])) as Record<DocumentKind, T>
}
