import { once } from 'node:events'
import { Redis } from 'ioredis'

/** What a connection tells its owner. May come any number of times, in turns. */
export interface ConnectionEvents {
  /** Commands can be sent. */
  readonly onReady: () => void
  /** The connection, or the attempt to make one, has failed; the next attempt is under way. `reason` is for a person and holds no password. */
  readonly onLost: (reason: string) => void
}

/** One connection that comes back by itself until it is closed. */
export interface RedisConnection {
  readonly redis: Redis
  /** Resolves when commands can be sent. Rejects as soon as the attempt that is under way has failed. */
  ready(): Promise<void>
  close(): Promise<void>
}

/** How long a server may be silent while an answer is due, in milliseconds. Less than the second that a writer waits at most. */
export const silenceMs = 900
const heartbeatMs = 2_000
const maxBackoffMs = 250

/** Opens a connection; it begins at once. @throws when `url` is no Redis URL */
export function openConnection(url: string, name: string, events: ConnectionEvents): RedisConnection {
  const redis = new Redis(url, {
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
    autoResubscribe: false
  })
  let reason: string | undefined
  let lost = 'the connection was closed'
  redis.on('error', (error: unknown) => (reason = toReason(error)))
  redis.on('ready', events.onReady)
  redis.on('close', () => {
    lost = `${redis.options.host}:${redis.options.port}: ${reason ?? 'the connection was closed'}`
    reason = undefined
    events.onLost(lost)
  })
  // A peer that vanished without a word is only noticed by asking it something.
  const heartbeat = setInterval(() => redis.status === 'ready' && redis.ping().catch(() => {}), heartbeatMs)
  return { redis, ready: () => untilReady(redis, () => lost), close: () => close(redis, heartbeat) }
}

/** The message alone. ioredis puts the command with its arguments on an error, the password and the items among them. */
export function toReason(error: unknown): string {
  // "Reached the max retries per request limit (which is 0)", says ioredis.
  if (error instanceof Error && error.name === 'MaxRetriesPerRequestError') return 'the connection was lost before the answer came'
  if (error instanceof AggregateError && error.message === '') return error.errors.map(toReason).join(', ')
  return error instanceof Error ? error.message || error.name : String(error)
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

async function close(redis: Redis, heartbeat: NodeJS.Timeout): Promise<void> {
  clearInterval(heartbeat)
  redis.disconnect()
  const { stream } = redis
  if (stream === undefined || stream.closed) return
  const closed = once(stream, 'close')
  // disconnect() only half-closes, and then waits two seconds for the server.
  stream.destroy()
  await closed
}
