/** What instances ask the counter that they share, and what it says. */
import type { LimitSpec } from './spec.ts'

/** What the central counter is to be asked about a key. */
export interface LeaseAsk {
  readonly key: string
  readonly spec: LimitSpec
  /** Used without a lease: counted whatever is left. */
  readonly debt: number
  /** Leased tokens that come back, and `LeaseAnswer.window` of theirs. */
  readonly unused: number
  readonly window: number
  readonly wanted: number
  /** When it is asked. */
  readonly atMs: number
}

/** What the central counter says. */
export interface LeaseAnswer {
  /** Of those wanted. */
  readonly granted: number
  /** What is left after all that; below 0 when more was used than there was. */
  readonly room: number
  /** Which window they are of; 0 where there is none. */
  readonly window: number
  /** How long they are good for, from then on. */
  readonly validMs: number
  /** When the window ends. */
  readonly edgeMs: number
  /** When there will be one, if none is left; otherwise 0. */
  readonly retryMs: number
}
