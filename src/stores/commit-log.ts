import type { Commit, CommittedChange, StoredItem } from '../core/change.ts'

/** How many commits a store remembers, unless told otherwise. */
export const defaultLogLength = 1_000

/** What an item was before a change; null when it was not there. */
export type Previous = NonNullable<CommittedChange['previous']> | null

/** What is remembered of the item that a change replaces or deletes. */
export function previousOf(item: StoredItem | undefined): Previous {
  return item === undefined ? null : { item: item.item, seq: item.seq }
}

interface Entry {
  readonly commit: Commit
  /** One for each change. */
  readonly previous: readonly Previous[]
}

/** The last commits of a store, in memory and bounded. */
export class CommitLog {
  readonly #limit: number
  #entries: Entry[] = []
  /** Where it goes on from, as long as no commit is forgotten. */
  #base: { readonly revision: number; readonly head: string } | undefined

  /** @param limit how many commits are kept. At least 1. */
  constructor(limit: number = defaultLogLength) {
    this.#limit = limit
  }

  /** Takes the commit that made the next revision, with what was there before each of its changes. */
  append(commit: Commit, previous: readonly Previous[]): void {
    this.#entries.push({ commit, previous })
    if (this.#entries.length <= this.#limit) return
    this.#entries.shift()
    this.#base = undefined
  }

  /** Forgets everything; the next commit is that after `revision`, whose `at` was `head`. */
  restart(revision: number, head: string | undefined): void {
    this.#entries = []
    this.#base = head === undefined ? undefined : { revision, head }
  }

  /** `at` of the commit that made `revision`, as long as it is remembered. */
  headOf(revision: number): string | undefined {
    if (this.#base?.revision === revision) return this.#base.head
    return this.#entries.findLast(({ commit }) => commit.revision === revision)?.commit.at
  }

  /** What `Store.commitsSince` answers for a store that is at `current`. */
  since(revision: number, current: number, head?: string): readonly Commit[] | undefined {
    if (head !== undefined && this.headOf(revision) !== head) return undefined
    if (revision === current) return []
    const oldest = this.#entries[0]?.commit.revision
    if (oldest === undefined || !(revision < current) || revision + 1 < oldest) return undefined
    return this.#entries.slice(revision + 1 - oldest).map(({ commit }) => commit)
  }

  /** What `HistoryStore.history` answers. */
  history({ before = Number.POSITIVE_INFINITY, limit }: { readonly before?: number; readonly limit: number }): readonly Commit[] {
    const end = this.#entries.findLastIndex(({ commit }) => commit.revision < before) + 1
    const entries = this.#entries.slice(Math.max(0, end - limit), end).reverse()
    return entries.map(({ commit, previous }) => ({
      ...commit,
      changes: commit.changes.map((change, index) => ({ ...change, previous: previous[index] ?? null }))
    }))
  }
}
