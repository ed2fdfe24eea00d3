/**
 * Edits by hand: what a person or a tool put or deleted with `etcdctl` becomes a commit, made by whichever instance is first. An item's age is
 * written with every commit of the item, so an item that is newer than its age, or an age without an item, is such an edit.
 */
import { type Kind, kinds } from '../core/change.ts'
import { type EtcdEntry, get, isAt, isCompacted, put, remove } from '../etcd/etcd-kv.ts'
import type { LogEntry, TextBefore, TextChange } from './etcd-codec.ts'
import { beforeOf } from './etcd-commit.ts'
import { toSeq } from './etcd-read.ts'
import { type EtcdSpace, type FoundHead, toFoundHead } from './etcd-space.ts'
import { finish, maxTxnChanges, nextHead, pruneOps } from './etcd-write.ts'
import { maxItemBytes } from './item-text.ts'

/** An item that may have been edited by hand. */
export interface Suspect {
  readonly kind: Kind
  readonly id: string
}

/** How many at a time: each is read and written with two steps, and compared with one. */
export const maxSuspects = maxTxnChanges
/** A commit with more text than this is logged without it. */
const maxLoggedBytes = 1024 * 1024
const maxAttempts = 20

interface Edit {
  readonly change: TextChange
  readonly before: TextBefore
  /** 0 when it was deleted. */
  readonly modRevision: number
}

/**
 * Makes a commit by `by` of those of `suspects` that are edits by hand, at most `maxSuspects`. It does nothing in a store without an epoch: that one is
 * new or lost its data, and nothing but a person may decide which.
 */
export async function adopt(space: EtcdSpace, suspects: readonly Suspect[], by: string): Promise<void> {
  for (let attempt = 1; attempt <= maxAttempts; attempt += 1) {
    const { found, edits, seq } = await readEdits(space, suspects)
    if (found.head?.pending !== undefined) await finish(space, found)
    else if (edits.length === 0 || (await writeEdits(space, found, edits, seq, by))) return
  }
}

/** @returns the edits among the suspects, and the age given out last after them */
async function readEdits(space: EtcdSpace, suspects: readonly Suspect[]): Promise<{ found: FoundHead; edits: Edit[]; seq: number }> {
  const { kv, keys } = space
  const wanted = [keys.head, ...suspects.flatMap(({ kind, id }) => [keys.item(kind, id), keys.age(kind, id)])]
  const { found, etcdRevision } = await kv.read(wanted.map(key => get(key)))
  const foundHead = toFoundHead(found[0]![0], etcdRevision)
  const edits: Edit[] = []
  let seq = foundHead.head?.seq ?? 0
  for (const [index, suspect] of suspects.entries()) {
    const [item, age] = [found[1 + 2 * index]![0], found[2 + 2 * index]![0]]
    const isCommitted = item === undefined ? age === undefined : age !== undefined && age.modRevision >= item.modRevision
    if (foundHead.head !== undefined && !isCommitted) edits.push(await toEdit(space, suspect, item, age, () => ++seq))
  }
  return { found: foundHead, edits, seq }
}

/** Unless a commit or another edit was faster. */
async function writeEdits(space: EtcdSpace, found: FoundHead, edits: readonly Edit[], seq: number, by: string): Promise<boolean> {
  const { kv, keys } = space
  const head = nextHead(found.head, seq)
  const payload = { changes: edits.map(({ change }) => change), previous: edits.map(({ before }) => before) }
  const entry: LogEntry = { epoch: head.epoch, revision: head.revision, at: head.at, by }
  const logged = JSON.stringify({ ...entry, payload } satisfies LogEntry)
  const isUnchanged = edits.map(({ change, modRevision }) => isAt(keys.item(change.kind, change.id), modRevision))
  const ops = [
    put(keys.head, JSON.stringify(head)),
    put(keys.log(head.revision), Buffer.byteLength(logged) > maxLoggedBytes ? JSON.stringify(entry) : logged),
    ...edits.map(({ change }) => ageOp(space, change)),
    ...pruneOps(space, head.revision)
  ]
  return (await kv.txn([isAt(keys.head, found.modRevision), ...isUnchanged], ops)).succeeded
}

/** Everything that may have been edited by hand while nobody watched. */
export async function findSuspects({ kv, keys }: EtcdSpace): Promise<Suspect[]> {
  const ages = new Map<string, number>()
  const options = { keysOnly: true }
  for await (const page of kv.pages(keys.ages, options)) for (const { key, modRevision } of page) ages.set(key, modRevision)
  const suspects: Suspect[] = []
  for (const kind of kinds) {
    for await (const page of kv.pages(keys.items[kind], options)) {
      for (const { key, modRevision } of page) {
        const { id } = keys.itemOf(key)!
        if ((ages.get(keys.age(kind, id)) ?? 0) < modRevision) suspects.push({ kind, id })
        ages.delete(keys.age(kind, id))
      }
    }
  }
  const left = [...ages.keys()].flatMap(key => keys.itemOfAge(key) ?? [])
  return [...suspects, ...left]
}

async function toEdit(
  space: EtcdSpace,
  { kind, id }: Suspect,
  item: EtcdEntry | undefined,
  age: EtcdEntry | undefined,
  nextSeq: () => number
): Promise<Edit> {
  const seq = age === undefined ? undefined : toSeq(age.value)
  const before = beforeOf(age && (await valueAt(space, space.keys.item(kind, id), item?.modRevision, age)), seq)
  if (item === undefined) return { change: { op: 'delete', kind, id }, before, modRevision: 0 }
  const text = item.value.length > maxItemBytes ? {} : { text: item.value.toString() }
  return { change: { op: 'put', kind, id, ...text, seq: seq ?? nextSeq() }, before, modRevision: item.modRevision }
}

/** What the item was before the edit, as far as etcd still knows it. */
async function valueAt({ kv }: EtcdSpace, key: string, editedAt: number | undefined, age: EtcdEntry): Promise<Buffer | undefined> {
  try {
    const [entry] = await kv.range({ from: key, to: `${key}\0` }, { at: editedAt === undefined ? age.modRevision : editedAt - 1 })
    return entry?.value
  } catch (error) {
    if (isCompacted(error)) return undefined
    throw error
  }
}

function ageOp({ keys }: EtcdSpace, change: TextChange): ReturnType<typeof put> {
  const { kind, id } = change
  return change.op === 'delete' ? remove(keys.age(kind, id)) : put(keys.age(kind, id), String(change.seq))
}
