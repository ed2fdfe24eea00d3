/** The seam to wherever the configuration lives. `test/stores/contract.ts` holds every implementation to this text. */
import type { Change, Commit, ConfigSet } from './change.ts'

/** Where the configuration lives: a file, Redis, memory. */
export interface Store {
  /** `file`, `redis`, `memory`: for logs, metrics and health. */
  readonly name: string
  /** Everything, at one revision. Rejects with `StoreUnavailableError` when the store cannot be read; a failure never looks like an empty set. */
  load(): Promise<ConfigSet>
  /** The commits after `revision`, oldest first, or undefined when the log no longer reaches back that far: the caller then loads. Rejects as `load`. */
  commitsSince(revision: number): Promise<readonly Commit[] | undefined>
  /**
   * Calls `onNotice` after each commit, whoever made it, and (without a commit) after each reconnection. It may come too often, never
   * too seldom. Resolves once watching, or once it is known that the store is down: watching then begins by itself when it is back.
   */
  watch(onNotice: (notice?: Commit) => void, onState?: (state: StoreState) => void): Promise<void>
  /** Stops watching and releases every connection, file handle and timer. Safe to call twice. */
  close(): Promise<void>
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
