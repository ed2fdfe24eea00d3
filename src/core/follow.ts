/** The decision of the change protocol: what an instance does when it compares itself with the store. Pure, so that every case is a row of a test. */
import type { StorePosition } from './store.ts'

/** What an instance has applied. */
export interface AppliedPosition {
  /** `''` when what was applied has none: a store that nothing was committed to. */
  readonly epoch: string
  readonly revision: number
  /** `at` of the last commit applied, when known. */
  readonly head: string | undefined
}

export type FollowStep =
  /** Nothing is missing. */
  | 'current'
  /** Newer commits exist: read the log. */
  | 'log'
  /** Read everything. */
  | 'load'
  /** The store is behind what was applied, or went another way from there: it lost commits. It is followed all the same, as the others do. */
  | 'went_back'
  /** The store holds nothing any more. That never means "delete everything". */
  | 'lost'
  /** The store holds something of another life. */
  | 'replaced'

/** @param mine undefined when nothing was applied yet */
export function followStep(mine: AppliedPosition | undefined, store: StorePosition): FollowStep {
  if (mine === undefined) return 'load'
  if (store.epoch === undefined) return mine.epoch === '' ? 'load' : 'lost'
  if (mine.epoch !== '' && mine.epoch !== store.epoch) return 'replaced'
  if (store.revision > mine.revision) return 'log'
  if (store.revision < mine.revision) return 'went_back'
  return mine.head !== undefined && store.head !== undefined && mine.head !== store.head ? 'went_back' : 'current'
}
