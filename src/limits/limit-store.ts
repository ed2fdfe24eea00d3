/** The Redis that counts, and whether it answers: what asks it never waits longer than it may, and not at all while it is known to be away. */
import { within } from '../etcd/deadline.ts'
import type { RedisAddress } from '../stores/redis-address.ts'
import { openConnection, type RedisConnection, toReason } from '../stores/redis-connection.ts'
import type { RedisScript } from '../stores/redis-script.ts'
import { ServerClock } from './server-clock.ts'

/** The store of limits did not answer, or not in time. Not for a client: whoever asked follows `on_store_failure`. */
export class LimitStoreError extends Error {
  override readonly name = 'LimitStoreError'
}

export interface LimitStoreOptions {
  readonly address: RedisAddress
  readonly namespace: string
  /** An answer that takes longer is a failure. Default 50. */
  readonly budgetMs?: number
  /** The store answers again, or does not any more. `reason` is for a person and holds no password. */
  readonly onChange?: (available: boolean, reason: string) => void
}

/** What a script answers that has not run because it was too late. */
const tooLate = -1
/** While the store is away, it is asked this often whether it is back. */
const probeMs = 100

export class LimitStore {
  readonly budgetMs: number
  /** What all keys begin with: the hash tag makes a cluster keep them together. */
  readonly prefix: string
  readonly #connection: RedisConnection
  readonly #clock = new ServerClock()
  readonly #listeners = new Set<(available: boolean) => void>()
  readonly #onChange: LimitStoreOptions['onChange']
  /** One for all that are refused: making one for each would cost more than all else. */
  #away: LimitStoreError | undefined = new LimitStoreError('the store has not been reached yet')
  #probe: NodeJS.Timeout | undefined
  #probing = false
  #closed = false

  constructor({ address, namespace, budgetMs = 50, onChange }: LimitStoreOptions) {
    this.budgetMs = budgetMs
    this.prefix = `{sluice:${namespace}}:limit:`
    this.#onChange = onChange
    const events = { onReady: () => this.#ask(), onLost: (reason: string) => this.#lose(reason) }
    this.#connection = openConnection({ address, name: 'sluice-limits', key: this.prefix }, events)
  }

  /** Whether the last answer came in time. */
  get available(): boolean {
    return this.#away === undefined
  }

  /** What is wrong; undefined while the store answers. The same for all that fail meanwhile. */
  get away(): LimitStoreError | undefined {
    return this.#away
  }

  /** Calls `listener` when the store is away, or back. Returns how to stop that. */
  onAvailable(listener: (available: boolean) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /**
   * Runs a script of this folder, whose first argument is its deadline and whose answer begins with the server's time. Once this rejects, the
   * script will not run any more, if it has not. Rejects at once while the store is away. @throws {LimitStoreError}
   */
  async run(script: RedisScript, keys: readonly string[], args: readonly (string | number)[]): Promise<readonly number[]> {
    if (this.#away !== undefined) throw this.#away
    try {
      return await within(this.budgetMs, `no answer within ${this.budgetMs} ms`, this.#run(script, keys, args, performance.now()))
    } catch (error) {
      throw this.#failed(error)
    }
  }

  /** Safe to call twice. */
  async close(): Promise<void> {
    this.#closed = true
    this.#away = new LimitStoreError('the store of limits is closed')
    clearTimeout(this.#probe)
    await this.#connection.close()
  }

  async #run(
    script: RedisScript,
    keys: readonly string[],
    args: readonly (string | number)[],
    sinceMs: number
  ): Promise<readonly number[]> {
    const answer = await this.#try(script, keys, args, sinceMs)
    if (answer[1] !== tooLate) return answer
    // Its clock has been set, or it is another server. By now its time is known.
    const again = await this.#try(script, keys, args, sinceMs)
    if (again[1] === tooLate) throw new LimitStoreError('what was asked came too late')
    return again
  }

  async #try(
    script: RedisScript,
    keys: readonly string[],
    args: readonly (string | number)[],
    sinceMs: number
  ): Promise<readonly number[]> {
    const nowMs = performance.now()
    const deadlineUs = this.#clock.deadlineUs(Math.max(0, this.budgetMs - (nowMs - sinceMs)), nowMs)
    const answer = (await script.run(this.#connection.redis, keys, [deadlineUs, ...args])) as number[]
    this.#clock.set(answer[0]!, performance.now())
    return answer
  }

  #failed(error: unknown): LimitStoreError {
    const reason = toReason(error)
    const failure = error instanceof LimitStoreError ? error : new LimitStoreError(reason)
    // The server has answered, if only that it will not do this: it is there.
    if (!(error instanceof Error) || error.name !== 'ReplyError') this.#lose(reason)
    return failure
  }

  #lose(reason: string): void {
    if (this.#closed) return
    const isNew = this.#away === undefined
    this.#away = new LimitStoreError(reason)
    if (!isNew) return
    this.#tell(false, reason)
    this.#probeLater()
  }

  #probeLater(): void {
    clearTimeout(this.#probe)
    this.#probe = setTimeout(() => this.#ask(), probeMs)
    this.#probe.unref()
  }

  // One at a time: while the server hangs there is no use in a second.
  #ask(): void {
    if (this.#probing || this.#closed) return
    if (this.#connection.redis.status !== 'ready') return this.#probeLater()
    this.#probing = true
    const askedMs = performance.now()
    this.#connection.redis
      .time()
      .then(
        time => this.#told(time as unknown as readonly (string | number)[], askedMs),
        () => this.#away && this.#probeLater()
      )
      .finally(() => {
        this.#probing = false
      })
  }

  #told([seconds, micros]: readonly (string | number)[], askedMs: number): void {
    const nowMs = performance.now()
    this.#clock.set(Number(seconds) * 1e6 + Number(micros), nowMs)
    // It answers again, but what was asked was long ago.
    if (nowMs - askedMs > this.budgetMs) return void setImmediate(() => this.#ask())
    if (this.#away === undefined || this.#closed) return
    this.#away = undefined
    this.#tell(true, '')
  }

  #tell(available: boolean, reason: string): void {
    this.#onChange?.(available, reason)
    for (const listener of this.#listeners) listener(available)
  }
}
