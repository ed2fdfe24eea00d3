/** From what is asked for to what is written: ages, and what is replaced. */
import type { Change, Commit } from '../core/change.ts'
import { type Precondition, PreconditionError } from '../core/store.ts'
import { get, isCompacted } from '../etcd/etcd-kv.ts'
import type { TextBefore, TextChange } from './etcd-codec.ts'
import type { EtcdKeys } from './etcd-keys.ts'
import { toSeq } from './etcd-read.ts'
import { type EtcdSpace, type FoundHead, toFoundHead } from './etcd-space.ts'
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
    const before = await readBefore(space, request.changes).catch(unlessCompacted)
    if (before === undefined) continue
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

/** What was being read is compacted away: read again. */
function unlessCompacted(error: unknown): undefined {
  if (!isCompacted(error)) throw error
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

/** How many questions of a large commit are asked at once. */
const questions = 4

async function readBefore(space: EtcdSpace, changes: readonly Change[]): Promise<Before> {
  const { kv, keys } = space
  const wanted = changes.map(({ kind, id }) => [keys.item(kind, id), keys.age(kind, id)] as const)
  const first = await kv.read([keys.head, ...wanted.slice(0, maxTxnChanges).flat()].map(key => get(key)))
  const entries = first.found.slice(1).flat()
  const at = first.etcdRevision
  for (let from = maxTxnChanges; from < wanted.length; from += questions * maxTxnChanges) {
    const batches = Array.from({ length: questions }, (_, index) =>
      wanted.slice(from + index * maxTxnChanges, from + (index + 1) * maxTxnChanges)
    )
    const asked = batches.filter(batch => batch.length > 0).map(batch => kv.read(batch.flat().map(key => get(key, at))))
    for (const { found } of await Promise.all(asked)) entries.push(...found.flat())
  }
  const values = new Map(entries.map(({ key, value }) => [key, value]))
  const items = new Map(wanted.flatMap(([key]) => (values.has(key) ? [[key, values.get(key)!]] : [])))
  const ages = new Map(wanted.flatMap(([, key]) => (values.has(key) ? [[key, toSeq(values.get(key)!)]] : [])))
  return { found: toFoundHead(first.found[0]![0], at), items, ages }
}
