/**
 * The one way in for changes of the admin API. A plan is made from the state, checked as if it were applied, and committed on the
 * condition that the store is still at that state's revision; when another writer was faster, all of it is done again.
 */

import { randomUUID } from 'node:crypto'
import type { ConfigState } from '../core/config-state.ts'
import type { ItemParser } from '../core/live-item.ts'
import { PreconditionError, type ReseedableStore, type WritableStore } from '../core/store.ts'
import { type Warning, warningsOf } from '../core/warnings.ts'
import { NotAppliedError, NotEstrangedError, NotReadyError, StoreLostError, StoreUnavailableError, WriteContendedError } from '../errors.ts'
import { checkChanges } from './check-changes.ts'
import { keepDiscoverySecrets } from './discovery-secrets.ts'
import type { LiveConfig } from './live-config.ts'
import { type Plan, type PlannedChange, rulesOf, type SentItem } from './planned-change.ts'
import { isEverywhere, type Spread, type SpreadWait } from './spread.ts'
import { strictWarnings } from './strict-warnings.ts'

export interface WriteOptions {
  /** Who writes: the name of a token. */
  readonly by: string
  /** Check everything, write nothing. Default false. */
  readonly dryRun?: boolean
  /** How long to wait until the other instances follow the write, too, in milliseconds. Default: not at all. */
  readonly waitMs?: number
  /** Refuse a write that leaves warnings. Default false. */
  readonly strict?: boolean
  /** Items that were sent and may need no change: faults can point at them. */
  readonly sent?: readonly SentItem[]
}

export interface WriteResult {
  /** The revision the write made; the current one when there was nothing to write or in a dry run. */
  readonly revision: number
  readonly before: ConfigState
  /** What the write made, or would make after a dry run. What is live by now may be newer. */
  readonly after: ConfigState
  readonly changes: readonly PlannedChange[]
  readonly dryRun: boolean
  /** What it leaves behind that may not be meant. */
  readonly warnings: readonly Warning[]
  /** With `waitMs`, when not every live instance followed the write in time: who does and who does not. */
  readonly spread?: Spread
}

export interface ConfigWriterOptions {
  readonly live: LiveConfig
  readonly store: WritableStore
  readonly parse: ItemParser
  /** How often a write is planned anew when others are faster. Default 20. */
  readonly attempts?: number
  /** How long a write waits until its own instance has applied it, in milliseconds. Default 5000. */
  readonly applyTimeoutMs?: number
  /** Knows the other instances. Default: there are none. */
  readonly fleet?: SpreadWait
}

type Options = ConfigWriterOptions & Required<Pick<ConfigWriterOptions, 'attempts' | 'applyTimeoutMs'>>

export class ConfigWriter {
  readonly #options: Options
  #queue: Promise<unknown> = Promise.resolve()

  constructor(options: ConfigWriterOptions) {
    this.#options = { attempts: 20, applyTimeoutMs: 5000, ...options }
  }

  /**
   * Resolves once this instance has applied the write, with `waitMs` once all have or the time is over. Writes of one instance queue up:
   * they never contend with each other. Nobody queues up behind one that waits for other instances.
   * @throws {ValidationError} {UnsafeRegexError} {UnknownServiceError} {RuleConflictError} {ServiceInUseError} with `faults`
   * @throws {ExpectationFailedError} {StrictWarningsError} with `faults`
   * @throws {StoreUnavailableError} {StoreLostError} {NotReadyError} {WriteContendedError} nothing was written
   * @throws {NotAppliedError} it was written, but is not live here yet
   */
  async write(plan: Plan, options: WriteOptions): Promise<WriteResult> {
    const written = this.#queue.then(() => this.#write(plan, options))
    this.#queue = written.catch(() => undefined)
    const { waitMs } = options
    const { fleet } = this.#options
    const result = await written
    if (waitMs === undefined || fleet === undefined || result.dryRun) return result
    const spread = await fleet.reach({ revision: result.revision, items: result.changes.map(({ change }) => change) }, waitMs)
    return isEverywhere(spread) ? result : { ...result, spread }
  }

  /**
   * Ends an estrangement. `instance`: what is live here is written back into a store that lost it, as one commit, and every instance goes
   * on. `store`: this instance follows what the store holds now, whatever it is.
   * @returns the revision that is live then
   * @throws {NotEstrangedError} when there is nothing to decide
   * @throws {StoreUnavailableError}
   */
  async recover(keep: 'instance' | 'store', by: string): Promise<number> {
    const { live, store } = this.#options
    const set = live.liveSet
    if (live.estranged === undefined || set === undefined) throw new NotEstrangedError()
    if (keep === 'store') await live.follow()
    else if (isReseedable(store)) live.reseeded(await store.reseed({ ...set, epoch: set.epoch || randomUUID(), items: [...set.items] }, by))
    return live.state?.revision ?? 0
  }

  async #write(plan: Plan, options: WriteOptions): Promise<WriteResult> {
    for (let attempt = 0; attempt < this.#options.attempts; attempt++) {
      const { result, commit } = await this.#prepare(plan, options)
      if (!commit) return result
      try {
        return await this.#commit(result, options.by)
      } catch (error) {
        if (!(error instanceof PreconditionError)) throw error
        await this.#follow(error.revision)
      }
    }
    throw new WriteContendedError()
  }

  async #prepare(
    plan: Plan,
    { dryRun = false, strict = false, sent = [] }: WriteOptions
  ): Promise<{ result: WriteResult; commit: boolean }> {
    const before = this.#options.live.state
    if (before === undefined) throw new NotReadyError()
    if (this.#options.live.estranged !== undefined) throw new StoreLostError()
    const changes = keepDiscoverySecrets(before, await plan(before))
    const after = changes.length === 0 ? before : checkChanges(before, changes, this.#options.parse, sent)
    const warnings = warningsOf(before.snapshot, after.snapshot, rulesOf(changes))
    if (strict && warnings.length > 0) throw strictWarnings(warnings, changes)
    return { result: { revision: before.revision, before, after, changes, dryRun, warnings }, commit: !dryRun && changes.length > 0 }
  }

  async #commit(prepared: WriteResult, by: string): Promise<WriteResult> {
    const { live, store, applyTimeoutMs } = this.#options
    const changes = prepared.changes.map(({ change }) => change)
    const commit = await store.commit(changes, by, { revision: prepared.before.revision })
    live.receive(commit)
    if (!(await live.reached(commit.revision, applyTimeoutMs))) throw new NotAppliedError(commit.revision)
    return { ...prepared, revision: commit.revision }
  }

  // The store is ahead of this instance (another writer) or behind it (a new life of the store): read before trying again.
  async #follow(revision: number): Promise<void> {
    const { live, applyTimeoutMs } = this.#options
    if ((live.state?.revision ?? 0) > revision) return live.catchUp()
    if (!(await live.reached(revision, applyTimeoutMs))) throw new StoreUnavailableError()
  }
}

// A file or memory store has no life but its own: it is never estranged.
function isReseedable(store: WritableStore): store is ReseedableStore {
  return 'reseed' in store
}
