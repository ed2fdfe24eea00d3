/** The requests to etcd that the store needs, and their JSON: 64-bit integers as text, keys and values in base64. */
import { type EtcdClient, EtcdError, grpcStatus } from './etcd-client.ts'

/** A key with its value, as it was at some revision of etcd. */
export interface EtcdEntry {
  readonly key: string
  readonly value: Buffer
  /** The revision of etcd (not of the store) at which it was written last. */
  readonly modRevision: number
}

/** One step of a transaction. Made by the functions below. */
export interface EtcdOp {
  readonly [name: string]: object
}

/** A half-open range of keys. */
export interface KeyRange {
  readonly from: string
  readonly to: string
}

export interface TxnResult {
  readonly succeeded: boolean
  /** Of etcd, after the transaction. */
  readonly etcdRevision: number
  /** For each step, what it found when it is a range. */
  readonly found: readonly (readonly EtcdEntry[])[]
}

/** How many steps a transaction may have: `--max-txn-ops` of etcd, unless it was changed. */
export const maxTxnOps = 128

/** A page has about so many bytes, and not more entries. */
const pageBytes = 4 * 1024 * 1024
const maxPageLength = 20_000

/** Everything that begins with `prefix`, which ends in a slash. */
export function below(prefix: string): KeyRange {
  return { from: prefix, to: `${prefix.slice(0, -1)}0` }
}

export function put(key: string, value: string | Buffer, lease?: string): EtcdOp {
  return { request_put: { key: encode(key), value: encode(value), ...(lease === undefined ? {} : { lease }) } }
}

export function remove(key: string): EtcdOp {
  return { request_delete_range: { key: encode(key) } }
}

export function removeRange({ from, to }: KeyRange): EtcdOp {
  return { request_delete_range: { key: encode(from), range_end: encode(to) } }
}

/** @param at a revision of etcd; now when absent */
export function get(key: string, at?: number): EtcdOp {
  return { request_range: { key: encode(key), ...(at === undefined ? {} : { revision: String(at) }) } }
}

/** Holds when the key was written last at this revision of etcd; 0: when it is not there. */
export function isAt(key: string, modRevision: number): object {
  return { target: 'MOD', key: encode(key), mod_revision: String(modRevision), result: 'EQUAL' }
}

export interface RangeOptions {
  /** At this revision of etcd; now when absent. */
  readonly at?: number
  readonly limit?: number
  readonly newestFirst?: boolean
  /** Without values. */
  readonly keysOnly?: boolean
}

export class EtcdKv {
  readonly #client: EtcdClient

  constructor(client: EtcdClient) {
    this.#client = client
  }

  async range({ from, to }: KeyRange, { at, limit, newestFirst, keysOnly }: RangeOptions = {}): Promise<readonly EtcdEntry[]> {
    const answer = await this.#client.call(
      '/v3/kv/range',
      {
        key: encode(from),
        range_end: encode(to),
        ...(at === undefined ? {} : { revision: String(at) }),
        ...(limit === undefined ? {} : { limit: String(limit) }),
        ...(newestFirst ? { sort_order: 'DESCEND', sort_target: 'KEY' } : {}),
        ...(keysOnly ? { keys_only: true } : {})
      },
      'read'
    )
    return toEntries(answer)
  }

  /** Page by page; the first has `limit` entries (default 500), those after it as many as make a good answer. */
  async *pages({ from, to }: KeyRange, { limit = 500, ...options }: RangeOptions = {}): AsyncGenerator<readonly EtcdEntry[]> {
    let next = from
    for (let length = limit; ; ) {
      const page = await this.range({ from: next, to }, { ...options, limit: length })
      yield page
      if (page.length < length) return
      next = `${page.at(-1)!.key}\0`
      // etcd looks at the whole range for each page: the fewer the better.
      const bytes = page.reduce((sum, { key, value }) => sum + key.length + value.length, 0)
      length = Math.max(1, Math.min(maxPageLength, Math.floor((page.length * pageBytes) / bytes)))
    }
  }

  /** Reads only: may be asked again. */
  async read(ops: readonly EtcdOp[]): Promise<TxnResult> {
    return toResult(await this.#client.call('/v3/kv/txn', { success: ops }, 'read'))
  }

  /** All of `ops` when all of `compare` hold, otherwise nothing. */
  async txn(compare: readonly object[], ops: readonly EtcdOp[]): Promise<TxnResult> {
    return toResult(await this.#client.call('/v3/kv/txn', { compare, success: ops }, 'write'))
  }

  /** The id of a lease of at least `ttlMs`; etcd counts in seconds, and two are the least. */
  async grant(ttlMs: number): Promise<string> {
    const answer = (await this.#client.call('/v3/lease/grant', { TTL: String(Math.max(1, Math.ceil(ttlMs / 1_000))) }, 'write')) as {
      ID: string
    }
    return answer.ID
  }

  /** Whether the lease was still there; then its time begins anew. */
  async keepAlive(lease: string): Promise<boolean> {
    const answer = (await this.#client.call('/v3/lease/keepalive', { ID: lease }, 'write')) as { result?: { TTL?: string } }
    return Number(answer.result?.TTL ?? 0) > 0
  }
}

/** Whether a revision of etcd was asked for that is compacted away. */
export function isCompacted(error: unknown): boolean {
  return error instanceof EtcdError && error.code === grpcStatus.outOfRange && error.message.includes('compacted')
}

/** A key-value pair as the gateway writes it. @throws when it is none */
export function toEntry(value: unknown): EtcdEntry {
  const { key, value: content = '', mod_revision = '0' } = value as { key: string; value?: string; mod_revision?: string }
  return { key: Buffer.from(key, 'base64').toString(), value: Buffer.from(content, 'base64'), modRevision: Number(mod_revision) }
}

export function encode(text: string | Buffer): string {
  return Buffer.from(text as string).toString('base64')
}

function toEntries(answer: unknown): readonly EtcdEntry[] {
  return ((answer as { kvs?: unknown[] }).kvs ?? []).map(toEntry)
}

function toResult(answer: unknown): TxnResult {
  const {
    succeeded = false,
    header,
    responses = []
  } = answer as {
    succeeded?: boolean
    header: { revision: string }
    responses?: { response_range?: unknown }[]
  }
  const found = responses.map(response => toEntries(response.response_range ?? {}))
  return { succeeded, etcdRevision: Number(header.revision), found }
}
