/** The seam to wherever the configuration lives. `test/stores/contract.ts` holds every implementation to this text. */
import type { Change, Commit, ConfigSet, Kind } from './change.ts'
import type { RolloutReport } from './rollout-stats.ts'

/** Where the configuration lives: a file, Redis, memory. */
export interface Store {
  /** `file`, `redis`, `memory`: for logs, metrics and health. */
  readonly name: string
  /** Everything, at one revision. Rejects with `StoreUnavailableError` when the store cannot be read; a failure never looks like an empty set. */
  load(): Promise<ConfigSet>
  /**
   * The commits after `revision`, oldest first, or undefined when the log does not tell: it no longer reaches back that far, or the commit
   * at `revision` is not the one whose `at` is `head` (the store lost it and went another way). The caller then loads. Rejects as `load`.
   */
  commitsSince(revision: number, head?: string): Promise<readonly Commit[] | undefined>
  /** Where the store stands now: cheap, asked about twice a second. Rejects as `load`. */
  position(): Promise<StorePosition>
  /**
   * Calls `onNotice` after each commit, whoever made it, and (without a commit) after each reconnection. It may come too often, never
   * too seldom. Resolves once watching, or once it is known that the store is down: watching then begins by itself when it is back.
   */
  watch(onNotice: (notice?: Commit) => void, onState?: (state: StoreState) => void): Promise<void>
  /** Stops watching and releases every connection, file handle and timer. Safe to call twice. */
  close(): Promise<void>
}

/** Where a store stands, to be compared with what an instance has applied. */
export interface StorePosition {
  /** Undefined when the store holds nothing at all: it is new, or its data were lost. */
  readonly epoch: string | undefined
  readonly revision: number
  /** `at` of the commit at `revision`, when the log still has it: of two commits with one revision, only one is ours. */
  readonly head: string | undefined
}

/** Whether the store answers. For a file: whether it can be read and parsed. */
export interface StoreState {
  readonly up: boolean
  /** For a person, when down: `sluice.yaml:12:3 duplicate key "id"`. */
  readonly reason?: string
}

/** What must hold at the moment of the commit, or nothing is written. */
export interface Precondition {
  /** The store is still at this revision: what the writer checked its changes against. */
  readonly revision: number
}

/** Thrown by `commit` when the precondition does not hold. Nothing was written. */
export class PreconditionError extends Error {
  override readonly name = 'PreconditionError'
  /** The revision the store is at. */
  readonly revision: number
  constructor(revision: number) {
    super(`the store is at revision ${revision}`)
    this.revision = revision
  }
}

/** A store that the admin API can write to. */
export interface WritableStore extends Store {
  /**
   * Makes `changes` live as one revision or not at all; resolves when they are durable by the store's own measure.
   * No two of `changes` name the same item. Deleting what is not there is no error.
   * @throws {PreconditionError} when `precondition` does not hold
   * @throws {StoreUnavailableError} within a second when the store does not answer; where the answer was lost it may have been made
   * @throws {BodyTooLargeError} {InvalidBodyError} for an item that could not be read back: over 1 MiB of JSON, over 64 levels deep
   */
  commit(changes: readonly Change[], by: string, precondition?: Precondition): Promise<Commit>
}

/** A store that can be given back what it lost. */
export interface ReseedableStore extends WritableStore {
  /**
   * Makes `set` the content of a store that lost its data: with its epoch, its items and their `seq`, as the commit `set.revision + 1`, so that every
   * instance that still serves `set` follows on without a gap. Refused when the store holds anything of the epoch of `set`.
   * @throws {PreconditionError} {StoreUnavailableError}
   */
  reseed(set: ConfigSet, by: string): Promise<Commit>
}

/** A store that keeps who did what and when. */
export interface HistoryStore extends Store {
  /** Commits below revision `before` (all when undefined), newest first, at most `limit`, with `previous` in their changes. Rejects as `load`. */
  history(options: { readonly before?: number; readonly limit: number }): Promise<readonly Commit[]>
}

/** What an instance says of itself. */
export interface InstanceReport {
  /** `SLUICE_INSTANCE`. */
  readonly id: string
  readonly version: string
  /** The revision it follows. */
  readonly revision: number
  /** Of the whole configuration as it follows it: equal on all instances at one revision. */
  readonly digest: string
  /** The life of the store that `revision` counts in; `''` or absent when it is not known. */
  readonly epoch?: string
  /** Random, one per process: two processes with one id are found out by it. */
  readonly boot?: string
  /** When it said so, RFC 3339. */
  readonly at: string
  /** What it could not make live. */
  readonly rejected: readonly { readonly kind: Kind; readonly id: string; readonly reason: string }[]
  /** What it has counted of the rollout that is running. */
  readonly rollout?: RolloutReport
}

/** A store that knows the instances that share it. */
export interface FleetStore extends Store {
  /** Makes a report known for `ttlMs`; replaces the one before. Rejects as `load`. */
  announce(report: InstanceReport, ttlMs: number): Promise<void>
  /** The reports that have not run out, by id. Rejects as `load`. */
  instances(): Promise<readonly InstanceReport[]>
  /** Takes a report back before its time. */
  withdraw(id: string): Promise<void>
}
