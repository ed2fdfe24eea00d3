/** What the scripts answer and what is published, turned into the words of the store. Nothing found in Redis is trusted. */
import { type Commit, type CommittedChange, type ConfigSet, type Kind, kinds, type StoredItem } from '../core/change.ts'
import type { StorePosition } from '../core/store.ts'
import { toConfigSet } from './config-set.ts'
import { depthFault, type ItemReading, readItemText, tooLong } from './item-text.ts'

/** A published or logged commit; `commit` is undefined where only its revision was written because it is large. */
export interface CommitNotice {
  readonly epoch: string
  readonly commit: Commit | undefined
}

/** undefined for a text that no commit of ours wrote. */
export function readNotice(text: string): CommitNotice | undefined {
  const value = parsed(text)
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
  const [revision, epoch, head, meta, ...hashes] = answer as [string, string, string, string[], ...(string | null)[][]]
  const seqs = new Map(pairs(meta))
  const items = kinds.flatMap((kind, index) =>
    pairs(hashes[index]!).map(([id, text]) => toItem(kind, id!, text, seqs.get(`${kind}/${id}`)))
  )
  return toConfigSet(toRevision(revision), epoch, head || undefined, items)
}

/** The answer of `redis-position.lua`. @throws when it is not of its form */
export function readPosition(answer: unknown): StorePosition {
  const [revision, epoch, head] = answer as [string, string, string]
  return { revision: toRevision(revision), epoch: epoch || undefined, head: head || undefined }
}

/** What `redis-log.lua` found. */
export interface LogReading {
  readonly revision: number
  /** '' when there is none. */
  readonly epoch: string
  /** `at` of the commit before the first of `commits`, when the log has it. */
  readonly head: string | undefined
  /** Undefined when one of them is not there whole. */
  readonly commits: readonly Commit[] | undefined
}

/** The answer of `redis-log.lua`. @throws when it is not of its form */
export function readLog(answer: unknown): LogReading {
  const [revision, epoch, head, texts] = answer as [string, string, string, string[]]
  const commits = texts.map(text => readNotice(text)?.commit)
  const isWhole = commits.every(commit => commit !== undefined)
  return { revision: toRevision(revision), epoch, head: head || undefined, commits: isWhole ? commits : undefined }
}

/** An entry of the log, for the history. */
export interface HistoryEntry {
  readonly revision: number
  /** With `previous` in its changes; undefined when the log does not have it whole, or has that of another life. */
  readonly commit: Commit | undefined
}

/** The answer of `redis-history.lua`. @throws when it is not of its form */
export function readHistory(answer: unknown): readonly HistoryEntry[] {
  const [epoch, ...entries] = answer as [string, ...[id: string, commit: string, previous: string][]]
  return entries.map(([id, text, previous]) => {
    const notice = readNotice(text)
    const commit = notice?.epoch === epoch && notice.commit !== undefined ? withPrevious(notice.commit, previous) : undefined
    return { revision: Number(id.split('-')[0]), commit }
  })
}

function withPrevious(commit: Commit, text: string): Commit | undefined {
  const previous: unknown = parsed(text)
  if (!Array.isArray(previous) || previous.length !== commit.changes.length) return undefined
  return { ...commit, changes: commit.changes.map((change, index) => ({ ...change, previous: toPrevious(previous[index]) })) }
}

function toPrevious(value: unknown): { readonly item: unknown; readonly seq: number } | null {
  if (!isRecord(value) || typeof value['seq'] !== 'number') return null
  const text = value['text']
  return { item: typeof text === 'string' ? readItemText(text).item : undefined, seq: value['seq'] }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
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
