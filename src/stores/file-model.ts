import { isDeepStrictEqual } from 'node:util'
import { type Change, type CommittedChange, documentKinds, type StoredItem } from '../core/change.ts'
import { toEdits, toEntries } from './file-entries.ts'
import { assignSeqs } from './file-order.ts'
import { editSource, type FileFormat, type FileSource, type Lists } from './file-source.ts'

/** A new text, and all that differs by it. */
export interface FileEdit {
  readonly text: string
  readonly changes: readonly CommittedChange[]
}

interface Content {
  readonly text: string
  readonly source: FileSource
  readonly items: ReadonlyMap<string, StoredItem>
}

/**
 * What a configuration file holds, as items with an age, and what differs from one text to the next. It works on texts only and can
 * take a while (0.1 ms per item of YAML), so it lives in a thread of its own (`file-worker.ts`).
 */
export class FileModel {
  readonly #format: FileFormat
  #items: ReadonlyMap<string, StoredItem>
  #current: Content | undefined
  #edited: Content | undefined
  #highest = 0

  /** @param items what an earlier model held, whose ages go on; empty for a new one. */
  constructor(format: FileFormat, items: readonly StoredItem[] = []) {
    this.#format = format
    this.#items = new Map()
    this.#keep(new Map(items.map(item => [keyOf(item), item])))
  }

  /** Takes the text as what the file holds now. @returns what differs from before @throws {FileFormatError} and keeps what was */
  read(text: string): CommittedChange[] {
    const before = this.#items
    const { items } = this.#take(text)
    return difference(before, items)
  }

  /** The text after the changes. It changes nothing here: whoever writes it to the file then reads it. @throws when it cannot be done */
  edit(text: string, changes: readonly Change[]): FileEdit {
    const current = this.#take(text)
    const edits = documentKinds.flatMap(kind => {
      const own = changes.filter(change => change.kind === kind)
      return toEdits(kind, current.source.lists[kind], own)
    })
    const edited = editSource(this.#format, current.source, edits)
    const items = this.#toItems(edited.source.lists)
    this.#edited = { ...edited, items }
    const asked = changes.map(change => toCommitted(change, items))
    const askedKeys = new Set(changes.map(keyOf))
    // Items without a good id are called by their place, which may move.
    const moved = difference(current.items, items).filter(change => !askedKeys.has(keyOf(change)))
    return { text: edited.text, changes: [...asked, ...moved] }
  }

  #take(text: string): Content {
    if (this.#current?.text === text) return this.#current
    // What was edited here need not be parsed again.
    const content = this.#edited?.text === text ? this.#edited : this.#parse(text)
    this.#edited = undefined
    this.#current = content
    this.#keep(content.items)
    return content
  }

  #parse(text: string): Content {
    const source = this.#format(text)
    return { text, source, items: this.#toItems(source.lists) }
  }

  #keep(items: ReadonlyMap<string, StoredItem>): void {
    this.#items = items
    for (const { seq } of items.values()) this.#highest = Math.max(this.#highest, seq)
  }

  #toItems(lists: Lists): Map<string, StoredItem> {
    const items = new Map<string, StoredItem>()
    for (const kind of documentKinds) {
      const entries = toEntries(kind, lists[kind])
      const own = [...this.#items.values()].filter(item => item.kind === kind)
      const seqs = assignSeqs(
        entries.map(({ id }) => id),
        new Map(own.map(({ id, seq }) => [id, seq])),
        this.#highest
      )
      for (const [index, entry] of entries.entries()) {
        const item: StoredItem = { kind, ...entry, seq: seqs[index]! }
        items.set(keyOf(item), item)
      }
    }
    return items
  }
}

function keyOf({ kind, id }: Pick<StoredItem, 'kind' | 'id'>): string {
  return `${kind}/${id}`
}

function toCommitted({ op, kind, id }: Change, items: ReadonlyMap<string, StoredItem>): CommittedChange {
  const item = items.get(keyOf({ kind, id }))
  // A made-up id may be that of the next item once its own is deleted.
  if (item !== undefined) return { op: 'put', ...item }
  if (op === 'put') throw new Error(`${id} is not in the edited text`)
  return { op, kind, id }
}

function difference(before: ReadonlyMap<string, StoredItem>, after: ReadonlyMap<string, StoredItem>): CommittedChange[] {
  const deletes = [...before.values()].filter(item => !after.has(keyOf(item))).map(({ kind, id }) => ({ op: 'delete', kind, id }) as const)
  const puts = [...after.values()]
    .filter(item => !isDeepStrictEqual(before.get(keyOf(item)), item))
    .map(item => ({ op: 'put', ...item }) as const)
  return [...deletes, ...puts]
}
