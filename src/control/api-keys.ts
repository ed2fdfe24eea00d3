/** The API keys of clients as they are written: what is stored of them, what is shown, and what is made. */
import { randomBytes } from 'node:crypto'
import { digestOfKey } from './compile-client.ts'
import { isRecord } from './is-record.ts'
import type { PlannedChange } from './planned-change.ts'

type Entry = Record<string, unknown>

/** 256 random bits, with what tells a reader (and a scanner for leaked secrets) what it is. */
function makeKey(): string {
  return `slk_${randomBytes(32).toString('base64url')}`
}

/** The client as it is to be stored: digests in place of keys, and the stored digest where an entry names neither. */
export function withKeptApiKeys(item: Entry, stored: Entry | undefined): Entry {
  if (!Array.isArray(item.api_keys)) return item
  const known = new Map(entriesOf(stored?.api_keys).map(entry => [entry.id, digestOf(entry)]))
  return { ...item, api_keys: item.api_keys.map(entry => (isRecord(entry) ? withDigest(entry, known.get(entry.id)) : entry)) }
}

/** Makes the keys that are still missing. */
export function withMadeKeys(planned: PlannedChange, item: unknown): PlannedChange {
  const { change } = planned
  if (change.op === 'delete' || !isRecord(item)) return planned
  if (!Array.isArray(item.api_keys)) return { ...planned, change: { ...change, item } }
  const madeKeys = new Map<string, string>()
  const api_keys = item.api_keys.map(entry => {
    if (!isRecord(entry) || typeof entry.id !== 'string' || digestOf(entry) !== undefined) return entry
    const key = makeKey()
    madeKeys.set(entry.id, key)
    return { ...entry, key_sha256: digestOfKey(key) }
  })
  return { ...planned, change: { ...change, item: { ...item, api_keys } }, madeKeys }
}

/** Whether two versions of a client, as written, differ in their keys. */
export function changesKeys(before: unknown, after: unknown): boolean {
  const digestsOf = (item: unknown) =>
    new Map(entriesOf(isRecord(item) ? item.api_keys : undefined).map(entry => [entry.id, digestOf(entry)]))
  const [old, now] = [digestsOf(before), digestsOf(after)]
  return old.size !== now.size || [...now].some(([id, digest]) => old.get(id) !== digest)
}

/** The client with the keys that were made for it, for the one who wrote it. */
export function withShownKeys<T extends object>(item: T, madeKeys: ReadonlyMap<string, string> | undefined): T {
  if (madeKeys === undefined || madeKeys.size === 0) return item
  const api_keys = entriesOf((item as Entry).api_keys).map(entry => {
    const key = madeKeys.get(entry.id as string)
    return key === undefined ? entry : { ...entry, key }
  })
  return { ...item, api_keys }
}

/** The client in a form that may be shown. */
export function withoutApiKeys(item: Entry): Entry {
  if (!Array.isArray(item.api_keys)) return item
  return { ...item, api_keys: item.api_keys.map(entry => (isRecord(entry) ? withoutKey(entry) : entry)) }
}

function withDigest(entry: Entry, known: unknown): Entry {
  const { key, key_sha256 } = entry
  // Both, or what is no key, is for the schema to refuse.
  if (key_sha256 !== undefined || (key !== undefined && !isKey(key))) return entry
  if (key === undefined) return known === undefined ? entry : { ...entry, key_sha256: known }
  return { ...withoutKey(entry), key_sha256: digestOfKey(key as string) }
}

// What the schema takes: anything else is refused as it was written.
function isKey(value: unknown): boolean {
  return typeof value === 'string' && /^[\x21-\x7e]{16,256}$/.test(value)
}

function digestOf({ key, key_sha256 }: Entry): unknown {
  return key_sha256 ?? (typeof key === 'string' ? digestOfKey(key) : undefined)
}

function entriesOf(list: unknown): readonly Entry[] {
  return Array.isArray(list) ? list.filter(isRecord) : []
}

function withoutKey({ key: _key, key_sha256: _digest, ...rest }: Entry): Entry {
  return rest
}
