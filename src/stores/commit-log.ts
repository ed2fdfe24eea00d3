import type { Commit } from '../core/change.ts'

/** How many commits a store remembers, unless told otherwise. */
export const defaultLogLength = 1_000

/** The last commits of a store, in memory and bounded. */
export class CommitLog {
  readonly #limit: number
  readonly #commits: Commit[] = []

  /** @param limit how many commits are kept. At least 1. */
  constructor(limit: number = defaultLogLength) {
    this.#limit = limit
  }

  /** Takes the commit that made the next revision. */
  append(commit: Commit): void {
    this.#commits.push(commit)
    if (this.#commits.length > this.#limit) this.#commits.shift()
  }

  /** `at` of the commit that made `revision`, as long as it is remembered. */
  headOf(revision: number): string | undefined {
    const commit = this.#commits.at(-1)
    return commit?.revision === revision ? commit.at : this.#commits.findLast(commit => commit.revision === revision)?.at
  }

  /** What `Store.commitsSince` answers for a store that is at `current`. */
  since(revision: number, current: number, head?: string): readonly Commit[] | undefined {
    if (head !== undefined && this.headOf(revision) !== head) return undefined
    if (revision === current) return []
    const oldest = this.#commits[0]?.revision
    if (oldest === undefined || !(revision < current) || revision + 1 < oldest) return undefined
    return this.#commits.slice(revision + 1 - oldest)
  }
}
