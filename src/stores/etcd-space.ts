/** The part of etcd that one configuration lives in: what the other files of the store work on. */

import { below, type EtcdEntry, type EtcdKv, get } from '../etcd/etcd-kv.ts'
import { type EtcdHead, type Payload, readHead, readPayload } from './etcd-codec.ts'
import type { EtcdKeys } from './etcd-keys.ts'

export interface EtcdSpace {
  readonly kv: EtcdKv
  readonly keys: EtcdKeys
  /** How many commits the log keeps. */
  readonly logLength: number
  /** How many MiB of commits that are too large for one transaction are kept for the log; one of more than a quarter of that is not. */
  readonly logParts: number
}

/** The head, and at which revision of etcd it was written and read. */
export interface FoundHead {
  /** Undefined when nothing was ever committed, or all is lost. */
  readonly head: EtcdHead | undefined
  /** 0 when it is not there. */
  readonly modRevision: number
  readonly etcdRevision: number
}

export async function findHead({ kv, keys }: EtcdSpace): Promise<FoundHead> {
  const { found, etcdRevision } = await kv.read([get(keys.head)])
  return toFoundHead(found[0]![0], etcdRevision)
}

/** @throws when the key is there and holds something else: that is no empty store */
export function toFoundHead(entry: EtcdEntry | undefined, etcdRevision: number): FoundHead {
  if (entry === undefined) return { head: undefined, modRevision: 0, etcdRevision }
  const head = readHead(entry.value)
  if (head === undefined) throw new Error(`the key ${entry.key} holds something else than it should`)
  return { head, modRevision: entry.modRevision, etcdRevision }
}

/** Everything in a blob, or undefined when it is not whole (any more). */
export async function readBlob({ kv, keys }: EtcdSpace, blob: string): Promise<Payload | undefined> {
  const parts: Buffer[] = []
  for await (const page of kv.pages(below(keys.blob(blob)), { limit: 4 })) parts.push(...page.map(({ value }) => value))
  return readPayload(Buffer.concat(parts))
}
