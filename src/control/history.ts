/** Reads what a store remembers of its commits. */
import type { Commit } from '../core/change.ts'
import type { HistoryStore, Store } from '../core/store.ts'

/** How many commits are asked for at once: each may hold whole items, twice. */
const pageLength = 100

export class History {
  readonly #store: HistoryStore | undefined

  /** A store that keeps no history has none to tell. */
  constructor(store: Store) {
    this.#store = isHistoryStore(store) ? store : undefined
  }

  /** Commits below revision `before` (all when undefined), newest first. @throws {StoreUnavailableError} */
  async list(before: number | undefined, limit: number): Promise<readonly Commit[]> {
    return (await this.#store?.history({ limit, ...(before === undefined ? {} : { before }) })) ?? []
  }

  /** The commit that made `revision`; undefined when it is not kept, or not any more. @throws {StoreUnavailableError} */
  async find(revision: number): Promise<Commit | undefined> {
    const [commit] = await this.list(revision + 1, 1)
    return commit?.revision === revision ? commit : undefined
  }

  /** Every commit after `revision` up to `last`, oldest first; undefined when one of them is not kept any more. @throws {StoreUnavailableError} */
  async between(revision: number, last: number): Promise<readonly Commit[] | undefined> {
    const commits: Commit[] = []
    let next = last
    while (next > revision) {
      const page = await this.list(next + 1, Math.min(pageLength, next - revision))
      if (page.length === 0 || page.some((commit, index) => commit.revision !== next - index)) return undefined
      commits.push(...page)
      next -= page.length
    }
    return commits.reverse()
  }
}

function isHistoryStore(store: Store): store is HistoryStore {
  return 'history' in store
}
