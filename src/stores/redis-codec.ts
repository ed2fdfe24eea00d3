/** What the scripts answer and what is published, turned into the words of the store. Nothing found in Redis is trusted. */
import { type Commit, type CommittedChange, type ConfigSet, type Kind, kinds, type StoredItem } from '../core/change.ts'
import { depthFault, type ItemReading, readItemText, tooLong } from './item-text.ts'

/** A published or logged commit; `commit` is undefined where only its revision was written because it is large. */
export interface CommitNotice {
  readonly epoch: string
  readonly commit: Commit | undefined
}

/** undefined for a text that no commit of ours wrote. */
export function readNotice(text: string): CommitNotice | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  if (!isRecord(value) || typeof value['epoch'] !== 'string' || !Number.isSafeInteger(value['revision'])) return undefined
  const { epoch, revision, at, by, changes } = value
  if (changes === undefined) return { epoch, commit: undefined }
  if (typeof at !== 'string' || typeof by !== 'string' || !Array.isArray(changes)) return undefined
  const read = changes.map(toChange)
  if (!read.every(change => change !== undefined)) return undefined
  return { epoch, commit: { revision: revision as number, at, by, changes: read } }
}

/** The answer of `redis-load.lua`. @throws when it is not of its form */
export function readConfigSet(answer: unknown): ConfigSet {
  const [revision, epoch, meta, ...hashes] = answer as [string, string, string[], ...(string | null)[][]]
  const seqs = new Map(pairs(meta))
  const items = kinds.flatMap((kind, index) =>
    pairs(hashes[index]!).map(([id, text]) => toItem(kind, id!, text, seqs.get(`${kind}/${id}`)))
  )
  return { revision: toRevision(revision), epoch, items }
}

/** The answer of `redis-log.lua`. `commits` is undefined when one of them is not there whole. @throws when it is not of its form */
export function readLog(answer: unknown): { revision: number; epoch: string; commits: readonly Commit[] | undefined } {
  const [revision, epoch, texts] = answer as [string, string, string[]]
  const commits = texts.map(text => readNotice(text)?.commit)
  return { revision: toRevision(revision), epoch, commits: commits.every(commit => commit !== undefined) ? commits : undefined }
}

function toItem(kind: Kind, id: string, text: string | null, seq: string | undefined): StoredItem {
  const number = Number(seq ?? 0)
  const reading: ItemReading = text === null ? tooLong : readItemText(text)
  return { kind, id, ...reading, seq: Number.isSafeInteger(number) ? number : 0 }
}

function toChange(value: unknown): CommittedChange | undefined {
  if (!isRecord(value)) return undefined
  const { op, id, item, seq } = value
  const kind = kinds.find(name => name === value['kind'])
  if (kind === undefined || typeof id !== 'string') return undefined
  if (op === 'delete') return { op, kind, id }
  if (op !== 'put' || typeof seq !== 'number') return undefined
  const fault = depthFault(item)
  return fault === undefined ? { op, kind, id, item, seq } : { op, kind, id, item: undefined, fault, seq }
}

function toRevision(text: string): number {
  const revision = Number(text)
  if (!Number.isSafeInteger(revision) || revision < 0) throw new Error('the revision in Redis is not a number')
  return revision
}

function pairs<T>(flat: readonly T[]): [T, T][] {
  return Array.from({ length: flat.length / 2 }, (_, index) => [flat[index * 2]!, flat[index * 2 + 1]!])
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
