/** The store in etcd: shared by any number of instances, which hear of each commit at once. */
import type { Change, Commit, ConfigSet } from '../core/change.ts'
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
import { BodyTooLargeError, InvalidBodyError, StoreUnavailableError } from '../errors.ts'
import { EtcdClient } from '../etcd/etcd-client.ts'
import { EtcdKv } from '../etcd/etcd-kv.ts'
import { defaultLogLength } from './commit-log.ts'
import { toEtcdAddress } from './etcd-address.ts'
import { commitChanges } from './etcd-commit.ts'
import { EtcdFleet } from './etcd-fleet.ts'
import { EtcdFollower } from './etcd-follower.ts'
import { etcdKeys } from './etcd-keys.ts'
import { readCommitOf, readHistory, readLogFrom, readSet } from './etcd-read.ts'
import { type EtcdSpace, findHead } from './etcd-space.ts'
import { finish, writeReseed } from './etcd-write.ts'
import { StoreLife } from './store-life.ts'

export interface EtcdStoreOptions {
  /** As `toEtcdAddress` takes it. */
  readonly url: string
  /** Keeps the configurations of several gateways in one etcd apart. */
  readonly namespace: string
  /** How many commits the log keeps. Default 1000. */
  readonly logLength?: number
  /** How much of large commits is kept for the log, in MiB; a commit of more than a quarter of that is not. Default 64. */
  readonly largeLogMiB?: number
  /** Who the commits of edits by hand are by. Default `etcd`. */
  readonly by?: string
}

/**
 * The store in etcd. A call while no server answers rejects within a second; one that reads or writes much may take longer when they do. A `commit`
 * that rejects because its answer was lost may have been made: compare revisions before it is repeated.
 * @throws when an option is not valid; the message holds no password
 */
export function openEtcdStore({
  url,
  namespace,
  logLength = defaultLogLength,
  largeLogMiB = 64,
  by = 'etcd'
}: EtcdStoreOptions): ReseedableStore & HistoryStore & FleetStore {
  const address = toEtcdAddress(url, namespace)
  const client = new EtcdClient(address)
  return new EtcdStore(client, { kv: new EtcdKv(client), keys: etcdKeys(address.root), logLength, logParts: largeLogMiB }, by)
}

class EtcdStore implements ReseedableStore, HistoryStore, FleetStore {
  readonly name = 'etcd'
  readonly #client: EtcdClient
  readonly #space: EtcdSpace
  readonly #life = new StoreLife()
  readonly #fleet: EtcdFleet
  readonly #follower: EtcdFollower
  #writing: Promise<unknown> = Promise.resolve()
  #closed = false

  constructor(client: EtcdClient, space: EtcdSpace, by: string) {
    this.#client = client
    this.#space = space
    this.#fleet = new EtcdFleet(space)
    this.#follower = new EtcdFollower(client, space, this.#life, by)
  }

  load(): Promise<ConfigSet> {
    return this.#guarded(async () => {
      const set = await readSet(this.#space)
      this.#life.load(set)
      return set
    })
  }

  commitsSince(revision: number, head?: string): Promise<readonly Commit[] | undefined> {
    return this.#guarded(async () => {
      const log = await readLogFrom(this.#space, revision)
      const base = log.entries.find(entry => entry.revision === revision)
      if (!this.#life.followsOn(log.epoch, revision) || (head !== undefined && head !== base?.at)) return undefined
      if (revision === log.revision) return []
      const entries = log.entries.filter(entry => entry.revision > revision && entry.epoch === log.epoch)
      if (entries[0]?.revision !== revision + 1 || entries.length !== log.revision - revision) return undefined
      const commits: Commit[] = []
      for (const entry of entries) {
        const commit = await readCommitOf(this.#space, entry)
        if (commit === undefined) return undefined
        commits.push(commit)
      }
      return commits
    })
  }

  position(): Promise<StorePosition> {
    return this.#guarded(async () => {
      const { head } = await findHead(this.#space)
      return { epoch: head?.epoch, revision: head?.revision ?? 0, head: head?.at }
    })
  }

  async watch(onNotice: (notice?: Commit) => void, onState?: (state: StoreState) => void): Promise<void> {
    if (this.#closed) throw closedError()
    await this.#follower.watch({ onNotice, onState })
  }

  commit(changes: readonly Change[], by: string, precondition?: Precondition): Promise<Commit> {
    // One after the other: those of one instance need not contend with each other.
    const made = this.#writing.then(() =>
      this.#guarded(async () => {
        const request = { changes, by, precondition, epoch: this.#life.epoch }
        const { epoch, commit } = await commitChanges(this.#space, request)
        this.#life.followsOn(epoch, commit.revision - 1)
        return commit
      })
    )
    this.#writing = made.catch(() => {})
    return made
  }

  reseed(set: ConfigSet, by: string): Promise<Commit> {
    return this.#guarded(async () => {
      const found = await findHead(this.#space)
      const commit = found.head?.epoch === set.epoch ? undefined : await writeReseed(this.#space, set, by, found.modRevision)
      const now = await findHead(this.#space)
      if (commit === undefined) throw new PreconditionError(now.head?.revision ?? 0)
      this.#life.load(set)
      // The commit is made: that its items are in place is for the next one to see to when it fails here.
      await finish(this.#space, now).catch(() => {})
      return commit
    })
  }

  history(options: { readonly before?: number; readonly limit: number }): Promise<readonly Commit[]> {
    return this.#guarded(() => readHistory(this.#space, options))
  }

  announce(report: InstanceReport, ttlMs: number): Promise<void> {
    return this.#guarded(() => this.#fleet.announce(report, ttlMs))
  }

  instances(): Promise<readonly InstanceReport[]> {
    return this.#guarded(() => this.#fleet.instances())
  }

  withdraw(id: string): Promise<void> {
    return this.#guarded(() => this.#fleet.withdraw(id))
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#follower.close()
    await this.#client.close()
  }

  async #guarded<T>(task: () => Promise<T>): Promise<T> {
    if (this.#closed) throw closedError()
    try {
      return await task()
    } catch (error) {
      if (expected.some(known => error instanceof known)) throw error
      throw new StoreUnavailableError({ cause: error instanceof Error ? error : new Error(String(error)) })
    }
  }
}

const expected = [PreconditionError, StoreUnavailableError, BodyTooLargeError, InvalidBodyError]

function closedError(): Error {
  return new StoreUnavailableError({ cause: new Error('the store is closed') })
}
