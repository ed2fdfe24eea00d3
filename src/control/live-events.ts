/** What following the store looks like from outside: options and events of `LiveConfig`. */
import type { Commit, ConfigSet } from '../core/change.ts'
import type { ConfigState } from '../core/config-state.ts'
import type { ItemParser } from '../core/live-item.ts'
import type { Store, StoreState } from '../core/store.ts'

/** What a listener hears of. */
export interface LiveEvents {
  /** A revision was applied. */
  applied: [event: Applied]
  /** The store went away or came back, or says something new about why it is away. */
  store: [state: StoreState]
  /** Following failed for now; it goes on by itself. */
  trouble: [error: unknown]
  /** The store lost commits that were live here, and was followed. */
  went_back: [event: { readonly from: number; readonly to: number }]
  /** The store lost its data, or holds those of another life: it is not followed until somebody decides. Undefined: it is again. */
  estranged: [reason: Estrangement | undefined]
}

/** Why the store is not followed although it answers. */
export type Estrangement = 'lost' | 'replaced'

export interface Applied {
  readonly revision: number
  /** How many items the revision changed. */
  readonly changes: number
  /** What it took to compile and switch, in milliseconds. */
  readonly durationMs: number
  readonly state: ConfigState
  readonly before: ConfigState | undefined
  /** Undefined when everything was loaded. */
  readonly commit: Commit | undefined
  readonly source: Source
}

/** Where what is live came from: the store, or its last good copy on disk. */
export type Source = 'store' | 'last_good'

/** A copy of the configuration to fall back to. */
export interface Fallback {
  /** Undefined when there is none. Never rejects. */
  read(): Promise<ConfigSet | undefined>
}

export interface LiveConfigOptions {
  readonly store: Store
  readonly parse: ItemParser
  /** What to serve when the store does not answer at the start. Default: nothing. */
  readonly fallback?: Fallback
  /** Wait between two attempts to read a store that does not answer, in milliseconds. Default 250. */
  readonly retryMs?: number
  /** How often positions are compared, in milliseconds. Default 500. */
  readonly pollMs?: number
  /** How long after it was made the first load may take before the fallback is served, in milliseconds; a third of it from `start` on in any case. Default 300. */
  readonly patienceMs?: number
}
