/**
 * The one way in for changes of the admin API. A plan is made from the state, checked as if it were applied, and committed on the
 * condition that the store is still at that state's revision; when another writer was faster, all of it is done again.
 */

import type { Change, CommittedChange } from '../core/change.ts'
import type { ConfigState } from '../core/config-state.ts'
import type { HeldItem, ItemParser } from '../core/live-item.ts'
import { PreconditionError, type ReseedableStore, type WritableStore } from '../core/store.ts'
import {
  type Fault,
  NotAppliedError,
  NotEstrangedError,
  NotReadyError,
  RuleConflictError,
  ServiceInUseError,
  StoreLostError,
  StoreUnavailableError,
  UnknownServiceError,
  UnsafeRegexError,
  ValidationError,
  WriteContendedError,
  withFaults
} from '../errors.ts'
import type { LiveConfig } from './live-config.ts'

/** A change, and where it stands in what the client sent. */
export interface PlannedChange {
  readonly change: Change
  /** JSON pointer of the item: `''` for a single item, `/forward_rules/3` in a document. Faults point below it. */
  readonly pointer: string
}

/** Decides the changes from the state; run again when another writer was faster. May throw any error of `src/errors.ts`. */
export type Plan = (state: ConfigState) => readonly PlannedChange[]

export interface WriteOptions {
  /** Who writes: the name of a token. */
  readonly by: string
  /** Check everything, write nothing. Default false. */
  readonly dryRun?: boolean
}

export interface WriteResult {
  /** The revision the write made; the current one when there was nothing to write or in a dry run. */
  readonly revision: number
  readonly before: ConfigState
  /** What the write made, or would make after a dry run. What is live by now may be newer. */
  readonly after: ConfigState
  readonly changes: readonly PlannedChange[]
  readonly dryRun: boolean
}

export interface ConfigWriterOptions {
  readonly live: LiveConfig
  readonly store: WritableStore
  readonly parse: ItemParser
  /** How often a write is planned anew when others are faster. Default 20. */
  readonly attempts?: number
  /** How long a write waits until its own instance has applied it, in milliseconds. Default 5000. */
  readonly applyTimeoutMs?: number
}

export class ConfigWriter {
  readonly #options: Required<ConfigWriterOptions>
  #queue: Promise<unknown> = Promise.resolve()

  constructor(options: ConfigWriterOptions) {
    this.#options = { attempts: 20, applyTimeoutMs: 5000, ...options }
  }

  /**
   * Resolves once this instance has applied the write. Writes of one instance queue up: they never contend with each other.
   * @throws {ValidationError} {UnsafeRegexError} {UnknownServiceError} {RuleConflictError} {ServiceInUseError} with `faults`
   * @throws {StoreUnavailableError} {StoreLostError} {NotReadyError} {WriteContendedError} nothing was written
   * @throws {NotAppliedError} it was written, but is not live here yet
   */
  write(plan: Plan, options: WriteOptions): Promise<WriteResult> {
    const result = this.#queue.then(() => this.#write(plan, options))
    this.#queue = result.catch(() => undefined)
    return result
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
    else if (isReseedable(store)) live.reseeded(await store.reseed({ ...set, items: [...set.items] }, by))
    return live.state?.revision ?? 0
  }

  async #write(plan: Plan, { by, dryRun = false }: WriteOptions): Promise<WriteResult> {
    for (let attempt = 0; attempt < this.#options.attempts; attempt++) {
      const { result, commit } = this.#prepare(plan, dryRun)
      if (!commit) return result
      try {
        return await this.#commit(result, by)
      } catch (error) {
        if (!(error instanceof PreconditionError)) throw error
        await this.#follow(error.revision)
      }
    }
    throw new WriteContendedError()
  }

  #prepare(plan: Plan, dryRun: boolean): { result: WriteResult; commit: boolean } {
    const before = this.#options.live.state
    if (before === undefined) throw new NotReadyError()
    if (this.#options.live.estranged !== undefined) throw new StoreLostError()
    const changes = plan(before)
    const after = changes.length === 0 ? before : check(before, changes, this.#options.parse)
    return { result: { revision: before.revision, before, after, changes, dryRun }, commit: !dryRun && changes.length > 0 }
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

/** The state after `changes`, or the error that names everything that stands against them. */
function check(before: ConfigState, changes: readonly PlannedChange[], parse: ItemParser): ConfigState {
  const newest = Number.MAX_SAFE_INTEGER
  const asCommitted = changes.map(({ change }): CommittedChange => {
    if (change.op === 'delete') return change
    return { ...change, seq: before.get(change.kind, change.id)?.seq ?? before.held(change.kind, change.id)?.stored.seq ?? newest }
  })
  const after = before.apply({ revision: before.revision + 1, changes: asCommitted }, parse)
  const refusals = changes.flatMap(planned => {
    const refusal = refusalOf(planned, after)
    return refusal === undefined ? [] : [refusal]
  })
  if (refusals.length > 0) throw toError(refusals)
  return after
}

interface Refusal {
  readonly id: string
  readonly code: string
  readonly faults: readonly Fault[]
  readonly other: string
}

function refusalOf({ change, pointer }: PlannedChange, after: ConfigState): Refusal | undefined {
  const { kind, id } = change
  if (change.op === 'delete') {
    if (kind !== 'service' || !after.isOrphan(id)) return undefined
    const rules = after.rulesOf(id)
    return {
      id,
      code: 'service_in_use',
      other: rules.map(rule => `'${rule}'`).join(', '),
      faults: rules.map(rule => ({ pointer, detail: `is used by the rule '${rule}'` }))
    }
  }
  const held = after.held(kind, id)
  return held === undefined ? undefined : toRefusal(held, pointer)
}

function toRefusal({ stored, refusal }: HeldItem, pointer: string): Refusal {
  const faults = refusal.faults.map(fault => ({ ...fault, pointer: pointer + fault.pointer }))
  return { id: stored.id, code: refusal.code, faults, other: refusal.other ?? '' }
}

/** Which error speaks for all, the most basic first. */
const severity = ['validation_failed', 'unreadable', 'unsafe_regex', 'unknown_service', 'rule_conflict', 'service_in_use']

function toError(refusals: readonly Refusal[]): Error {
  const [worst] = [...refusals].sort((a, b) => severity.indexOf(a.code) - severity.indexOf(b.code))
  const faults = refusals.flatMap(refusal => refusal.faults)
  return withFaults(errorFor(worst!), faults)
}

function errorFor({ id, code, other, faults }: Refusal): Error {
  if (code === 'unsafe_regex') return new UnsafeRegexError(faults[0]?.detail ?? 'The pattern is not safe')
  if (code === 'unknown_service') return new UnknownServiceError(id, other)
  if (code === 'rule_conflict') return new RuleConflictError(id, other)
  if (code === 'service_in_use') return new ServiceInUseError(id, other)
  const [first] = faults
  return new ValidationError(
    first === undefined ? 'The item is not valid' : `${first.pointer === '' ? 'The body' : first.pointer} ${first.detail}`
  )
}
