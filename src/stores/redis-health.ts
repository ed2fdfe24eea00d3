/** The way between instances over a channel of the Redis that they share. Nothing is stored: who listens hears all within a second. */
import { randomBytes } from 'node:crypto'
import type { FleetLink, FleetLinkListener, FleetMessage } from '../core/fleet-health.ts'
import type { StoreState } from '../core/store.ts'
import { readMessage, writeMessage } from './fleet-message.ts'
import { toRedisAddress } from './redis-address.ts'
import { type ConnectionOptions, openConnection, type RedisConnection, toReason } from './redis-connection.ts'
import { redisKeys } from './redis-keys.ts'
import { openSubscriber } from './redis-subscriber.ts'

export interface RedisHealthOptions {
  /** As `toRedisAddress` takes it. */
  readonly url: string
  readonly namespace: string
  /** The name of this instance. */
  readonly instance: string
  /** Hears when the link is up and when it is lost, once each. */
  readonly onState?: (state: StoreState) => void
}

/**
 * The link. It connects when it is opened, and again whenever the connection is lost.
 * @throws when the URL is not valid; the message holds no password
 */
export function createRedisHealth({ url, namespace, instance, onState = () => undefined }: RedisHealthOptions): FleetLink {
  const { health, revision } = redisKeys(namespace)
  const connection = { address: toRedisAddress(url), name: 'sluice-health', key: revision }
  return new RedisHealth(`${instance}#${randomBytes(6).toString('hex')}`, health, connection, onState)
}

class RedisHealth implements FleetLink {
  readonly self: string
  readonly #channel: string
  readonly #options: ConnectionOptions
  readonly #onState: (state: StoreState) => void
  #listener: FleetLinkListener | undefined
  #sender: RedisConnection | undefined
  #subscriber: { close(): Promise<void> } | undefined
  #canSend = false
  #canHear = false
  #isUp: boolean | undefined

  constructor(self: string, channel: string, options: ConnectionOptions, onState: (state: StoreState) => void) {
    this.self = self
    this.#channel = channel
    this.#options = options
    this.#onState = onState
  }

  open(listener: FleetLinkListener): void {
    this.#listener = listener
    this.#sender = openConnection(this.#options, {
      onReady: () => this.#set({ canSend: true }),
      onLost: reason => this.#set({ canSend: false }, reason)
    })
    this.#subscriber = openSubscriber(this.#options, this.#channel, {
      onSubscribed: () => this.#set({ canHear: true }),
      onLost: reason => this.#set({ canHear: false }, reason),
      onMessage: text => {
        const read = this.#isUp ? readMessage(text) : undefined
        if (read !== undefined) this.#listener?.onMessage(read.from, read.message)
      }
    })
  }

  send(message: FleetMessage): void {
    // What is lost is told again within a second; who is refused does not hear himself, and is alone.
    this.#sender?.redis.publish(this.#channel, writeMessage(this.self, message)).catch(error => this.#refused(error))
  }

  async close(): Promise<void> {
    this.#listener = undefined
    await Promise.all([this.#sender?.close(), this.#subscriber?.close()])
  }

  #refused(error: unknown): void {
    // A lost connection tells so itself.
    if (this.#sender?.redis.status === 'ready') this.#tell({ up: false, reason: toReason(error) })
  }

  #set({ canSend = this.#canSend, canHear = this.#canHear }: { canSend?: boolean; canHear?: boolean }, reason = ''): void {
    this.#canSend = canSend
    this.#canHear = canHear
    this.#tell(canSend && canHear ? { up: true } : { up: false, reason })
  }

  #tell(state: StoreState): void {
    if (this.#listener === undefined || state.up === (this.#isUp ?? false)) return
    this.#isUp = state.up
    this.#onState(state)
    if (state.up) this.#listener.onUp()
    else this.#listener.onDown()
  }
}
