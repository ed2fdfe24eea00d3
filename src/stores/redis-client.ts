/** The connection on which a store asks Redis, and what its failures look like to the rest of the gateway. */
import { StoreUnavailableError } from '../errors.ts'
import { silenceMs, within } from '../etcd/deadline.ts'
import {
  type ConnectionEvents,
  type ConnectionOptions,
  isMisdirected,
  openConnection,
  type RedisConnection,
  toReason
} from './redis-connection.ts'
import type { RedisScript } from './redis-script.ts'

export class RedisClient {
  readonly #connection: RedisConnection
  #closed = false

  /** Connects at once, and again whenever the connection is lost. */
  constructor(options: ConnectionOptions, events: ConnectionEvents) {
    this.#connection = openConnection(options, events)
  }

  /** Runs a script and reads its answer, however long that is, as long as it keeps coming. Rejects with `StoreUnavailableError`. */
  async run<T>(script: RedisScript, keys: readonly string[], args: readonly (string | number)[], read: (answer: unknown) => T): Promise<T> {
    if (this.#closed) throw closedError()
    try {
      return read(await this.#ask(script, keys, args))
    } catch (error) {
      return toUnavailable(error)
    }
  }

  /** The same for a script that writes: all in all it may take `patienceMs`, in which the server may be silent. */
  async write<T>(
    script: RedisScript,
    keys: readonly string[],
    args: readonly (string | number)[],
    read: (answer: unknown) => T,
    patienceMs: number
  ): Promise<T> {
    this.#connection.setPatience(patienceMs)
    try {
      return await within(patienceMs, 'the server did not answer in time', this.run(script, keys, args, read))
    } catch (error) {
      return toUnavailable(error)
    } finally {
      this.#connection.setPatience(silenceMs)
    }
  }

  /** Safe to call twice. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#connection.close()
  }

  async #ask(script: RedisScript, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown> {
    const { redis, ready, again } = this.#connection
    await within(silenceMs, 'the server cannot be reached', ready())
    try {
      return await script.run(redis, keys, args)
    } catch (error) {
      if (!isMisdirected(toReason(error))) throw error
      // After a failover: a connection to the right server is being made.
      await within(silenceMs, 'the right server cannot be reached', again())
      return script.run(redis, keys, args)
    }
  }
}

/** What a closed store answers. */
export function closedError(): Error {
  return new StoreUnavailableError({ cause: new Error('the store is closed') })
}

/** Throws what is no `StoreUnavailableError` as one. */
export function toUnavailable(error: unknown): never {
  if (error instanceof StoreUnavailableError) throw error
  throw new StoreUnavailableError({ cause: new Error(toReason(error)) })
}
