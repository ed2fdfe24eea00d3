/**
 * Writing the store. etcd takes 128 steps and 1.5 MiB in one transaction: a commit that fits is one. A larger one is put beside the items first, as
 * a blob; then one small transaction makes it the head, from which moment every reader sees all of it; then its items are put in place, in parts,
 * by whoever comes by until it is done.
 */
import { randomUUID } from 'node:crypto'
import { type Commit, type ConfigSet, kinds } from '../core/change.ts'
import { below, type EtcdOp, isAt, put, remove, removeRange } from '../etcd/etcd-kv.ts'
import type { EtcdHead, LogEntry, Payload, TextChange } from './etcd-codec.ts'
import { toCommit } from './etcd-codec.ts'
import { padded } from './etcd-keys.ts'
import { type EtcdSpace, type FoundHead, readBlob } from './etcd-space.ts'
import { toItemText } from './item-text.ts'

/** How many changes, each of two steps, go into one transaction beside what every commit writes. */
export const maxTxnChanges = 60
/** How many bytes of items and log go into one transaction. */
const maxTxnBytes = 1024 * 1024
/** How many transactions are under way at once. */
const parallel = 4
/** The length of a part of a blob. */
const partBytes = 1024 * 1024

/** What a commit is made of. */
export interface NextCommit {
  readonly head: EtcdHead
  readonly by: string
  readonly payload: Payload
}

/** The head after a commit to `before`. */
export function nextHead(before: EtcdHead | undefined, seq: number): EtcdHead {
  return {
    epoch: before?.epoch ?? randomUUID(),
    revision: (before?.revision ?? 0) + 1,
    seq,
    at: new Date().toISOString()
  }
}

/** Makes the commit, unless the head is not at `modRevision` any more. @returns undefined then */
export async function writeCommit(space: EtcdSpace, next: NextCommit, modRevision: number): Promise<Commit | undefined> {
  const { head, by, payload } = next
  const entry: LogEntry = { epoch: head.epoch, revision: head.revision, at: head.at, by }
  const logged = JSON.stringify({ ...entry, payload } satisfies LogEntry)
  const bytes = payload.changes.reduce((sum, change) => sum + textBytes(change), Buffer.byteLength(logged))
  const isSmall = payload.changes.length <= maxTxnChanges && bytes <= maxTxnBytes
  const isMade = isSmall ? await writeAtOnce(space, next, logged, modRevision) : await writeInParts(space, next, entry, modRevision)
  return isMade ? toCommit(entry, payload) : undefined
}

/** Puts the items of a commit that is in force in place. Harmless when others do so too, or have done so, or when its blob was lost. */
export async function finish(space: EtcdSpace, { head, modRevision }: FoundHead): Promise<void> {
  if (head?.pending === undefined) return
  const { kv, keys } = space
  const { pending, ...settled } = head
  const payload = await readBlob(space, pending.blob)
  const stillPending = [isAt(keys.head, modRevision)]
  const filling = put(keys.filling, pending.blob)
  if (payload !== undefined && pending.replace) {
    const ranges = [...kinds.map(kind => keys.items[kind]), keys.ages]
    if (!(await kv.txn(stillPending, [...ranges.map(removeRange), filling])).succeeded) return
  }
  const all = [...batches(payload?.changes ?? [])]
  for (let from = 0; from < all.length; from += parallel) {
    const some = all.slice(from, from + parallel)
    const results = await Promise.all(
      some.map(batch => kv.txn(stillPending, [...batch.flatMap(change => itemOps(space, change)), filling]))
    )
    if (!results.every(({ succeeded }) => succeeded)) return
  }
  const drop = pending.drop ? [removeRange(below(keys.blob(pending.blob)))] : []
  await kv.txn(stillPending, [put(keys.head, JSON.stringify(settled)), ...drop])
}

/** As `ReseedableStore.reseed`, on a store of another life or of none. @returns undefined when the head is not at `modRevision` any more */
export async function writeReseed(space: EtcdSpace, set: ConfigSet, by: string, modRevision: number): Promise<Commit | undefined> {
  const { kv, keys } = space
  const items = set.items.filter(({ fault }) => fault === undefined)
  const changes = items.map(({ kind, id, item, seq }): TextChange => ({ op: 'put', kind, id, text: toItemText(item), seq }))
  const seq = items.reduce((largest, item) => Math.max(largest, item.seq), 0)
  const { at } = nextHead(undefined, seq)
  const blob = newBlob(set.revision + 1)
  await writeBlob(space, blob, Buffer.from(JSON.stringify({ changes, previous: changes.map(() => null) } satisfies Payload)))
  const head: EtcdHead = { epoch: set.epoch, revision: set.revision + 1, seq, at, pending: { blob, replace: true, drop: true } }
  const entry: LogEntry = { epoch: set.epoch, revision: head.revision, at, by, payload: { changes: [], previous: [] } }
  // The log knows the commit before, so that whoever is there can go on from it.
  const base = set.head === undefined ? undefined : { epoch: set.epoch, revision: set.revision, at: set.head, by }
  const own = below(keys.blob(blob))
  const ops = [
    put(keys.head, JSON.stringify(head)),
    put(keys.log(head.revision), JSON.stringify(entry)),
    base === undefined ? remove(keys.log(set.revision)) : put(keys.log(set.revision), JSON.stringify(base satisfies LogEntry)),
    removeRange({ from: keys.logs.from, to: keys.log(set.revision) }),
    removeRange({ from: keys.log(set.revision + 2), to: keys.logs.to }),
    removeRange({ from: keys.blobs.from, to: own.from }),
    removeRange({ from: own.to, to: keys.blobs.to })
  ]
  const { succeeded } = await kv.txn([isAt(keys.head, modRevision)], ops)
  return succeeded ? toCommit(entry, entry.payload!) : undefined
}

/** The log and its blobs are kept for so many commits. */
export function pruneOps({ keys, logLength }: EtcdSpace, revision: number): EtcdOp[] {
  const oldest = revision - logLength + 1
  if (oldest <= 0) return []
  return [
    removeRange({ from: keys.logs.from, to: keys.log(oldest) }),
    removeRange({ from: keys.blobs.from, to: keys.blobs.from + padded(oldest) })
  ]
}

async function writeAtOnce(space: EtcdSpace, { head, payload }: NextCommit, logged: string, modRevision: number): Promise<boolean> {
  const { kv, keys } = space
  const ops = [
    put(keys.head, JSON.stringify(head)),
    put(keys.log(head.revision), logged),
    ...payload.changes.flatMap(change => itemOps(space, change)),
    ...pruneOps(space, head.revision)
  ]
  return (await kv.txn([isAt(keys.head, modRevision)], ops)).succeeded
}

async function writeInParts(space: EtcdSpace, { head, payload }: NextCommit, entry: LogEntry, modRevision: number): Promise<boolean> {
  const { kv, keys } = space
  const blob = newBlob(head.revision)
  const parts = await writeBlob(space, blob, Buffer.from(JSON.stringify(payload)))
  const drop = parts > space.logParts / 4
  const pending: EtcdHead = { ...head, pending: { blob, replace: false, drop } }
  const ops = [
    put(keys.head, JSON.stringify(pending)),
    put(keys.log(head.revision), JSON.stringify({ ...entry, ...(drop ? {} : { blob }) } satisfies LogEntry)),
    ...pruneOps(space, head.revision)
  ]
  const { succeeded, etcdRevision } = await kv.txn([isAt(keys.head, modRevision)], ops)
  if (!succeeded) {
    await kv.txn([], [removeRange(below(keys.blob(blob)))])
    return false
  }
  // The commit is made: that its items are in place is for the next one to see to when it fails here.
  await finish(space, { head: pending, modRevision: etcdRevision, etcdRevision })
    .then(() => makeRoom(space))
    .catch(() => {})
  return true
}

async function writeBlob({ kv, keys }: EtcdSpace, blob: string, bytes: Buffer): Promise<number> {
  const count = Math.ceil(bytes.length / partBytes)
  for (let part = 0; part < count; part += 1) {
    await kv.txn([], [put(keys.blob(blob) + padded(part), bytes.subarray(part * partBytes, (part + 1) * partBytes))])
  }
  return count
}

/** Large commits must not fill etcd: the older ones make room. */
async function makeRoom({ kv, keys, logParts }: EtcdSpace): Promise<void> {
  const parts = await kv.range(keys.blobs, { keysOnly: true, newestFirst: true })
  const oldest = parts[logParts]
  if (oldest !== undefined) await kv.txn([], [removeRange({ from: keys.blobs.from, to: `${oldest.key}\0` })])
}

/** The beginning says which commit it belongs to, so that what was never used goes with the log. */
function newBlob(revision: number): string {
  return `${padded(revision)}/${randomUUID()}`
}

export function itemOps({ keys }: EtcdSpace, change: TextChange): EtcdOp[] {
  const { kind, id } = change
  if (change.op === 'delete') return [remove(keys.item(kind, id)), remove(keys.age(kind, id))]
  return [put(keys.item(kind, id), change.text ?? ''), put(keys.age(kind, id), String(change.seq))]
}

function* batches(changes: readonly TextChange[]): Generator<readonly TextChange[]> {
  let batch: TextChange[] = []
  let bytes = 0
  for (const change of changes) {
    const size = textBytes(change)
    if (batch.length === maxTxnChanges || (batch.length > 0 && bytes + size > maxTxnBytes)) {
      yield batch
      batch = []
      bytes = 0
    }
    batch.push(change)
    bytes += size
  }
  if (batch.length > 0) yield batch
}

/** What a change adds to a transaction, beside the log. */
function textBytes(change: TextChange): number {
  return Buffer.byteLength(change.id) + (change.op === 'put' ? Buffer.byteLength(change.text ?? '') : 0)
}
