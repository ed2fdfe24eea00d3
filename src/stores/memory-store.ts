/** The store that lives as long as the process: for tests, demonstrations and `SLUICE_STORE=memory:`. */
import { randomUUID } from 'node:crypto'
import type { Change, Commit, CommittedChange, ConfigSet, StoredItem } from '../core/change.ts'
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
import { StoreUnavailableError } from '../errors.ts'
import { CommitLog, defaultLogLength, type Previous, previousOf } from './commit-log.ts'
import { toConfigSet } from './config-set.ts'
import { readItemText, toItemText } from './item-text.ts'
import { LocalFleet } from './local-fleet.ts'
import { Watchers } from './watchers.ts'

/** What several handles of a memory store share. Made by `createMemoryBacking`. */
export interface MemoryBacking {
  /** Undefined until the first commit. */
  epoch: string | undefined
  readonly items: Map<string, StoredItem>
  readonly log: CommitLog
  readonly fleet: LocalFleet
  readonly handles: Set<Watchers>
  revision: number
  seq: number
}

/** @param logLength how many commits `commitsSince` reaches back. Default 1000. */
export function createMemoryBacking(logLength: number = defaultLogLength): MemoryBacking {
  return {
    epoch: undefined,
    items: new Map(),
    log: new CommitLog(logLength),
    fleet: new LocalFleet(),
    handles: new Set(),
    revision: 0,
    seq: 0
  }
}

/** A store in memory. Handles made with the same `shared` are two clients of one store. */
export function createMemoryStore(shared: MemoryBacking = createMemoryBacking()): ReseedableStore & HistoryStore & FleetStore {
  return new MemoryStore(shared)
}

class MemoryStore implements ReseedableStore, HistoryStore, FleetStore {
  readonly name = 'memory'
  readonly #shared: MemoryBacking
  readonly #watchers = new Watchers()
  #closed = false

  constructor(shared: MemoryBacking) {
    this.#shared = shared
  }

  async load(): Promise<ConfigSet> {
    this.#mustBeOpen()
    const { revision, epoch = '', items, log } = this.#shared
    return toConfigSet(revision, epoch, log.headOf(revision), items.values())
  }

  async commitsSince(revision: number, head?: string): Promise<readonly Commit[] | undefined> {
    this.#mustBeOpen()
    return this.#shared.log.since(revision, this.#shared.revision, head)
  }

  async position(): Promise<StorePosition> {
    this.#mustBeOpen()
    const { epoch, revision, log } = this.#shared
    return { epoch, revision, head: log.headOf(revision) }
  }

  async watch(onNotice: (notice?: Commit) => void, onState?: (state: StoreState) => void): Promise<void> {
    this.#mustBeOpen()
    this.#shared.handles.add(this.#watchers)
    this.#watchers.add({ onNotice, onState })
    this.#watchers.setState({ up: true })
    this.#watchers.notice()
  }

  async commit(changes: readonly Change[], by: string, precondition?: Precondition): Promise<Commit> {
    this.#mustBeOpen()
    const shared = this.#shared
    if (precondition !== undefined && precondition.revision !== shared.revision) throw new PreconditionError(shared.revision)
    // Every text is made before anything is kept: a change that cannot be written leaves no trace of the others.
    const texts = changes.map(change => (change.op === 'put' ? toItemText(change.item) : ''))
    const previous = changes.map(change => previousOf(shared.items.get(keyOf(change))))
    const committed = changes.map((change, index) => apply(shared, change, texts[index]!))
    shared.epoch ??= randomUUID()
    return this.#record(committed, by, previous)
  }

  async reseed(set: ConfigSet, by: string): Promise<Commit> {
    this.#mustBeOpen()
    const shared = this.#shared
    if (shared.epoch === set.epoch) throw new PreconditionError(shared.revision)
    // As texts, like everything that is kept; what could not be read has none.
    const items = set.items.filter(({ fault }) => fault === undefined)
    const kept = items.map(({ kind, id, item, seq }) => ({ kind, id, ...readItemText(toItemText(item)), seq }))
    shared.items.clear()
    for (const item of kept) shared.items.set(keyOf(item), item)
    shared.seq = Math.max(0, ...kept.map(({ seq }) => seq))
    shared.epoch = set.epoch
    shared.revision = set.revision
    shared.log.restart(set.revision, set.head)
    return this.#record([], by, [])
  }

  async history(options: { readonly before?: number; readonly limit: number }): Promise<readonly Commit[]> {
    this.#mustBeOpen()
    return this.#shared.log.history(options)
  }

  async announce(report: InstanceReport, ttlMs: number): Promise<void> {
    this.#mustBeOpen()
    this.#shared.fleet.announce(report, ttlMs)
  }

  async instances(): Promise<readonly InstanceReport[]> {
    this.#mustBeOpen()
    return this.#shared.fleet.instances()
  }

  async withdraw(id: string): Promise<void> {
    this.#mustBeOpen()
    this.#shared.fleet.withdraw(id)
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#watchers.clear()
    this.#shared.handles.delete(this.#watchers)
  }

  #record(changes: readonly CommittedChange[], by: string, previous: readonly Previous[]): Commit {
    const shared = this.#shared
    shared.revision += 1
    const commit: Commit = { revision: shared.revision, at: new Date().toISOString(), by, changes }
    shared.log.append(commit, previous)
    for (const watchers of shared.handles) watchers.notice(commit)
    return commit
  }

  #mustBeOpen(): void {
    if (this.#closed) throw new StoreUnavailableError({ cause: new Error('the store is closed') })
  }
}

function keyOf({ kind, id }: Pick<StoredItem, 'kind' | 'id'>): string {
  return `${kind}/${id}`
}

function apply(shared: MemoryBacking, change: Change, text: string): CommittedChange {
  const { kind, id } = change
  const key = keyOf(change)
  if (change.op === 'delete') {
    shared.items.delete(key)
    return { op: 'delete', kind, id }
  }
  const seq = shared.items.get(key)?.seq ?? ++shared.seq
  const stored: StoredItem = { kind, id, ...readItemText(text), seq }
  shared.items.set(key, stored)
  return { op: 'put', ...stored }
}
