import { fileURLToPath } from 'node:url'
import type { WritableStore } from '../core/store.ts'
import { openEtcdStore } from './etcd-store.ts'
import { openFileStore } from './file-store.ts'
import { createMemoryStore } from './memory-store.ts'
import { namespacePattern } from './redis-keys.ts'
import { openRedisStore } from './redis-store.ts'

export interface OpenStoreOptions {
  /** Keeps several configurations in one server apart; a file and the memory hold one only. 1-64 of `a-z A-Z 0-9 . _ -`. */
  readonly namespace: string
}

const openers: Readonly<Record<string, (url: string, options: OpenStoreOptions) => WritableStore>> = {
  'file:': url => openFileStore({ path: toPath(url) }),
  'redis:': openRedis,
  'rediss:': openRedis,
  'redis+sentinel:': openRedis,
  'rediss+sentinel:': openRedis,
  'redis+cluster:': openRedis,
  'rediss+cluster:': openRedis,
  'etcd:': (url, { namespace }) => openEtcdStore({ url, namespace }),
  'etcds:': (url, { namespace }) => openEtcdStore({ url, namespace }),
  'memory:': () => createMemoryStore()
}

/**
 * Opens the store that `SLUICE_STORE` names: `file:./sluice.yaml`, `file:/etc/sluice.json`, `redis://…`, `rediss://…`,
 * `redis+sentinel://…`, `redis+cluster://…`, `etcd://…`, `etcds://…`, `memory:`.
 * Returns at once: whether the store answers shows at the first `load` or `watch`.
 * @throws {Error} with one line for the operator when the URL or the namespace is not valid; it never holds a password
 */
export function openStore(url: string, options: OpenStoreOptions): WritableStore {
  if (!namespacePattern.test(options.namespace)) throw new Error('the namespace must be 1-64 of a-z A-Z 0-9 . _ -')
  const scheme = /^[a-z][a-z0-9+.-]*:/.exec(url)?.[0]
  const open = scheme === undefined || !Object.hasOwn(openers, scheme) ? undefined : openers[scheme]
  if (open !== undefined) return open(url, options)
  const found = scheme === undefined ? 'a store without a scheme' : `a store '${scheme}'`
  throw new Error(`${found} is not known; use file:<path>, redis://<host>, redis+sentinel://…, redis+cluster://…, etcd://<host> or memory:`)
}

function openRedis(url: string, { namespace }: OpenStoreOptions): WritableStore {
  return openRedisStore({ url, namespace })
}

function toPath(url: string): string {
  const path = url.startsWith('file://') ? pathOfUrl(url) : url.slice('file:'.length)
  if (path === '') throw new Error('the file store needs a path: file:./sluice.yaml')
  return path
}

function pathOfUrl(url: string): string {
  try {
    return fileURLToPath(url)
  } catch {
    throw new Error('the file store needs a path on this machine: file:./sluice.yaml or file:///etc/sluice.yaml')
  }
}
