/** The items of a file: what each is called, and what is wrong with those that cannot be called anything. */
import { type Change, collections, type DocumentKind } from '../core/change.ts'
import type { ListEdit } from './file-source.ts'
import { depthFault } from './item-text.ts'

/** An item of a list, in its place. */
export interface FileEntry {
  /** Its own; made up when it has none, or one that an earlier item has. No two entries of a kind have the same. */
  readonly id: string
  /** undefined when `fault` is set. */
  readonly item: unknown
  readonly fault?: string
}

/** The entries of one list, in its order. */
export function toEntries(kind: DocumentKind, list: readonly unknown[]): FileEntry[] {
  const taken = new Set(list.map(writtenId))
  const free = (wanted: string): string => {
    let id = wanted
    for (let number = 2; taken.has(id); number += 1) id = `${wanted}~${number}`
    taken.add(id)
    return id
  }
  const seen = new Set<string>()
  return list.map((item, index) => {
    const id = writtenId(item)
    if (id === undefined) {
      return { id: free(`${collections[kind]}.${index}`), item: undefined, fault: 'has no id: an item needs a text as its `id`' }
    }
    if (seen.has(id)) return { id: free(id), item: undefined, fault: `has the same id as an earlier item: ${JSON.stringify(id)}` }
    seen.add(id)
    const fault = depthFault(item)
    return fault === undefined ? { id, item } : { id, item: undefined, fault }
  })
}

/** What has to be edited in a list for the changes of its kind, whose items are objects. A deleted id takes every item with it that is called so. */
export function toEdits(kind: DocumentKind, list: readonly unknown[], changes: readonly Change[]): ListEdit[] {
  const indices = new Map<string, number[]>()
  const add = (id: string, index: number): void => void indices.set(id, [...(indices.get(id) ?? []), index])
  for (const [index, { id }] of toEntries(kind, list).entries()) {
    add(id, index)
    const written = writtenId(list[index])
    if (written !== undefined && written !== id) add(written, index)
  }
  return changes.flatMap((change): ListEdit[] => {
    const [first, ...others] = indices.get(change.id) ?? []
    if (change.op === 'put') {
      const value = withId(change.item, change.id)
      return [first === undefined ? { op: 'append', kind, value } : { op: 'replace', kind, index: first, value }]
    }
    return first === undefined ? [] : [first, ...others].map(index => ({ op: 'remove', kind, index }))
  })
}

function writtenId(item: unknown): string | undefined {
  if (typeof item !== 'object' || item === null || !Object.hasOwn(item, 'id')) return undefined
  const { id } = item as { id: unknown }
  return typeof id === 'string' && id !== '' ? id : undefined
}

// In a file an item is known by its field, so it has one, in its place or in front.
function withId(item: unknown, id: string): object {
  const fields = item as object
  return Object.hasOwn(fields, 'id') ? { ...fields, id } : { id, ...fields }
}
