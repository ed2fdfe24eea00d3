/** Connections to targets, kept by address: they are live state and outlive every configuration that names the address. */
import { buildConnector, Client, type Dispatcher, Pool } from 'undici'
import type { CompiledTls, Transport } from '../core/route.ts'
import { Http2Pool } from './http2-pool.ts'
import { NodePool } from './node-pool.ts'
import { toNodeOptions } from './special-request.ts'
import type { TargetPool } from './target-pool.ts'
import type { TargetRequest } from './target-request.ts'
import { toTlsOptions } from './target-tls.ts'
import { allowUnaskedContinue } from './unasked-continue.ts'

export type { TargetPool } from './target-pool.ts'

/** What each connection keeps to. HTTP/1.1 only, one request at a time: a slow answer must not hold up another one. */
const connectionOptions = {
  allowH2: false,
  pipelining: 1,
  // For targets that do not say with Keep-Alive how long they hold an idle connection: below what servers commonly use (5 s).
  keepAliveTimeout: 4_000,
  keepAliveMaxTimeout: 600_000,
  // How much earlier than the target we let go of a connection, so that a request does not meet its close.
  keepAliveTimeoutThreshold: 1_000
} as const

// Undici takes the name for TLS (SNI and certificate) from the Host field of each request, and connects anew whenever it changes. That
// field is the client's to choose; the name must be the target's. So requests all carry one name, and the connector puts it aside.
function withFixedName(options: Dispatcher.DispatchOptions): Dispatcher.DispatchOptions & { servername: string } {
  return { ...options, servername: 'target' }
}

function createConnector(connectMs: number, tls: CompiledTls | undefined): buildConnector.connector {
  const connect = buildConnector({ timeout: connectMs, allowH2: false, ...toTlsOptions(tls) })
  const servername = tls?.serverName ?? ''
  return (options, callback) => connect({ ...options, servername }, callback)
}

function forUndici(connect: buildConnector.connector): buildConnector.connector {
  return (options, callback) =>
    connect(options, (...result) => {
      callback(...result)
      if (result[0] === null) allowUnaskedContinue(result[1])
    })
}

/** A pool that speaks HTTP/1.1. */
class Http1Pool implements TargetPool {
  readonly connectMs: number
  readonly #origin: string
  readonly #connect: buildConnector.connector
  readonly #pool: Pool
  readonly #isTls: boolean
  // Made when a request first needs it.
  #nodePool: NodePool | undefined
  #lastUsedMs = 0
  #justConnected = false

  constructor(origin: string, connectMs: number, tls: CompiledTls | undefined) {
    this.connectMs = connectMs
    this.#origin = origin
    this.#isTls = origin.startsWith('https:')
    this.#connect = createConnector(connectMs, tls)
    this.#pool = new Pool(origin, { ...connectionOptions, connect: forUndici(this.#connect) })
    // Undici writes the waiting request right after this event, before any microtask.
    this.#pool.on('connect', () => {
      this.#justConnected = true
      queueMicrotask(() => {
        this.#justConnected = false
      })
    })
  }

  /** Hands a request to a connection; `nowMs` is on the clock that `sweep` uses. */
  dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler, nowMs: number): void {
    this.#lastUsedMs = nowMs
    const { special } = options as TargetRequest
    if (special !== undefined) return this.#viaNode().dispatch(toNodeOptions(options, special), handler)
    this.#pool.dispatch(this.#isTls ? withFixedName(options) : options, handler)
  }

  /** Read in `onRequestStart`: whether the request is the first one on its connection, or else whether it came from the idle ones. */
  get onFreshConnection(): boolean {
    return this.#justConnected || this.#nodePool?.onFreshConnection === true
  }

  /** Hands a request to a connection made for it alone. */
  dispatchOnce(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): void {
    const { special } = options as TargetRequest
    if (special !== undefined) return this.#viaNode().dispatchOnce(toNodeOptions(options, special), handler)
    const client = new Client(this.#origin, { ...connectionOptions, connect: forUndici(this.#connect) })
    client.dispatch(withFixedName({ ...options, reset: true }), handler)
    void client.close()
  }

  /** Whether no request has used it since `sinceMs` and none is under way. */
  isIdle(sinceMs: number): boolean {
    return this.#lastUsedMs < sinceMs && this.#pool.stats.size === 0 && (this.#nodePool?.running ?? 0) === 0
  }

  /** Lets the requests under way end, then closes. */
  async close(): Promise<void> {
    await Promise.all([this.#pool.close(), this.#nodePool?.close()])
  }

  #viaNode(): NodePool {
    this.#nodePool ??= new NodePool(this.#origin, this.#connect)
    return this.#nodePool
  }
}

/** All pools of a gateway. */
export class Pools {
  readonly #byOrigin = new Map<string, TargetPool[]>()

  /** The pool for an origin, made on first use. `connectMs` belongs to it because undici connects for the pool, not for a request. */
  get(origin: string, connectMs: number, transport?: Transport): TargetPool {
    // No origin has a space.
    const key = transport === undefined ? origin : `${origin} ${transport.key}`
    const pools = this.#byOrigin.get(key)
    if (pools !== undefined) for (const pool of pools) if (pool.connectMs === connectMs) return pool
    const tls = transport?.tls
    const pool = transport?.http2 === true ? new Http2Pool(origin, connectMs, tls) : new Http1Pool(origin, connectMs, tls)
    if (pools === undefined) this.#byOrigin.set(key, [pool])
    else pools.push(pool)
    return pool
  }

  /** How many pools there are. */
  get size(): number {
    return [...this.#byOrigin.values()].flat().length
  }

  /** Closes the pools that nothing has used since `sinceMs`. */
  sweep(sinceMs: number): void {
    for (const [origin, pools] of this.#byOrigin) {
      const used = pools.filter(pool => !pool.isIdle(sinceMs))
      for (const pool of pools) if (!used.includes(pool)) void pool.close()
      if (used.length === 0) this.#byOrigin.delete(origin)
      else this.#byOrigin.set(origin, used)
    }
  }

  /** Closes all pools once their requests have ended. */
  async close(): Promise<void> {
    const pools = [...this.#byOrigin.values()].flat()
    this.#byOrigin.clear()
    await Promise.all(pools.map(pool => pool.close()))
  }
}
