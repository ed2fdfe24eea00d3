/** The store in Redis: shared by any number of instances, which hear of each commit at once. */
import { type Change, type Commit, type ConfigSet, kinds } from '../core/change.ts'
import {
  type FleetStore,
  type HistoryStore,
  type InstanceReport,
  type Precondition,
  PreconditionError,
  type ReseedableStore,
  type StorePosition,
  type StoreState
} from '../core/store.ts'
import { defaultLogLength } from './commit-log.ts'
import { maxItemBytes } from './item-text.ts'
import { type RedisAddress, toRedisAddress } from './redis-address.ts'
import { closedError, RedisClient } from './redis-client.ts'
import { readConfigSet, readHistory, readLog, readNotice, readPosition } from './redis-codec.ts'
import type { ConnectionOptions } from './redis-connection.ts'
import { announce, instances, withdraw } from './redis-fleet.ts'
import { namespacePattern, type RedisKeys, redisKeys } from './redis-keys.ts'
import { createScript } from './redis-script.ts'
import { openSubscriber } from './redis-subscriber.ts'
import { commitArgs, commitScript, patienceFor, readCommit, reseedArgs, reseedScript, writeKeys } from './redis-write.ts'
import { StoreLife } from './store-life.ts'
import { Watchers } from './watchers.ts'

export interface RedisStoreOptions {
  /** As `toRedisAddress` takes it. */
  readonly url: string
  /** Keeps the configurations of several gateways in one Redis apart. 1-64 of `a-z A-Z 0-9 . _ -`. */
  readonly namespace: string
  /** How many commits the log keeps at least; somewhat more are kept. Default 1000. */
  readonly logLength?: number
  /** What `CLIENT LIST` shows for the connections. Default `sluice`. */
  readonly name?: string
}

const loadScript = createScript('redis-functions.lua', 'redis-load.lua')
const logScript = createScript('redis-functions.lua', 'redis-log.lua')
const positionScript = createScript('redis-functions.lua', 'redis-position.lua')
const historyScript = createScript('redis-functions.lua', 'redis-history.lua')

/**
 * The store in Redis. It connects at once and keeps connecting; a call while the server is away rejects within a second.
 * A `commit` that rejects because its answer was lost may have been made: compare revisions before it is repeated.
 * @throws when an option is not valid; the message holds no password
 */
export function openRedisStore(options: RedisStoreOptions): ReseedableStore & HistoryStore & FleetStore {
  if (!namespacePattern.test(options.namespace)) throw new Error('a namespace is 1-64 of a-z A-Z 0-9 . _ -')
  return new RedisStore(toRedisAddress(options.url), options)
}

type Link = 'commands' | 'notices'

class RedisStore implements ReseedableStore, HistoryStore, FleetStore {
  readonly name = 'redis'
  readonly #connection: ConnectionOptions
  readonly #logLength: number
  readonly #keys: RedisKeys
  readonly #watchers = new Watchers()
  readonly #client: RedisClient
  readonly #links = new Map<Link, StoreState>()
  readonly #stateKnown = Promise.withResolvers<void>()
  #subscriber: { close(): Promise<void> } | undefined
  readonly #life = new StoreLife()
  #closed = false

  constructor(address: RedisAddress, { namespace, logLength = defaultLogLength, name = 'sluice' }: RedisStoreOptions) {
    this.#logLength = logLength
    this.#keys = redisKeys(namespace)
    this.#connection = { address, name: name.replace(/[^\x21-\x7e]/g, '-'), key: this.#keys.revision }
    this.#client = new RedisClient(this.#connection, {
      onReady: () => this.#setLink('commands', { up: true }),
      onLost: reason => this.#setLink('commands', { up: false, reason })
    })
  }

  async load(): Promise<ConfigSet> {
    const { revision, epoch, head, meta, items } = this.#keys
    const keys = [revision, epoch, head, meta, ...kinds.map(kind => items[kind])]
    const set = await this.#client.run(loadScript, keys, [maxItemBytes], readConfigSet)
    this.#life.load(set)
    return set
  }

  async commitsSince(revision: number, head?: string): Promise<readonly Commit[] | undefined> {
    const { revision: revisionKey, epoch, log: logKey, head: headKey } = this.#keys
    const log = await this.#client.run(logScript, [revisionKey, epoch, logKey, headKey], [revision, `${revision + 1}-0`], readLog)
    if (!this.#life.followsOn(log.epoch, revision) || (head !== undefined && head !== log.head)) return undefined
    if (revision === log.revision) return []
    const whole = log.commits?.[0]?.revision === revision + 1 && log.commits.at(-1)?.revision === log.revision
    return whole ? log.commits : undefined
  }

  async position(): Promise<StorePosition> {
    const { revision, epoch, head } = this.#keys
    return this.#client.run(positionScript, [revision, epoch, head], [], readPosition)
  }

  async watch(onNotice: (notice?: Commit) => void, onState?: (state: StoreState) => void): Promise<void> {
    if (this.#closed) throw closedError()
    this.#watchers.add({ onNotice, onState })
    if (this.#subscriber === undefined) {
      this.#subscriber = openSubscriber(this.#connection, this.#keys.notices, {
        onSubscribed: () => this.#setLink('notices', { up: true }),
        onLost: reason => this.#setLink('notices', { up: false, reason }),
        onMessage: text => this.#onMessage(text)
      })
      this.#report()
    } else if (this.#watchers.state?.up) this.#watchers.notice()
    await this.#stateKnown.promise
  }

  async commit(changes: readonly Change[], by: string, precondition?: Precondition): Promise<Commit> {
    const expected = precondition === undefined ? (['', ''] as const) : ([precondition.revision, this.#life.epoch] as const)
    const args = commitArgs(this.#keys, { changes, by, expected, logLength: this.#logLength })
    return this.#made(await this.#client.write(commitScript, writeKeys(this.#keys), args, readCommit, patienceFor(args)))
  }

  async reseed(set: ConfigSet, by: string): Promise<Commit> {
    const args = reseedArgs(this.#keys, set, by, this.#logLength)
    const made = await this.#client.write(reseedScript, writeKeys(this.#keys), args, readCommit, patienceFor(args))
    if (typeof made !== 'number') this.#life.load(set)
    return this.#made(made)
  }

  async history({ before, limit }: { readonly before?: number; readonly limit: number }): Promise<readonly Commit[]> {
    const commits: Commit[] = []
    let next = before
    while (commits.length < limit) {
      const wanted = limit - commits.length
      const newest = next === undefined ? '+' : `(${next}-0`
      const entries = await this.#client.run(historyScript, [this.#keys.epoch, this.#keys.log], [newest, wanted], readHistory)
      commits.push(...entries.flatMap(({ commit }) => commit ?? []))
      if (entries.length < wanted) break
      next = entries.at(-1)!.revision
    }
    return commits
  }

  async announce(report: InstanceReport, ttlMs: number): Promise<void> {
    await announce(this.#client, this.#keys, report, ttlMs)
  }

  async instances(): Promise<readonly InstanceReport[]> {
    return instances(this.#client, this.#keys)
  }

  async withdraw(id: string): Promise<void> {
    await withdraw(this.#client, this.#keys, id)
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#watchers.clear()
    this.#stateKnown.resolve()
    await Promise.all([this.#client.close(), this.#subscriber?.close()])
  }

  #made(made: ReturnType<typeof readCommit>): Commit {
    if (typeof made === 'number') throw new PreconditionError(made)
    this.#life.followsOn(made.epoch, made.commit.revision - 1)
    return made.commit
  }

  #onMessage(text: string): void {
    const { epoch, commit } = readNotice(text) ?? {}
    const isOurs = epoch !== undefined && commit !== undefined && this.#life.followsOn(epoch, commit.revision - 1)
    this.#watchers.notice(isOurs ? commit : undefined)
  }

  #setLink(link: Link, state: StoreState): void {
    this.#links.set(link, state)
    if (this.#subscriber !== undefined) this.#report()
  }

  /** The store is up when it can be asked and its notices arrive; what was published before that is lost, so a look is due. */
  #report(): void {
    const down = [...this.#links.values()].find(({ up }) => !up)
    if (down === undefined && this.#links.size < 2) return
    this.#watchers.setState(down ?? { up: true })
    if (down === undefined) this.#watchers.notice()
    this.#stateKnown.resolve()
  }
}
