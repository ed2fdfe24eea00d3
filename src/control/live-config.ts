/**
 * Follows the store and holds what is live. Every instance runs the same loop: a notice carries a commit; when it is the next one it is
 * applied at once, when there is a gap the log is read, when the log is too short everything is loaded. One assignment is the switch.
 * Notices can be lost, so positions are compared after every reconnection and on a short timer.
 */
import { EventEmitter } from 'node:events'
import { changesTo, overlayChanges } from '../core/catch-up.ts'
import type { Commit, CommittedChange, ConfigSet, StoredItem } from '../core/change.ts'
import { ConfigState } from '../core/config-state.ts'
import { type AppliedPosition, followStep } from '../core/follow.ts'
import { RolloutTraffic } from '../core/rollout-traffic.ts'
import type { Snapshot } from '../core/snapshot.ts'
import type { Store, StoreState } from '../core/store.ts'
import type { Estrangement, LiveConfigOptions, LiveEvents, Source } from './live-events.ts'

export type { Applied, Estrangement, Source } from './live-events.ts'

export class LiveConfig extends EventEmitter<LiveEvents> {
  readonly #store: Store
  readonly #options: Required<LiveConfigOptions>
  readonly #createdMs = performance.now()
  #state: ConfigState | undefined
  #rollout: RolloutTraffic | undefined
  #epoch = ''
  #head: string | undefined
  #overlay: ReadonlyMap<string, StoredItem> | undefined
  #source: Source = 'store'
  #estranged: Estrangement | undefined
  #storeState: StoreState & { readonly since: string } = { up: false, reason: 'not connected yet', since: new Date().toISOString() }
  #lastApplied: { readonly at: string; readonly revision: number } | undefined
  #catchingUp: Promise<void> | undefined
  #behind = false
  // Whether positions were compared since the store was last away: before that, a notice may go on from another past than ours.
  #verified = false
  #timer: NodeJS.Timeout | undefined
  #closed = false

  constructor(options: LiveConfigOptions) {
    super()
    this.#store = options.store
    this.#options = { fallback: { read: async () => undefined }, retryMs: 250, pollMs: 500, patienceMs: 300, ...options }
  }

  /** Undefined until the first load. */
  get state(): ConfigState | undefined {
    return this.#state
  }

  /** What requests are matched against. Undefined until the first load. */
  get snapshot(): Snapshot | undefined {
    return this.#state?.snapshot
  }

  /** The rollout that is running: some requests follow its configuration. */
  get rollout(): RolloutTraffic | undefined {
    return this.#rollout
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

  get source(): Source {
    return this.#source
  }

  /** Why the store is not followed although it answers. */
  get estranged(): Estrangement | undefined {
    return this.#estranged
  }

  /** What is live, as a store holds it. Undefined until the first load. */
  get liveSet(): (Omit<ConfigSet, 'items'> & { readonly items: Iterable<StoredItem> }) | undefined {
    if (this.#state === undefined) return undefined
    const { revision } = this.#state
    return { revision, epoch: this.#epoch, ...(this.#head === undefined ? {} : { head: this.#head }), items: this.#state.liveItems() }
  }

  /**
   * Begins to follow. Resolves after the first attempt to load, whether it succeeded or not: following goes on by itself. A store that
   * takes longer than `patienceMs` is not waited for when there is a fallback.
   */
  async start(): Promise<void> {
    const first = this.#store
      .watch(
        commit => (commit === undefined ? void this.catchUp() : this.receive(commit)),
        state => this.#setStoreState(state)
      )
      .then(() => this.catchUp())
    // What happened since the store began to connect may have left no time for its answers: some is left to them in any case.
    const { patienceMs } = this.#options
    await within(first, Math.max(patienceMs / 3, this.#createdMs + patienceMs - performance.now()))
    if (this.#state === undefined && !(await this.#fallBack())) await first
    this.#timer ??= this.#schedule(this.#options.pollMs)
  }

  /** Applies `commit` if it is the next one; an older one is ignored, a gap is closed from the store. */
  receive(commit: Commit): void {
    if (this.#closed) return
    const revision = this.#state?.revision
    if (revision === undefined || !this.#verified || this.#estranged !== undefined || commit.revision > revision + 1)
      return void this.catchUp()
    if (commit.revision === revision + 1) this.#apply(commit.revision, commit.changes, commit)
    else if (commit.revision === revision && commit.at !== this.#head) void this.catchUp()
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
    const set = await this.#store.load()
    if (this.#estranged === undefined) this.#adopt(set)
    await this.catchUp()
  }

  /** Follows the store again although it is of another life, whatever it holds. Rejects when it does not answer. */
  async follow(): Promise<void> {
    const set = await this.#store.load()
    this.#setEstranged(undefined)
    this.#source = 'store'
    this.#adopt(set)
  }

  /** Goes on from a store that was given back what is live here. */
  reseeded(commit: Commit): void {
    this.#setEstranged(undefined)
    this.receive(commit)
  }

  /**
   * Makes `items` the rules from beside the store (`isOverlay`), at the same revision. Before the first load they wait for it. When all of
   * them are gone although the store lost its data as well, they stay as they are.
   */
  setOverlay(items: ReadonlyMap<string, StoredItem>): void {
    const isWaiting = this.#overlay !== undefined
    this.#overlay = items
    if (this.#state === undefined) {
      if (!isWaiting) this.once('applied', () => this.#applyOverlay())
    } else if (items.size > 0) this.#applyOverlay()
    // Whether the store lost its data, too, is asked before all of them go.
    else void this.catchUp().then(() => this.#applyOverlay())
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
    clearTimeout(this.#timer)
  }

  #isAt(revision: number): boolean {
    return this.#state !== undefined && this.#state.revision >= revision
  }

  #applied(): AppliedPosition | undefined {
    if (this.#state === undefined) return undefined
    return { epoch: this.#epoch, revision: this.#state.revision, head: this.#head }
  }

  async #runCatchUp(): Promise<void> {
    clearTimeout(this.#timer)
    let waitMs = this.#options.pollMs
    while (this.#behind && !this.#closed) {
      this.#behind = false
      try {
        await this.#readMissing()
        this.#verified = true
      } catch (error) {
        waitMs = this.#options.retryMs
        if (!this.#closed) this.emit('trouble', error)
        break
      }
    }
    if (!this.#closed) this.#timer = this.#schedule(waitMs)
  }

  #schedule(waitMs: number): NodeJS.Timeout {
    clearTimeout(this.#timer)
    return setTimeout(() => void this.catchUp(), waitMs)
  }

  async #readMissing(): Promise<void> {
    const mine = this.#applied()
    const store = await this.#store.position()
    const step = followStep(mine, store)
    if (step === 'current') return this.#settle(store.epoch)
    if (step === 'lost') return this.#setEstranged('lost')
    if (step === 'log' && (await this.#readLog())) return this.#settle(store.epoch)
    const set = await this.#store.load()
    if (this.#closed) return
    if (step === 'replaced' && this.#mustHold(set)) return this.#setEstranged('replaced')
    if (isVoid(set) && (await this.#holdsMore())) return this.#setEstranged('lost')
    // A notice may have been faster than this load: then it is old news, unless the store itself went back.
    if (this.#state !== undefined && step !== 'replaced' && set.revision < this.#state.revision && this.#state.revision !== mine?.revision)
      return
    if (step === 'went_back' && this.#source === 'store') this.emit('went_back', { from: mine?.revision ?? 0, to: set.revision })
    this.#source = 'store'
    this.#adopt(set)
    this.#settle(set.epoch)
  }

  // Notices may have been applied while the log was read: only what is next is applied.
  async #readLog(): Promise<boolean> {
    const commits = await this.#store.commitsSince(this.#state!.revision, this.#head)
    if (commits === undefined) return false
    for (const commit of commits)
      if (!this.#closed && commit.revision === this.#state!.revision + 1) this.#apply(commit.revision, commit.changes, commit)
    return true
  }

  // What is live is what the store holds. The first commit of all gives it its epoch.
  #settle(epoch: string | undefined): void {
    if (this.#epoch === '') this.#epoch = epoch ?? ''
    this.#source = 'store'
    this.#setEstranged(undefined)
  }

  // Another life is followed when nothing of ours would go, and by an instance that only remembers ours.
  #mustHold(set: ConfigSet): boolean {
    if (this.#source === 'last_good' && set.items.length > 0) return false
    return changesTo(this.#state ?? ConfigState.empty, set).some(change => change.op === 'delete')
  }

  // Against a store that holds nothing: whether there is a configuration here or on disk that it must have lost.
  async #holdsMore(): Promise<boolean> {
    if (this.#state === undefined) return this.#fallBack()
    return this.#state.digest !== ConfigState.empty.digest
  }

  async #fallBack(): Promise<boolean> {
    const saved = await this.#options.fallback.read()
    if (saved === undefined || saved.items.length === 0 || this.#state !== undefined || this.#closed) return false
    this.#source = 'last_good'
    this.#adopt(saved)
    return true
  }

  #adopt(set: ConfigSet): void {
    const before = this.#state
    const changes = changesTo(before ?? ConfigState.empty, set)
    this.#epoch = set.epoch
    this.#head = set.head
    if (before?.revision !== set.revision || changes.length > 0) this.#apply(set.revision, changes, undefined)
  }

  #apply(revision: number, changes: readonly CommittedChange[], commit: Commit | undefined): void {
    const begin = performance.now()
    const before = this.#state
    const state = (before ?? ConfigState.empty).apply({ revision, changes }, this.#options.parse)
    this.#state = state
    this.#rollout = RolloutTraffic.next(this.#rollout, state)
    if (commit !== undefined) {
      this.#head = commit.at
      // Commits come from the store only: whoever keeps the last good configuration must hear of it, also after a start without the store.
      this.#source = 'store'
    }
    // The first commit of all gave the store its epoch, which a commit does not name: until it is known, a loss could not be told from a beginning.
    if (commit !== undefined && this.#epoch === '') void this.catchUp()
    this.#lastApplied = { at: new Date().toISOString(), revision }
    const durationMs = performance.now() - begin
    this.emit('applied', { revision, changes: changes.length, durationMs, state, before, commit, source: this.#source })
  }

  #applyOverlay(): void {
    const items = this.#overlay
    if (items === undefined || this.#state === undefined || this.#closed) return
    if (items.size === 0 && this.#estranged === 'lost') return
    const changes = overlayChanges(this.#state, items)
    if (changes.length > 0) this.#apply(this.#state.revision, changes, undefined)
  }

  #setEstranged(reason: Estrangement | undefined): void {
    if (this.#estranged === reason) return
    this.#estranged = reason
    this.emit('estranged', reason)
    if (reason === undefined) this.#applyOverlay()
  }

  #setStoreState(state: StoreState): void {
    if (!state.up) this.#verified = false
    const { up, reason } = this.#storeState
    if (up === state.up && reason === state.reason) return
    this.#storeState = { ...state, since: up === state.up ? this.#storeState.since : new Date().toISOString() }
    this.emit('store', state)
  }
}

/** Nothing was ever committed to it. */
function isVoid({ epoch, items }: ConfigSet): boolean {
  return epoch === '' && items.length === 0
}

/** Resolves when `work` does, or after `ms`. */
async function within(work: Promise<unknown>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise(resolve => {
    timer = setTimeout(resolve, ms)
  })
  await Promise.race([work, late])
  clearTimeout(timer)
}
