/**
 * The last good configuration on disk, so that a gateway starts without its store. One JSON value a line: a head, the items, and a foot
 * with the digest of all that stands before it. A file that is not whole, or of another format, is set aside and never obeyed.
 */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, open, readdir, rename, stat, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setImmediate } from 'node:timers/promises'
import { type ConfigSet, kinds, type StoredItem } from '../core/change.ts'
import { toConfigSet } from './config-set.ts'

const format = 'sluice-last-good-1'
/** So many items are written before other work gets its turn. */
const batch = 200

/** What a file was found to hold. */
export type LastGoodRead =
  | { readonly found: 'nothing' }
  | { readonly found: 'configuration'; readonly set: ConfigSet /** RFC 3339 */; readonly savedAt: string }
  /** `aside` is the name it was given, next to where it was. */
  | { readonly found: 'damage'; readonly reason: string; readonly aside: string }

/** What is written: a `ConfigSet` whose items may come from anywhere. */
export interface LastGoodSet {
  readonly revision: number
  readonly epoch: string
  readonly head?: string | undefined
  readonly items: Iterable<StoredItem>
}

export class LastGoodFile {
  readonly #folder: string
  readonly #name: string
  readonly #store: string

  /**
   * @param folder where the file is kept; made when it is written first
   * @param store names the store, without secrets: files of different stores never mix
   */
  constructor(folder: string, store: string) {
    this.#folder = folder
    this.#store = store
    this.#name = `last-good-${createHash('sha256').update(store).digest('hex').slice(0, 12)}.ndjson`
  }

  get path(): string {
    return join(this.#folder, this.#name)
  }

  /** Never rejects for what the file holds; rejects when it is there and cannot be read at all. */
  async read(): Promise<LastGoodRead> {
    try {
      await stat(this.path)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { found: 'nothing' }
      throw error
    }
    try {
      return { found: 'configuration', ...(await this.#parse()) }
    } catch (error) {
      const aside = `${this.#name}.damaged-${Date.now()}`
      await rename(this.path, join(this.#folder, aside))
      return { found: 'damage', reason: (error as Error).message, aside }
    }
  }

  /** Replaces the file: whole or not at all, also when the process is killed or the disk is full. Gives way to other work as it goes. */
  async write(set: LastGoodSet): Promise<void> {
    await mkdir(this.#folder, { recursive: true })
    const temporary = `${this.path}.${process.pid}.tmp`
    try {
      await this.#writeAll(temporary, set)
      await rename(temporary, this.path)
    } catch (error) {
      await unlink(temporary).catch(() => {})
      throw error
    }
    await this.#syncFolder()
  }

  /** Removes what killed writers left behind. */
  async sweep(): Promise<void> {
    const names = await readdir(this.#folder).catch(() => [])
    const left = names.filter(name => name.startsWith(`${this.#name}.`) && name.endsWith('.tmp'))
    for (const name of left) if (!isRunning(Number(name.split('.').at(-2)))) await unlink(join(this.#folder, name)).catch(() => {})
  }

  async #writeAll(path: string, { revision, epoch, head, items }: LastGoodSet): Promise<void> {
    // The items may hold what is nobody else's business: for the owner only.
    await using file = await open(path, 'w', 0o600)
    const hash = createHash('sha256')
    let text = `${JSON.stringify({ format, store: this.#store, epoch, revision, head, saved_at: new Date().toISOString() })}\n`
    let count = 0
    for (const { kind, id, item, seq } of items) {
      text += `${JSON.stringify({ kind, id, item, seq })}\n`
      if (++count % batch !== 0) continue
      hash.update(text)
      await file.write(text)
      text = ''
      await setImmediate()
    }
    hash.update(text)
    await file.write(`${text}${JSON.stringify({ count, sha256: hash.digest('hex') })}\n`)
    await file.sync()
  }

  async #parse(): Promise<{ set: ConfigSet; savedAt: string }> {
    const hash = createHash('sha256')
    const items: StoredItem[] = []
    let head: Record<string, unknown> | undefined
    let last: string | undefined
    const input = createReadStream(this.path)
    for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
      if (last !== undefined) {
        hash.update(`${last}\n`)
        if (head === undefined) head = readHead(last, this.#store)
        else items.push(readItem(last))
      }
      last = line
    }
    if (head === undefined || last === undefined) throw new Error('it is not whole')
    const foot = JSON.parse(last) as { count?: unknown; sha256?: unknown }
    if (foot.count !== items.length || foot.sha256 !== hash.digest('hex')) throw new Error('it is not whole')
    const commitAt = typeof head.head === 'string' ? head.head : undefined
    return { set: toConfigSet(head.revision as number, head.epoch as string, commitAt, items), savedAt: String(head.saved_at) }
  }

  // Makes the rename itself durable where the file system can.
  async #syncFolder(): Promise<void> {
    try {
      await using folder = await open(this.#folder, 'r')
      await folder.sync()
    } catch {
      // As durable as the file system makes it.
    }
  }
}

function readHead(line: string, store: string): Record<string, unknown> {
  const head = JSON.parse(line) as Record<string, unknown>
  if (head.format !== format) throw new Error(`it is not of the format ${format}`)
  if (head.store !== store) throw new Error('it is of another store')
  if (!Number.isSafeInteger(head.revision) || typeof head.epoch !== 'string') throw new Error('its head is not complete')
  return head
}

function readItem(line: string): StoredItem {
  const { kind, id, item, seq } = JSON.parse(line) as StoredItem
  if (!kinds.includes(kind) || typeof id !== 'string' || typeof seq !== 'number') throw new Error('an item is not complete')
  return { kind, id, item, seq }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
