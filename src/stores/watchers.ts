import type { Commit } from '../core/change.ts'
import type { StoreState } from '../core/store.ts'

/** The two callbacks of `Store.watch`. */
export interface Watcher {
  readonly onNotice: (notice?: Commit) => void
  readonly onState?: ((state: StoreState) => void) | undefined
}

/**
 * Those who watch one handle of a store, and what they were told last. They are told in order, and after the caller has gone on:
 * a watcher that throws is no failure of the commit that it was told of.
 */
export class Watchers {
  readonly #watchers = new Set<Watcher>()
  #state: StoreState | undefined

  /** Told of everything from now on, and of the state now when it is known. */
  add(watcher: Watcher): void {
    this.#watchers.add(watcher)
    const state = this.#state
    if (state !== undefined) this.#tell(watcher, () => watcher.onState?.(state))
  }

  /** The state told last; undefined before the first. */
  get state(): StoreState | undefined {
    return this.#state
  }

  notice(commit?: Commit): void {
    for (const watcher of this.#watchers) this.#tell(watcher, () => watcher.onNotice(commit))
  }

  /** Passed on only when it differs from the state told last. */
  setState(state: StoreState): void {
    if (this.#state?.up === state.up && this.#state.reason === state.reason) return
    this.#state = state
    for (const watcher of this.#watchers) this.#tell(watcher, () => watcher.onState?.(state))
  }

  /** Nobody is told anything any more, not even what is under way. */
  clear(): void {
    this.#watchers.clear()
  }

  #tell(watcher: Watcher, call: () => void): void {
    queueMicrotask(() => {
      if (this.#watchers.has(watcher)) call()
    })
  }
}
