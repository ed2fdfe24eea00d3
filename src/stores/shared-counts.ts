/** Where the instances that share a Redis count together how often something was done. */
import type { Redis } from 'ioredis'
import { toRedisAddress } from './redis-address.ts'
import { openConnection } from './redis-connection.ts'
import { redisKeys } from './redis-keys.ts'

export interface SharedCounts {
  /** A connection of its own: the counts wait for no commit, and no commit for them. While Redis is away, commands are refused at once. */
  readonly redis: Redis
  /** What the key of each count begins with. */
  readonly keyPrefix: string
  /** Safe to call twice. */
  close(): Promise<void>
}

/** The counts of admin calls. Connects at once. @throws when the URL is not valid; the message holds no password */
export function openSharedCounts({ url, namespace }: { readonly url: string; readonly namespace: string }): SharedCounts {
  const { adminCalls: keyPrefix } = redisKeys(namespace)
  // That Redis is away is told by the store, which is the same.
  const told = { onReady: () => undefined, onLost: () => undefined }
  const { redis, close } = openConnection({ address: toRedisAddress(url), name: 'sluice', key: keyPrefix }, told)
  return { redis, keyPrefix, close }
}
