/**
 * Follows the store and holds what is live. Every instance runs the same loop: a notice carries a commit; when it is the next one it is
 * applied at once, when there is a gap the log is read, when the log is too short everything is loaded. One assignment is the switch.
 */
import { EventEmitter } from 'node:events'
import { changesTo } from '../core/catch-up.ts'
import type { Commit, CommittedChange, ConfigSet } from '../core/change.ts'
import { ConfigState } from '../core/config-state.ts'
import type { ItemParser } from '../core/live-item.ts'
import type { Snapshot } from '../core/snapshot.ts'
import type { Store, StoreState } from '../core/store.ts'

/** What a listener hears of. */
interface LiveEvents {
  /** A revision was applied. */
  applied: [event: Applied]
  /** The store went away or came back, or says something new about why it is away. */
  store: [state: StoreState]
  /** Following failed for now; it goes on by itself. */
  trouble: [error: unknown]
}

export interface Applied {
  readonly revision: number
  /** How many items the revision changed. */
  readonly changes: number
  /** What it took to compile and switch, in milliseconds. */
  readonly durationMs: number
  readonly state: ConfigState
  /** Undefined when everything was loaded. */
  readonly commit: Commit | undefined
}

export interface LiveConfigOptions {
  readonly store: Store
  readonly parse: ItemParser
  /** Wait between two attempts to read a store that does not answer, in milliseconds. Default 250. */
  readonly retryMs?: number
}

export class LiveConfig extends EventEmitter<LiveEvents> {
  readonly #store: Store
  readonly #parse: ItemParser
  readonly #retryMs: number
  #state: ConfigState | undefined
  #epoch: string | undefined
  #storeState: StoreState & { readonly since: string } = { up: false, reason: 'not connected yet', since: new Date().toISOString() }
  #lastApplied: { readonly at: string; readonly revision: number } | undefined
  #catchingUp: Promise<void> | undefined
  #behind = false
  #retry: NodeJS.Timeout | undefined
  #closed = false

  constructor({ store, parse, retryMs = 250 }: LiveConfigOptions) {
    super()
    this.#store = store
    this.#parse = parse
    this.#retryMs = retryMs
  }

  /** Undefined until the first load. */
  get state(): ConfigState | undefined {
    return this.#state
  }

  /** What requests are matched against. Undefined until the first load. */
  get snapshot(): Snapshot | undefined {
    return this.#state?.snapshot
  }

  get storeName(): string {
    return this.#store.name
  }

  /** Whether the store answers, why not, and since when (RFC 3339). */
  get storeState(): StoreState & { readonly since: string } {
    return this.#storeState
  }

  get lastApplied(): { readonly at: string; readonly revision: number } | undefined {
    return this.#lastApplied
  }

  /** Begins to follow. Resolves after the first attempt to load, whether it succeeded or not: following goes on by itself. */
  async start(): Promise<void> {
    await this.#store.watch(
      commit => (commit === undefined ? void this.catchUp() : this.receive(commit)),
      state => this.#setStoreState(state)
    )
    await this.catchUp()
  }

  /** Applies `commit` if it is the next one; an older one is ignored, a gap is closed from the store. */
  receive(commit: Commit): void {
    if (this.#closed) return
    const revision = this.#state?.revision
    if (revision === undefined || commit.revision > revision + 1) return void this.catchUp()
    if (commit.revision === revision + 1) this.#apply(commit.revision, commit.changes, commit)
  }

  /** Reads what is missing from the store. Calls while one is under way make it go round once more. Never rejects. */
  catchUp(): Promise<void> {
    this.#behind = true
    this.#catchingUp ??= this.#runCatchUp().finally(() => {
      this.#catchingUp = undefined
    })
    return this.#catchingUp
  }

  /** Loads everything again and applies what differs: for `SIGHUP`. Rejects when the store does not answer. */
  async reload(): Promise<void> {
    this.#adopt(await this.#store.load())
  }

  /** Resolves true once at least `revision` is live here; false after `timeoutMs`. */
  async reached(revision: number, timeoutMs: number): Promise<boolean> {
    if (this.#isAt(revision)) return true
    return new Promise(resolve => {
      const done = (result: boolean): void => {
        clearTimeout(timer)
        this.off('applied', check)
        resolve(result)
      }
      const check = (): void => {
        if (this.#isAt(revision)) done(true)
      }
      const timer = setTimeout(() => done(false), timeoutMs)
      this.on('applied', check)
      void this.catchUp()
    })
  }

  /** Stops following. What is live stays readable. The store is the caller's to close. */
  close(): void {
    this.#closed = true
    clearTimeout(this.#retry)
  }

  #isAt(revision: number): boolean {
    return this.#state !== undefined && this.#state.revision >= revision
  }

  async #runCatchUp(): Promise<void> {
    while (this.#behind && !this.#closed) {
      this.#behind = false
      try {
        await this.#readMissing()
      } catch (error) {
        if (this.#closed) return
        this.emit('trouble', error)
        this.#scheduleRetry()
        return
      }
    }
  }

  async #readMissing(): Promise<void> {
    if (this.#state !== undefined) {
      const commits = await this.#store.commitsSince(this.#state.revision)
      if (commits !== undefined) {
        // Notices may have been applied while the log was read: `receive` drops what is known.
        for (const commit of commits)
          if (!this.#closed && commit.revision === this.#state.revision + 1) this.#apply(commit.revision, commit.changes, commit)
        return
      }
    }
    const set = await this.#store.load()
    if (!this.#closed) this.#adopt(set)
  }

  // A full load that is older than what is live (a notice was faster) is no news. Another epoch is another life of the store: when
  // that one is empty the data were lost, which never means "delete everything".
  #adopt(set: ConfigSet): void {
    const isSameLife = this.#epoch === undefined || this.#epoch === set.epoch
    if (this.#state !== undefined && isSameLife && set.revision < this.#state.revision) return
    if (!isSameLife && set.items.length === 0)
      return this.#setStoreState({ up: true, reason: 'the store lost its data; the last good configuration stays live' })
    this.#epoch = set.epoch
    const changes = changesTo(this.#state ?? ConfigState.empty, set)
    if (this.#state?.revision === set.revision && changes.length === 0) return
    this.#apply(set.revision, changes, undefined)
  }

  #apply(revision: number, changes: readonly CommittedChange[], commit: Commit | undefined): void {
    const begin = performance.now()
    const state = (this.#state ?? ConfigState.empty).apply({ revision, changes }, this.#parse)
    this.#state = state
    this.#lastApplied = { at: new Date().toISOString(), revision }
    this.emit('applied', { revision, changes: changes.length, durationMs: performance.now() - begin, state, commit })
  }

  #scheduleRetry(): void {
    clearTimeout(this.#retry)
    this.#retry = setTimeout(() => void this.catchUp(), this.#retryMs)
  }

  #setStoreState(state: StoreState): void {
    const { up, reason } = this.#storeState
    if (up === state.up && reason === state.reason) return
    this.#storeState = { ...state, since: up === state.up ? this.#storeState.since : new Date().toISOString() }
    this.emit('store', state)
  }
}
