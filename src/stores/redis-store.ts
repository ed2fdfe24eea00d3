/** The store in Redis: shared by any number of instances, which hear of each commit at once. */
import { randomUUID } from 'node:crypto'
import { type Change, type Commit, type ConfigSet, kinds } from '../core/change.ts'
import { type Precondition, PreconditionError, type StorePosition, type StoreState, type WritableStore } from '../core/store.ts'
import { StoreUnavailableError } from '../errors.ts'
import { defaultLogLength } from './commit-log.ts'
import { within } from './deadline.ts'
import { maxItemBytes, toItemText } from './item-text.ts'
import { readConfigSet, readLog, readNotice, readPosition } from './redis-codec.ts'
import { openConnection, type RedisConnection, silenceMs, toReason } from './redis-connection.ts'
import { namespacePattern, type RedisKeys, redisKeys } from './redis-keys.ts'
import { createScript, type RedisScript } from './redis-script.ts'
import { openSubscriber } from './redis-subscriber.ts'
import { Watchers } from './watchers.ts'

export interface RedisStoreOptions {
  /** `redis://[user:password@]host[:port][/database]`, or `rediss://` for TLS. */
  readonly url: string
  /** Keeps the configurations of several gateways in one Redis apart. 1-64 of `a-z A-Z 0-9 . _ -`. */
  readonly namespace: string
  /** How many commits the log keeps at least; somewhat more are kept. Default 1000. */
  readonly logLength?: number
  /** What `CLIENT LIST` shows for the connections. Default `sluice`. */
  readonly name?: string
}

/** A commit longer than this, in bytes of JSON, travels as its revision only: the instances then read the items. */
const maxNoticeBytes = 1024 * 1024

const commitScript = createScript('redis-commit.lua')
const loadScript = createScript('redis-head.lua', 'redis-load.lua')
const logScript = createScript('redis-head.lua', 'redis-log.lua')
const positionScript = createScript('redis-head.lua', 'redis-position.lua')

/**
 * The store in Redis. It connects at once and keeps connecting; a call while the server is away rejects within a second.
 * A `commit` that rejects because its answer was lost may have been made: compare revisions before it is repeated.
 * @throws when an option is not valid; the message holds no password
 */
export function openRedisStore(options: RedisStoreOptions): WritableStore {
  if (!namespacePattern.test(options.namespace)) throw new Error('a namespace is 1-64 of a-z A-Z 0-9 . _ -')
  if (!/^rediss?:\/\//.test(options.url) || !URL.canParse(options.url)) throw new Error('the store is no valid redis:// or rediss:// URL')
  return new RedisStore(options)
}

type Link = 'commands' | 'notices'

class RedisStore implements WritableStore {
  readonly name = 'redis'
  readonly #url: string
  readonly #clientName: string
  readonly #logLength: number
  readonly #keys: RedisKeys
  readonly #watchers = new Watchers()
  readonly #commands: RedisConnection
  readonly #links = new Map<Link, StoreState>()
  readonly #stateKnown = Promise.withResolvers<void>()
  #subscriber: { close(): Promise<void> } | undefined
  /** What was loaded last; the epoch becomes that of the first commit where there was none. */
  #loaded: Pick<ConfigSet, 'epoch' | 'revision'> | undefined
  #closed = false

  constructor({ url, namespace, logLength = defaultLogLength, name = 'sluice' }: RedisStoreOptions) {
    this.#url = url
    this.#clientName = name.replace(/[^\x21-\x7e]/g, '-')
    this.#logLength = logLength
    this.#keys = redisKeys(namespace)
    this.#commands = openConnection(url, this.#clientName, {
      onReady: () => this.#setLink('commands', { up: true }),
      onLost: reason => this.#setLink('commands', { up: false, reason })
    })
  }

  async load(): Promise<ConfigSet> {
    const { revision, epoch, log, meta, items } = this.#keys
    const keys = [revision, epoch, log, meta, ...kinds.map(kind => items[kind])]
    const set = await this.#run(loadScript, keys, [maxItemBytes], readConfigSet)
    // Not the set itself: its items are not to be held here.
    this.#loaded = { epoch: set.epoch, revision: set.revision }
    return set
  }

  async commitsSince(revision: number, head?: string): Promise<readonly Commit[] | undefined> {
    const { revision: revisionKey, epoch, log: logKey } = this.#keys
    const log = await this.#run(logScript, [revisionKey, epoch, logKey], [revision, `${revision + 1}-0`], readLog)
    if (!this.#followsOn(log.epoch, revision) || (head !== undefined && head !== log.head)) return undefined
    if (revision === log.revision) return []
    const whole = log.commits?.[0]?.revision === revision + 1 && log.commits.at(-1)?.revision === log.revision
    return whole ? log.commits : undefined
  }

  async position(): Promise<StorePosition> {
    const { revision, epoch, log } = this.#keys
    return this.#run(positionScript, [revision, epoch, log], [], readPosition)
  }

  async watch(onNotice: (notice?: Commit) => void, onState?: (state: StoreState) => void): Promise<void> {
    if (this.#closed) throw closedError()
    this.#watchers.add({ onNotice, onState })
    if (this.#subscriber === undefined) {
      this.#subscriber = openSubscriber(this.#url, this.#clientName, this.#keys.notices, {
        onSubscribed: () => this.#setLink('notices', { up: true }),
        onLost: reason => this.#setLink('notices', { up: false, reason }),
        onMessage: text => this.#onMessage(text)
      })
      this.#report()
    } else if (this.#watchers.state?.up) this.#watchers.notice()
    await this.#stateKnown.promise
  }

  async commit(changes: readonly Change[], by: string, precondition?: Precondition): Promise<Commit> {
    const { revision, epoch, seq, meta, log, notices, items } = this.#keys
    const keys = [revision, epoch, seq, meta, log]
    const expected = precondition === undefined ? ['', ''] : [precondition.revision, this.#loaded?.epoch ?? '']
    const args = [...expected, randomUUID(), this.#logLength, JSON.stringify(by), notices, maxNoticeBytes].concat(
      changes.flatMap(change => toArgs(change, keys.length + 1))
    )
    const answer = this.#run(commitScript, [...keys, ...kinds.map(kind => items[kind])], args, readCommit)
    const made = await within(silenceMs, 'the server did not answer in time', answer).catch(toUnavailable)
    if (typeof made === 'number') throw new PreconditionError(made)
    this.#followsOn(made.epoch, made.commit.revision - 1)
    return made.commit
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#watchers.clear()
    this.#stateKnown.resolve()
    await Promise.all([this.#commands.close(), this.#subscriber?.close()])
  }

  async #run<T>(script: RedisScript, keys: string[], args: (string | number)[], read: (answer: unknown) => T): Promise<T> {
    if (this.#closed) throw closedError()
    try {
      await within(silenceMs, 'the server cannot be reached', this.#commands.ready())
      return read(await script.run(this.#commands.redis, keys, args))
    } catch (error) {
      return toUnavailable(error)
    }
  }

  #onMessage(text: string): void {
    const notice = readNotice(text)
    const commit = notice?.commit
    const isOurs = commit !== undefined && this.#followsOn(notice!.epoch, commit.revision - 1)
    this.#watchers.notice(isOurs ? commit : undefined)
  }

  /** Whether what comes after `revision` in the life `epoch` goes on from what was loaded: data of another life may be at any revision. */
  #followsOn(epoch: string, revision: number): boolean {
    const loaded = this.#loaded
    if (loaded === undefined || loaded.epoch === epoch) return true
    // The first commit gives an empty store its epoch.
    if (loaded.epoch !== '' || loaded.revision !== revision) return false
    this.#loaded = { epoch, revision }
    return true
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

function toArgs(change: Change, firstItemKey: number): (string | number)[] {
  const { op, kind, id } = change
  return [op, kind, firstItemKey + kinds.indexOf(kind), id, JSON.stringify(id), op === 'put' ? toItemText(change.item) : '']
}

/** The commit, or the revision of the store when the precondition did not hold. */
function readCommit(answer: unknown): { readonly epoch: string; readonly commit: Commit } | number {
  const [outcome, value] = answer as ['ok', string] | ['precondition', number]
  if (outcome === 'precondition') return value
  const { epoch, commit } = readNotice(value) ?? {}
  if (epoch === undefined || commit === undefined) throw new Error('the server answered a commit with something else')
  return { epoch, commit }
}

function closedError(): Error {
  return new StoreUnavailableError({ cause: new Error('the store is closed') })
}

function toUnavailable(error: unknown): never {
  if (error instanceof StoreUnavailableError) throw error
  throw new StoreUnavailableError({ cause: new Error(toReason(error)) })
}
