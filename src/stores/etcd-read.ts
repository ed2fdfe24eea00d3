/** Reading the store: everything, its log, its history. */
import { type Commit, type ConfigSet, kinds, type StoredItem } from '../core/change.ts'
import { type EtcdEntry, isCompacted, type KeyRange } from '../etcd/etcd-kv.ts'
import { toConfigSet } from './config-set.ts'
import { type LogEntry, readLogEntry, readText, type TextChange, toCommit, toHistoryCommit } from './etcd-codec.ts'
import { type EtcdSpace, findHead, readBlob } from './etcd-space.ts'

/** How often a reading begins anew because etcd compacted away what was being read. */
const maxAttempts = 5

/** As `Store.load`. */
export async function readSet(space: EtcdSpace): Promise<ConfigSet> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await readSetOnce(space)
    } catch (error) {
      if (!isCompacted(error) || attempt === maxAttempts) throw error
    }
  }
}

async function readSetOnce(space: EtcdSpace): Promise<ConfigSet> {
  const { kv, keys } = space
  const { head, modRevision, etcdRevision: at } = await findHead(space)
  const read = async (range: KeyRange): Promise<EtcdEntry[]> => {
    const entries: EtcdEntry[] = []
    for await (const page of kv.pages(range, { at })) entries.push(...page)
    return entries
  }
  const [ages, ...lists] = await Promise.all([read(keys.ages), ...kinds.map(kind => read(keys.items[kind]))])
  const seqs = new Map(ages!.map(({ key, value }) => [key, toSeq(value)]))
  const items = new Map<string, StoredItem>()
  for (const { key, value } of lists.flat()) {
    const { kind, id } = keys.itemOf(key)!
    items.set(key, { kind, id, ...readText(value.toString()), seq: seqs.get(keys.age(kind, id)) ?? 0 })
  }
  if (head?.pending !== undefined) {
    const payload = await readBlob(space, head.pending.blob)
    // It was put in place meanwhile. Where it was not, and is gone, the items are what there is.
    if (payload === undefined && (await findHead(space)).modRevision !== modRevision) return readSetOnce(space)
    if (payload !== undefined && head.pending.replace) items.clear()
    for (const change of payload?.changes ?? []) overlay(items, keys.item(change.kind, change.id), change)
  }
  return toConfigSet(head?.revision ?? 0, head?.epoch ?? '', head?.at, items.values())
}

function overlay(items: Map<string, StoredItem>, key: string, change: TextChange): void {
  if (change.op === 'delete') items.delete(key)
  else items.set(key, { kind: change.kind, id: change.id, ...readText(change.text), seq: change.seq })
}

export function toSeq(value: Buffer): number {
  const seq = Number(value.toString())
  return Number.isSafeInteger(seq) ? seq : 0
}

/** What the log says: where the store is, and the entries from `revision` on as far as they are there. */
export async function readLogFrom(space: EtcdSpace, revision: number): Promise<{ epoch: string; revision: number; entries: LogEntry[] }> {
  const { kv, keys } = space
  const { head, etcdRevision: at } = await findHead(space)
  const entries: LogEntry[] = []
  for await (const page of kv.pages({ from: keys.log(revision), to: keys.logs.to }, { at, limit: 50 })) {
    entries.push(...page.flatMap(({ value }) => readLogEntry(value) ?? []))
  }
  return { epoch: head?.epoch ?? '', revision: head?.revision ?? 0, entries }
}

/** The commit of an entry, or undefined when the store does not have it whole (any more). */
export async function readCommitOf(space: EtcdSpace, entry: LogEntry): Promise<Commit | undefined> {
  const payload = await payloadOf(space, entry)
  return payload === undefined ? undefined : toCommit(entry, payload)
}

/** As `HistoryStore.history`. */
export async function readHistory(
  space: EtcdSpace,
  { before, limit }: { readonly before?: number; readonly limit: number }
): Promise<readonly Commit[]> {
  const { kv, keys } = space
  const { head } = await findHead(space)
  const commits: Commit[] = []
  let to = before === undefined ? keys.logs.to : keys.log(before)
  while (commits.length < limit) {
    const page = await kv.range({ from: keys.logs.from, to }, { limit: Math.min(limit, 50), newestFirst: true })
    for (const { value } of page) {
      const entry = readLogEntry(value)
      // Of another life, or not known whole: a gap in the history.
      const payload = entry?.epoch === head?.epoch && entry !== undefined ? await payloadOf(space, entry) : undefined
      if (payload !== undefined && commits.length < limit) commits.push(toHistoryCommit(entry!, payload))
    }
    if (page.length === 0) break
    to = page.at(-1)!.key
  }
  return commits
}

async function payloadOf(space: EtcdSpace, { payload, blob }: LogEntry): Promise<LogEntry['payload']> {
  return payload ?? (blob === undefined ? undefined : readBlob(space, blob))
}
