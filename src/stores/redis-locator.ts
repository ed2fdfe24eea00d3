/** Finds the one server to talk to where an address names several: the master that the Sentinels agreed on, or the cluster's node of a key. */
import { type RedisOptions as AnyRedisOptions, Redis } from 'ioredis'
import { type HostPort, hostPortText } from './host-port.ts'
import type { RedisAddress } from './redis-address.ts'

/** Options of a connection whose replies keep the shapes of RESP2. */
export type RedisOptions = Omit<AnyRedisOptions, 'replyMapping'>

export interface RedisLocator {
  /** Asks all servers it knows of at once; the first answer counts. Rejects when none has one, or when `signal` says to stop. */
  locate(signal: AbortSignal): Promise<HostPort>
}

/** How long one of them may take to answer, in milliseconds. */
const askMs = 800
/** How many servers are remembered beyond those that were given. */
const maxLearned = 16

interface Finding {
  readonly node: HostPort
  /** Others that can be asked the next time. */
  readonly others: readonly HostPort[]
}

/** @param key decides about the node of a cluster */
export function createLocator(address: Exclude<RedisAddress, { mode: 'single' }>, key: string): RedisLocator {
  const ask = address.mode === 'sentinel' ? sentinelQuestion(address.master) : clusterQuestion(key)
  // The user of the data is none of the Sentinels.
  const login = address.mode === 'sentinel' ? {} : loginOf(address)
  let learned: readonly HostPort[] = []

  async function askOne(at: HostPort, signal: AbortSignal): Promise<Finding> {
    signal.throwIfAborted()
    const redis = new Redis({ ...once, ...at, ...login, ...(address.tls ? { tls: {} } : {}) })
    let reason: unknown
    redis.on('error', error => (reason = error))
    const stop = (): void => redis.disconnect()
    signal.addEventListener('abort', stop)
    try {
      await redis.connect().catch(error => Promise.reject(reason ?? error))
      return await ask(redis, at)
    } catch (error) {
      throw new Error(`${hostPortText(at)}: ${error instanceof Error ? error.message : String(error)}`)
    } finally {
      signal.removeEventListener('abort', stop)
      redis.disconnect()
      redis.stream?.destroy()
    }
  }

  return {
    async locate(signal) {
      const done = new AbortController()
      const known = new Map([...address.hosts, ...learned].map(at => [hostPortText(at), at]))
      const either = AbortSignal.any([signal, done.signal])
      try {
        const { node, others } = await Promise.any([...known.values()].map(at => askOne(at, either)))
        learned = others.slice(0, maxLearned)
        return node
      } catch (error) {
        throw error instanceof AggregateError ? new Error(error.errors.map(({ message }) => message).join(', ')) : error
      } finally {
        done.abort()
      }
    }
  }
}

/** The user and password as ioredis takes them. */
export function loginOf({ username, password }: { readonly username: string; readonly password: string }): RedisOptions {
  return { ...(username === '' ? {} : { username }), ...(password === '' ? {} : { password }) }
}

const once: RedisOptions = {
  lazyConnect: true,
  enableReadyCheck: false,
  retryStrategy: () => null,
  maxRetriesPerRequest: 0,
  connectTimeout: askMs,
  commandTimeout: askMs,
  disconnectTimeout: 50
}

type Question = (redis: Redis, asked: HostPort) => Promise<Finding>

function sentinelQuestion(master: string): Question {
  return async redis => {
    const found = (await redis.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', master)) as [string, string] | null
    if (found === null) throw new Error(`this Sentinel knows no master '${master}'`)
    const sentinels = (await redis.call('SENTINEL', 'SENTINELS', master)) as string[][]
    const others = sentinels.flatMap(fields => {
      const host = fields[fields.indexOf('ip') + 1]
      const port = fields[fields.indexOf('port') + 1]
      return host && port ? [{ host, port: Number(port) }] : []
    })
    return { node: { host: found[0], port: Number(found[1]) }, others }
  }
}

function clusterQuestion(key: string): Question {
  return async (redis, asked) => {
    const slot = Number(await redis.call('CLUSTER', 'KEYSLOT', key))
    const ranges = (await redis.call('CLUSTER', 'SLOTS')) as [first: number, last: number, ...nodes: [host: string, port: number][]][]
    const nodesOf = (range: (typeof ranges)[number]): HostPort[] =>
      // An empty host is that of the node that was asked.
      (range.slice(2) as [string, number][]).map(([host, port]) => ({ host: host || asked.host, port }))
    const range = ranges.find(([first, last]) => first <= slot && slot <= last)
    const node = range && nodesOf(range)[0]
    if (node === undefined) throw new Error(`no node of the cluster serves the slot ${slot}`)
    return { node, others: ranges.flatMap(nodesOf) }
  }
}
