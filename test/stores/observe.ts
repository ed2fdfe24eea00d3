/** Watches a store for a test: what it told so far, and promises of what it is still to tell. */
import type { Commit } from '../../src/core/change.ts'
import type { Store, StoreState } from '../../src/core/store.ts'

export interface Observed {
  /** Every notice, in order; undefined for one without a commit. */
  readonly notices: readonly (Commit | undefined)[]
  readonly states: readonly StoreState[]
  /** The commits among the notices. */
  commits(): Commit[]
  /** Resolves as soon as `condition` holds, looking again at each notice and state. Rejects after `ms` (default 5 seconds), naming `what`. */
  until(what: string, condition: (observed: Observed) => boolean, ms?: number): Promise<void>
}

export async function observe(store: Store): Promise<Observed> {
  const notices: (Commit | undefined)[] = []
  const states: StoreState[] = []
  const looks = new Set<() => void>()
  const observed: Observed = {
    notices,
    states,
    commits: () => notices.filter(notice => notice !== undefined),
    until: (what, condition, ms = 5_000) =>
      new Promise((resolve, reject) => {
        const told = () => JSON.stringify({ states, notices }).slice(0, 2_000)
        const timer = setTimeout(() => reject(new Error(`not within ${ms} ms: ${what}; told so far: ${told()}`)), ms)
        const look = (): void => {
          if (!condition(observed)) return
          clearTimeout(timer)
          looks.delete(look)
          resolve()
        }
        looks.add(look)
        look()
      })
  }
  const lookAgain = (): void => {
    for (const look of looks) look()
  }
  await store.watch(
    notice => {
      notices.push(notice)
      lookAgain()
    },
    state => {
      states.push(state)
      lookAgain()
    }
  )
  return observed
}
