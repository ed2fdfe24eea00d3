/** What the scripts that write are given, and what they answer. */
import { randomUUID } from 'node:crypto'
import { type Change, type Commit, type ConfigSet, kinds } from '../core/change.ts'
import { silenceMs } from '../etcd/deadline.ts'
import { maxItemBytes, toItemText } from './item-text.ts'
import { readNotice } from './redis-codec.ts'
import type { RedisKeys } from './redis-keys.ts'
import { createScript } from './redis-script.ts'

/** See `redis-commit.lua`. */
export const commitScript = createScript('redis-functions.lua', 'redis-commit.lua')
/** See `redis-reseed.lua`. */
export const reseedScript = createScript('redis-functions.lua', 'redis-reseed.lua')

/** A commit longer than this, in bytes of JSON, is published as its revision only: the instances then read. */
const maxNoticeBytes = 1024 * 1024
/** A commit longer than this, with what it replaced, is logged as its revision only. */
const maxLogEntryBytes = 16 * 1024 * 1024
/** When commits longer than `maxNoticeBytes` make the log larger than this, the oldest make room. */
const maxLogBytes = 64 * 1024 * 1024

export interface CommitArgs {
  readonly changes: readonly Change[]
  readonly by: string
  /** The revision and epoch that the store must be at; '' each: any. */
  readonly expected: readonly [revision: number | '', epoch: string]
  readonly logLength: number
}

/** KEYS of both scripts: the fixed ones, then one per kind. */
export function writeKeys({ revision, epoch, seq, meta, log, head, items }: RedisKeys): string[] {
  return [revision, epoch, seq, meta, log, head, ...kinds.map(kind => items[kind])]
}

function itemKeyIndex(kind: (typeof kinds)[number]): number {
  return 7 + kinds.indexOf(kind)
}

/** ARGV of `commitScript`. @throws as `toItemText` */
export function commitArgs({ notices }: RedisKeys, { changes, by, expected, logLength }: CommitArgs): (string | number)[] {
  const limits = [maxNoticeBytes, maxLogEntryBytes, maxLogBytes, maxItemBytes]
  return [...expected, randomUUID(), logLength, JSON.stringify(by), notices, ...limits].concat(
    changes.flatMap(({ op, kind, id, ...change }) => [
      op,
      kind,
      itemKeyIndex(kind),
      id,
      JSON.stringify(id),
      'item' in change ? toItemText(change.item) : ''
    ])
  )
}

/** ARGV of `reseedScript`. An item that could not be read has no text to be given back. */
export function reseedArgs({ notices }: RedisKeys, set: ConfigSet, by: string, logLength: number): (string | number)[] {
  const items = set.items.filter(({ fault }) => fault === undefined)
  const largestSeq = items.reduce((largest, { seq }) => Math.max(largest, seq), 0)
  return [set.epoch, set.revision, set.head ?? '', largestSeq, JSON.stringify(by), notices, logLength].concat(
    items.flatMap(({ kind, id, seq, item }) => [kind, itemKeyIndex(kind), id, seq, toItemText(item)])
  )
}

/**
 * How long Redis may take to write so much, in milliseconds: less than a second for what people write, more for a whole configuration, which must
 * not fail because the machine is busy.
 */
export function patienceFor(args: readonly (string | number)[]): number {
  const characters = args.reduce<number>((sum, arg) => sum + String(arg).length, 0)
  return silenceMs + Math.max(0, args.length - 2_000) / 20 + Math.max(0, characters - 1_000_000) / 5_000
}

/** What both scripts answer: the commit, or the revision of the store when the precondition did not hold. */
export function readCommit(answer: unknown): { readonly epoch: string; readonly commit: Commit } | number {
  const [outcome, value] = answer as ['ok', string] | ['precondition', number]
  if (outcome === 'precondition') return value
  const { epoch, commit } = readNotice(value) ?? {}
  if (epoch === undefined || commit === undefined) throw new Error('the server answered a commit with something else')
  return { epoch, commit }
}
