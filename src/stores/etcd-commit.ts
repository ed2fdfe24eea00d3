/** From what is asked for to what is written: ages, and what is replaced. */
import { type Change, type Commit, kinds } from '../core/change.ts'
import { type Precondition, PreconditionError } from '../core/store.ts'
import type { TextBefore, TextChange } from './etcd-codec.ts'
import type { EtcdKeys } from './etcd-keys.ts'
import { get, isCompacted } from './etcd-kv.ts'
import { toSeq } from './etcd-read.ts'
import { type EtcdSpace, type FoundHead, findHead, pageLength, toFoundHead } from './etcd-space.ts'
import { finish, maxTxnChanges, type NextCommit, nextHead, writeCommit } from './etcd-write.ts'
import { maxItemBytes, toItemText } from './item-text.ts'

export interface CommitRequest {
  readonly changes: readonly Change[]
  readonly by: string
  readonly precondition: Precondition | undefined
  /** The life that the revision of the precondition counts in; '' when it is not known. */
  readonly epoch: string
}

/** How long a commit tries anew because others were faster, in milliseconds. */
const patienceMs = 800

/** As `WritableStore.commit`. @returns the epoch of the commit too */
export async function commitChanges(space: EtcdSpace, request: CommitRequest): Promise<{ epoch: string; commit: Commit }> {
  // Every text is made before anything is written: a change that cannot be written leaves no trace of the others.
  const texts = request.changes.map(change => (change.op === 'put' ? toItemText(change.item) : ''))
  const begin = performance.now()
  do {
    const before = await readBefore(space, request.changes)
    const { head, modRevision } = before.found
    if (head?.pending !== undefined) {
      await finish(space, before.found)
      continue
    }
    mustHold(request, before.found)
    const next = plan(space.keys, request, texts, before)
    const commit = await writeCommit(space, next, modRevision)
    if (commit !== undefined) return { epoch: next.head.epoch, commit }
  } while (performance.now() - begin < patienceMs)
  throw new Error('other writers were faster each time')
}

interface Before {
  readonly found: FoundHead
  /** By key of the item. */
  readonly items: ReadonlyMap<string, Buffer>
  /** By key of the age. */
  readonly ages: ReadonlyMap<string, number>
}

function mustHold({ precondition, epoch }: CommitRequest, { head }: FoundHead): void {
  if (precondition === undefined) return
  const isOfThatLife = epoch === '' || epoch === head?.epoch
  const revision = head?.revision ?? 0
  if (precondition.revision !== revision || !isOfThatLife) throw new PreconditionError(revision)
}

function plan(keys: EtcdKeys, { changes, by }: CommitRequest, texts: readonly string[], { found, items, ages }: Before): NextCommit {
  const { head } = found
  let seq = head?.seq ?? 0
  const previous: TextBefore[] = []
  const written = changes.map(({ op, kind, id }, index): TextChange => {
    const value = items.get(keys.item(kind, id))
    // An item put in by hand has no age: it counts as older than all and stays so when it is replaced.
    const age = value && (ages.get(keys.age(kind, id)) ?? 0)
    previous.push(beforeOf(value, age))
    return op === 'delete' ? { op, kind, id } : { op, kind, id, text: texts[index]!, seq: age ?? ++seq }
  })
  return { head: nextHead(head, seq), by, payload: { changes: written, previous } }
}

/** What is remembered of a text that is replaced; one that is too long to be an item is not. */
export function beforeOf(value: Buffer | undefined, seq: number | undefined): TextBefore {
  if (seq === undefined) return null
  return value === undefined || value.length > maxItemBytes ? { seq } : { text: value.toString(), seq }
}

async function readBefore(space: EtcdSpace, changes: readonly Change[]): Promise<Before> {
  if (changes.length > maxTxnChanges) return readAllBefore(space, changes)
  const { kv, keys } = space
  const wanted = changes.map(({ kind, id }) => [keys.item(kind, id), keys.age(kind, id)] as const)
  const { found, etcdRevision } = await kv.read([keys.head, ...wanted.flat()].map(get))
  const entries = new Map(found.slice(1).flatMap(([entry]) => (entry === undefined ? [] : [[entry.key, entry.value]])))
  const items = new Map(wanted.flatMap(([key]) => (entries.has(key) ? [[key, entries.get(key)!]] : [])))
  const ages = new Map(wanted.flatMap(([, key]) => (entries.has(key) ? [[key, toSeq(entries.get(key)!)]] : [])))
  return { found: toFoundHead(found[0]![0], etcdRevision), items, ages }
}

// Of many changes it is fewer questions to read everything.
async function readAllBefore(space: EtcdSpace, changes: readonly Change[]): Promise<Before> {
  const { kv, keys } = space
  while (true) {
    const found = await findHead(space)
    const options = { at: found.etcdRevision, limit: pageLength }
    const items = new Map<string, Buffer>()
    const ages = new Map<string, number>()
    try {
      for (const kind of kinds.filter(kind => changes.some(change => change.kind === kind))) {
        for await (const page of kv.pages(keys.items[kind], options)) for (const { key, value } of page) items.set(key, value)
      }
      for await (const page of kv.pages(keys.ages, options)) for (const { key, value } of page) ages.set(key, toSeq(value))
      return { found, items, ages }
    } catch (error) {
      if (!isCompacted(error)) throw error
    }
  }
}
