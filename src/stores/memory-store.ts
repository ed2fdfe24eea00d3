/** The store that lives as long as the process: for tests, demonstrations and `SLUICE_STORE=memory:`. */
import { randomUUID } from 'node:crypto'
import type { Change, Commit, CommittedChange, ConfigSet, StoredItem } from '../core/change.ts'
import { type Precondition, PreconditionError, type StorePosition, type StoreState, type WritableStore } from '../core/store.ts'
import { StoreUnavailableError } from '../errors.ts'
import { CommitLog, defaultLogLength } from './commit-log.ts'
import { toConfigSet } from './config-set.ts'
import { readItemText, toItemText } from './item-text.ts'
import { Watchers } from './watchers.ts'

/** What several handles of a memory store share. Made by `createMemoryBacking`. */
export interface MemoryBacking {
  /** Undefined until the first commit. */
  epoch: string | undefined
  readonly items: Map<string, StoredItem>
  readonly log: CommitLog
  readonly handles: Set<Watchers>
  revision: number
  seq: number
}

/** @param logLength how many commits `commitsSince` reaches back. Default 1000. */
export function createMemoryBacking(logLength: number = defaultLogLength): MemoryBacking {
  return { epoch: undefined, items: new Map(), log: new CommitLog(logLength), handles: new Set(), revision: 0, seq: 0 }
}

/** A store in memory. Handles made with the same `shared` are two clients of one store. */
export function createMemoryStore(shared: MemoryBacking = createMemoryBacking()): WritableStore {
  return new MemoryStore(shared)
}

class MemoryStore implements WritableStore {
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
    const committed = changes.map((change, index) => apply(shared, change, texts[index]!))
    shared.epoch ??= randomUUID()
    shared.revision += 1
    const commit: Commit = { revision: shared.revision, at: new Date().toISOString(), by, changes: committed }
    shared.log.append(commit)
    for (const watchers of shared.handles) watchers.notice(commit)
    return commit
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#watchers.clear()
    this.#shared.handles.delete(this.#watchers)
  }

  #mustBeOpen(): void {
    if (this.#closed) throw new StoreUnavailableError({ cause: new Error('the store is closed') })
  }
}

function apply(shared: MemoryBacking, change: Change, text: string): CommittedChange {
  const { kind, id } = change
  const key = `${kind}/${id}`
  if (change.op === 'delete') {
    shared.items.delete(key)
    return { op: 'delete', kind, id }
  }
  const seq = shared.items.get(key)?.seq ?? ++shared.seq
  const stored: StoredItem = { kind, id, ...readItemText(text), seq }
  shared.items.set(key, stored)
  return { op: 'put', ...stored }
}
