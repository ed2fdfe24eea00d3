/**
 * The plain Redis hash `proxy_routes` (path -> target URL), which people edit with `redis-cli`. It is read beside the store of the same URL
 * and never written. Its name has no hash tag: in a cluster it lives in another slot than the store, so it has connections of its own.
 */
import { isDeepStrictEqual } from 'node:util'
import type { StoredItem } from '../core/change.ts'
import type { StoreState } from '../core/store.ts'
import { toProxyRouteItem } from './proxy-routes-items.ts'
import { toRedisAddress } from './redis-address.ts'
import { closedError, RedisClient, toUnavailable } from './redis-client.ts'
import type { ConnectionOptions } from './redis-connection.ts'
import { createScript } from './redis-script.ts'
import { openSubscriber } from './redis-subscriber.ts'
import { Watchers } from './watchers.ts'

/** A second, read-only source of rules. */
export interface ProxyRoutes {
  /** The rules of the routes as they are now, by id. Rejects with `StoreUnavailableError`; a failure never looks like an empty set. */
  read(): Promise<ProxyRouteItems>
  /**
   * Calls `onChange` with the rules as they are at first and after each change: at once after a message on the channel, within a second without one.
   * While Redis is away nothing is called but `onState`. Resolves after the first attempt to read; reading goes on by itself.
   */
  watch(onChange: (items: ProxyRouteItems) => void, onState?: (state: StoreState) => void): Promise<void>
  /** Stops watching and releases the connections. Safe to call twice. */
  close(): Promise<void>
}

/** By id. An item of the set before that is unchanged is the same object. */
export type ProxyRouteItems = ReadonlyMap<string, StoredItem>

export interface ProxyRoutesOptions {
  /** As `toRedisAddress` takes it. */
  readonly url: string
  /** How often the hash is looked at without a message, in milliseconds. Default 500. */
  readonly pollMs?: number
  /** What `CLIENT LIST` shows for the connections. Default `sluice`. */
  readonly name?: string
}

const key = 'proxy_routes'
/** Any message on it says: look at the hash. */
const channel = 'config.update'
/** A path or a target may have this many characters at most. */
const maxTextBytes = 8 * 1024

const script = createScript('proxy-routes.lua')

interface Reading {
  readonly digest: string
  readonly items: ProxyRouteItems
}

/** Connects at once. @throws when the URL is not valid; the message holds no password */
export function openProxyRoutes({ url, pollMs = 500, name = 'sluice' }: ProxyRoutesOptions): ProxyRoutes {
  return new RedisProxyRoutes({ address: toRedisAddress(url), name, key }, pollMs)
}

class RedisProxyRoutes implements ProxyRoutes {
  readonly #client: RedisClient
  readonly #connection: ConnectionOptions
  readonly #pollMs: number
  readonly #watchers = new Watchers()
  #onChange: ((items: ProxyRouteItems) => void) | undefined
  #subscriber: { close(): Promise<void> } | undefined
  #known: Reading | undefined
  #told: ProxyRouteItems | undefined
  #turn: Promise<unknown> = Promise.resolve()
  #timer: NodeJS.Timeout | undefined
  #closed = false

  constructor(connection: ConnectionOptions, pollMs: number) {
    this.#connection = connection
    this.#pollMs = pollMs
    this.#client = new RedisClient(connection, {
      onReady: () => void this.#look(),
      onLost: reason => this.#watchers.setState({ up: false, reason })
    })
  }

  async read(): Promise<ProxyRouteItems> {
    const reading = this.#turn.then(() => this.#read())
    this.#turn = reading.catch(() => {})
    return reading
  }

  async watch(onChange: (items: ProxyRouteItems) => void, onState?: (state: StoreState) => void): Promise<void> {
    if (this.#closed) throw closedError()
    this.#watchers.add({ onNotice: () => {}, onState })
    this.#onChange = onChange
    this.#subscriber ??= openSubscriber(this.#connection, channel, {
      onSubscribed: () => void this.#look(),
      onLost: () => {},
      onMessage: () => void this.#look()
    })
    await this.#look()
    if (!this.#closed) this.#timer ??= setInterval(() => void this.#look(), this.#pollMs)
  }

  async close(): Promise<void> {
    this.#closed = true
    clearInterval(this.#timer)
    this.#onChange = undefined
    this.#watchers.clear()
    await Promise.all([this.#client.close(), this.#subscriber?.close()])
  }

  /** Tells what is new. A failure is told as a state. */
  async #look(): Promise<void> {
    if (this.#onChange === undefined) return
    try {
      const items = await this.read()
      this.#watchers.setState({ up: true })
      if (items === this.#told) return
      this.#told = items
      this.#onChange?.(items)
    } catch (error) {
      this.#watchers.setState({ up: false, reason: (error as { cause?: Error }).cause?.message ?? String(error) })
    }
  }

  async #read(): Promise<ProxyRouteItems> {
    const answer = await this.#client.run(script, [key], [this.#known?.digest ?? '', maxTextBytes], value => value as [string, Texts?])
    const [digest, texts] = answer
    if (texts !== undefined) this.#known = { digest, items: this.#toItems(texts) }
    if (this.#known === undefined) return toUnavailable(new Error('the server answered a read with something else'))
    return this.#known.items
  }

  #toItems(texts: Texts): ProxyRouteItems {
    const before = this.#known?.items
    const items = new Map<string, StoredItem>()
    for (let at = 0; at < texts.length; at += 2) {
      // A path that is too long is not the path of any request.
      const path = texts[at]
      if (typeof path !== 'string') continue
      const item = toProxyRouteItem(path, texts[at + 1] ?? undefined)
      const old = before?.get(item.id)
      items.set(item.id, isDeepStrictEqual(old, item) ? old! : item)
    }
    return items
  }
}

type Texts = readonly (string | null)[]
