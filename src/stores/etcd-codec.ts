/** What the store writes into etcd, as JSON, and back. Nothing found there is trusted. */
import { type Commit, type CommittedChange, type Kind, kinds } from '../core/change.ts'
import { readItemText, tooLong } from './item-text.ts'

/** The value of the key `head`. */
export interface EtcdHead {
  readonly epoch: string
  readonly revision: number
  /** The age given out last. */
  readonly seq: number
  /** `at` of the commit that made the revision. */
  readonly at: string
  /** The commit that made the revision is in force, but its items are not all in their keys yet: they are in this blob. */
  readonly pending?: PendingBlob
}

export interface PendingBlob {
  readonly blob: string
  /** The items in the keys are those of another life, all of them. */
  readonly replace: boolean
  /** The log does not need the blob afterwards. */
  readonly drop: boolean
}

/** A change with the text of its item; a put without one is of an item that is too long to be read. */
export type TextChange =
  | { readonly op: 'put'; readonly kind: Kind; readonly id: string; readonly text?: string; readonly seq: number }
  | { readonly op: 'delete'; readonly kind: Kind; readonly id: string }

/** What was there before a change; null: nothing. Without a text when that is not known. */
export type TextBefore = { readonly text?: string; readonly seq: number } | null

/** What a commit changed: in its entry of the log, or in a blob. */
export interface Payload {
  readonly changes: readonly TextChange[]
  /** One for each change. */
  readonly previous: readonly TextBefore[]
}

/** An entry of the log. */
export interface LogEntry {
  readonly epoch: string
  readonly revision: number
  readonly at: string
  readonly by: string
  /** Undefined when it is in a blob, or is not kept. */
  readonly payload?: Payload
  readonly blob?: string
}

/** undefined for a value that is no head. */
export function readHead(value: Buffer): EtcdHead | undefined {
  const head = parsed(value)
  if (!isRecord(head)) return undefined
  const { epoch, revision, seq, at, pending } = head
  const isHead = typeof epoch === 'string' && epoch !== '' && isCount(revision) && isCount(seq) && typeof at === 'string'
  return isHead && (pending === undefined || isRecord(pending)) ? (head as unknown as EtcdHead) : undefined
}

/** undefined for a value that no commit of ours wrote. */
export function readLogEntry(value: Buffer): LogEntry | undefined {
  const entry = parsed(value)
  if (!isRecord(entry)) return undefined
  const { epoch, revision, at, by, payload, blob } = entry
  if (typeof epoch !== 'string' || !isCount(revision) || typeof at !== 'string' || typeof by !== 'string') return undefined
  const whole = payload === undefined ? undefined : toPayload(payload)
  return {
    epoch,
    revision,
    at,
    by,
    ...(whole === undefined ? {} : { payload: whole }),
    ...(typeof blob === 'string' ? { blob } : {})
  }
}

/** undefined for what is no payload. */
export function readPayload(value: Buffer): Payload | undefined {
  return toPayload(parsed(value))
}

/** As the store tells it. */
export function toCommit({ revision, at, by }: Omit<LogEntry, 'payload'>, { changes }: Payload): Commit {
  return { revision, at, by, changes: changes.map(toChange) }
}

/** As its history tells it. */
export function toHistoryCommit(entry: LogEntry, payload: Payload): Commit {
  const commit = toCommit(entry, payload)
  return { ...commit, changes: commit.changes.map((change, index) => ({ ...change, previous: toPrevious(payload.previous[index]) })) }
}

/** A value, or a fault. */
export function readText(text: string | undefined): ReturnType<typeof readItemText> {
  return text === undefined ? tooLong : readItemText(text)
}

function toChange(change: TextChange): CommittedChange {
  if (change.op === 'delete') return change
  const { op, kind, id, text, seq } = change
  return { op, kind, id, ...readText(text), seq }
}

function toPrevious(before: TextBefore | undefined): CommittedChange['previous'] & (object | null) {
  if (before === null || before === undefined) return null
  return { item: before.text === undefined ? undefined : readItemText(before.text).item, seq: before.seq }
}

function toPayload(value: unknown): Payload | undefined {
  if (!isRecord(value)) return undefined
  const { changes, previous } = value
  if (!Array.isArray(changes) || !Array.isArray(previous) || previous.length !== changes.length) return undefined
  return changes.every(isTextChange) && previous.every(isTextBefore) ? { changes, previous } : undefined
}

function isTextChange(value: unknown): value is TextChange {
  if (!isRecord(value)) return false
  const { op, kind, id, text, seq } = value
  if (!kinds.some(known => known === kind) || typeof id !== 'string') return false
  return op === 'delete' || (op === 'put' && isOptionalText(text) && typeof seq === 'number')
}

function isTextBefore(value: unknown): value is TextBefore {
  return value === null || (isRecord(value) && isOptionalText(value['text']) && typeof value['seq'] === 'number')
}

function isOptionalText(value: unknown): boolean {
  return value === undefined || typeof value === 'string'
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function parsed(value: Buffer): unknown {
  try {
    return JSON.parse(value.toString())
  } catch {
    return undefined
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
