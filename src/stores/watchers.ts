import type { Commit } from '../core/change.ts'
import type { StoreState } from '../core/store.ts'

/** The two callbacks of `Store.watch`. */
export interface Watcher {
  readonly onNotice: (notice?: Commit) => void
  readonly onState?: ((state: StoreState) => void) | undefined
}

/** Those who watch one handle of a store, and what they were told last. */
export class Watchers {
  readonly #watchers = new Set<Watcher>()
  #state: StoreState | undefined

  /** Told of everything from now on, and of the state now when it is known. */
  add(watcher: Watcher): void {
    this.#watchers.add(watcher)
    if (this.#state !== undefined) watcher.onState?.(this.#state)
  }

  get size(): number {
    return this.#watchers.size
  }

  /** The state told last; undefined before the first. */
  get state(): StoreState | undefined {
    return this.#state
  }

  notice(commit?: Commit): void {
    for (const { onNotice } of this.#watchers) onNotice(commit)
  }

  /** Passed on only when it differs from the state told last. */
  setState(state: StoreState): void {
    if (this.#state?.up === state.up && this.#state.reason === state.reason) return
    this.#state = state
    for (const { onState } of this.#watchers) onState?.(state)
  }

  clear(): void {
    this.#watchers.clear()
  }
}
