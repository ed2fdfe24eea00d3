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

/**
 * The client as it is to be stored: digests in place of keys, the stored digest where an entry names neither, and since when it has the key:
 * with that, another key under the same name is seen to be a change, although neither is shown.
 */
export function withKeptApiKeys(item: Entry, stored: Entry | undefined, now: Date = new Date()): Entry {
  if (!Array.isArray(item.api_keys)) return item
  const known = new Map(entriesOf(stored?.api_keys).map(entry => [entry.id, entry]))
  const toStored = (entry: unknown) =>
    isRecord(entry) ? withDate(withDigest(entry, known.get(entry.id)), entry, known.get(entry.id), now) : entry
  return { ...item, api_keys: item.api_keys.map(toStored) }
}

/** Makes the keys that are still missing. */
export function withMadeKeys(planned: PlannedChange, item: unknown, now: Date = new Date()): PlannedChange {
  const { change } = planned
  if (change.op === 'delete' || !isRecord(item)) return planned
  if (!Array.isArray(item.api_keys)) return { ...planned, change: { ...change, item } }
  const madeKeys = new Map<string, string>()
  const api_keys = item.api_keys.map(entry => {
    if (!isRecord(entry) || typeof entry.id !== 'string' || digestOf(entry) !== undefined) return entry
    const key = makeKey()
    madeKeys.set(entry.id, key)
    return { ...entry, key_sha256: digestOfKey(key), created_at: now.toISOString() }
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

// A digest that is written comes from elsewhere, from an earlier revision for one: so may its date.
function withDate(entry: Entry, { key, created_at: written }: Entry, known: Entry | undefined, now: Date): Entry {
  if (entry.key_sha256 === undefined || !isTaken(written)) return entry
  const { created_at: _written, ...rest } = entry
  if (known !== undefined && digestOf(known) === entry.key_sha256)
    return known.created_at === undefined ? rest : { ...rest, created_at: known.created_at }
  return { ...rest, created_at: key === undefined && written !== undefined ? written : now.toISOString() }
}

// What is no date is for the schema to refuse.
function isTaken(date: unknown): boolean {
  return date === undefined || (typeof date === 'string' && !Number.isNaN(Date.parse(date)))
}

function withDigest(entry: Entry, known: Entry | undefined): Entry {
  const { key, key_sha256 } = entry
  // Both, or what is no key, is for the schema to refuse.
  if (key_sha256 !== undefined || (key !== undefined && !isKey(key))) return entry
  const kept = known && digestOf(known)
  if (key === undefined) return kept === undefined ? entry : { ...entry, key_sha256: kept }
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
