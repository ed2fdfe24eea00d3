import { once } from 'node:events'
import { Redis } from 'ioredis'
import { silenceMs } from '../etcd/deadline.ts'
import { hostPortText } from './host-port.ts'
import type { RedisAddress } from './redis-address.ts'
import { createConnector, type LocatedConnector } from './redis-connector.ts'
import { createLocator, loginOf, type RedisOptions } from './redis-locator.ts'

/** What a connection tells its owner. May come any number of times, in turns. */
export interface ConnectionEvents {
  /** Commands can be sent. */
  readonly onReady: () => void
  /** The connection, or the attempt to make one, has failed; the next attempt is under way. `reason` is for a person and holds no password. */
  readonly onLost: (reason: string) => void
}

export interface ConnectionOptions {
  readonly address: RedisAddress
  /** What `CLIENT LIST` shows. */
  readonly name: string
  /** The key that commands will name: it decides about the node of a cluster. */
  readonly key: string
}

/** One connection that comes back by itself until it is closed. */
export interface RedisConnection {
  readonly redis: Redis
  /** Resolves when commands can be sent. Rejects as soon as the attempt that is under way has failed. */
  ready(): Promise<void>
  /** As `ready`, once the connection that is being given up because of an answer (`isMisdirected`) is another one. */
  again(): Promise<void>
  /** How long the server may be silent while an answer is due, in milliseconds, from now on: more than `silenceMs` for what keeps it busy. */
  setPatience(ms: number): void
  close(): Promise<void>
}

const heartbeatMs = 2_000
/** How many heartbeats pass before it is asked whether this is still the right server. */
const locateEvery = 5
const maxBackoffMs = 250

/** Opens a connection; it begins at once. */
export function openConnection({ address, name, key }: ConnectionOptions, events: ConnectionEvents): RedisConnection {
  const located = address.mode === 'single' ? undefined : createConnector(createLocator(address, key), address)
  const redis = createRedis(address, located, name)
  let reason: string | undefined
  let lost = 'the connection was closed'
  redis.on('error', (error: unknown) => (reason = toReason(error)))
  redis.on('ready', events.onReady)
  redis.on('close', () => {
    const where = located === undefined ? `${redis.options.host}:${redis.options.port}` : located.node && hostPortText(located.node)
    lost = [where, reason ?? 'the connection was closed'].filter(part => part !== undefined).join(': ')
    reason = undefined
    events.onLost(lost)
  })
  const heartbeat = startHeartbeat(redis, located)
  const ready = (): Promise<void> => untilReady(redis, () => lost)
  return {
    redis,
    ready,
    async again() {
      if (redis.status === 'ready') await once(redis, 'close')
      await ready()
    },
    // Read by ioredis each time that it begins to wait.
    setPatience: ms => (redis.options.socketTimeout = ms),
    close: () => close(redis, heartbeat, located)
  }
}

function createRedis(address: RedisAddress, located: LocatedConnector | undefined, name: string): Redis {
  const options: RedisOptions = {
    connectionName: name,
    enableOfflineQueue: false,
    // 0 and not 1: with 1 a command whose answer was lost is sent again after the reconnection, and a commit would be made twice.
    maxRetriesPerRequest: 0,
    connectTimeout: 1_000,
    // close() destroys the socket itself; ioredis leaves a timer of this length behind when there is none.
    disconnectTimeout: 50,
    socketTimeout: silenceMs,
    maxLoadingRetryTime: 100,
    retryStrategy: attempt => Math.min(attempt * 50, maxBackoffMs),
    // The owner subscribes on each onReady, so that it knows when it is subscribed again.
    autoResubscribe: false,
    // The server is the wrong one, and has done nothing: the right one is looked for.
    reconnectOnError: ({ message }) => isMisdirected(message)
  }
  if (address.mode === 'single' || located === undefined) return new Redis((address as { url: string }).url, options)
  const database = address.mode === 'sentinel' ? { db: address.database } : {}
  const tls = address.tls ? { tls: {} } : {}
  return new Redis({ ...options, ...loginOf(address), ...database, ...tls, Connector: located.Connector })
}

/** Whether an answer says that another server is to be asked. The command was not carried out. */
export function isMisdirected(message: string): boolean {
  return /^(MOVED|READONLY|MASTERDOWN) /.test(message)
}

/** The message alone. ioredis puts the command with its arguments on an error, the password and the items among them. */
export function toReason(error: unknown): string {
  // "Reached the max retries per request limit (which is 0)", says ioredis.
  if (error instanceof Error && error.name === 'MaxRetriesPerRequestError') return 'the connection was lost before the answer came'
  if (error instanceof AggregateError && error.message === '') return error.errors.map(toReason).join(', ')
  return error instanceof Error ? error.message || error.name : String(error)
}

// A peer that vanished without a word is only noticed by asking it something; and one that is cut off from the others does not know that
// it is no longer the master.
function startHeartbeat(redis: Redis, located: LocatedConnector | undefined): NodeJS.Timeout {
  let beats = 0
  return setInterval(() => {
    if (redis.status !== 'ready') return
    redis.ping().catch(() => {})
    if (located === undefined || ++beats % locateEvery !== 0) return
    located.hasMoved().then(
      moved => moved && redis.disconnect(true),
      () => {}
    )
  }, heartbeatMs)
}

async function untilReady(redis: Redis, reason: () => string): Promise<void> {
  if (redis.status === 'ready') return
  await new Promise<void>((resolve, reject) => {
    const settle = (how: () => void) => () => {
      redis.off('ready', onReady).off('close', onClose).off('end', onClose)
      how()
    }
    const onReady = settle(resolve)
    const onClose = settle(() => reject(new Error(reason())))
    redis.on('ready', onReady).on('close', onClose).on('end', onClose)
  })
}

async function close(redis: Redis, heartbeat: NodeJS.Timeout, located: LocatedConnector | undefined): Promise<void> {
  clearInterval(heartbeat)
  located?.stop()
  redis.disconnect()
  const { stream } = redis
  if (stream === undefined || stream.closed) return
  const closed = once(stream, 'close')
  // disconnect() only half-closes, and then waits two seconds for the server.
  stream.destroy()
  await closed
}
