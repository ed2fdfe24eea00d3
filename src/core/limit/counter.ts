import type { LimitDecision } from './decision.ts'
import type { LimitSpec } from './spec.ts'

/** Counts the requests of many keys against a limit, in memory. */
export interface LimitCounter {
  /** Counts `cost` requests of `key` if all may go, and says so in `out`. A cost of 0 only looks, and makes no key known. */
  take(key: string, spec: LimitSpec, nowMs: number, cost: number, out: LimitDecision): void
  /** Takes back one request: for what is counted by time, one of the same moment; for what is in flight, one that has ended. */
  giveBack(key: string, spec: LimitSpec): void
  /** How many keys are known. */
  readonly size: number
  /** How many keys had to go because there were too many. */
  readonly evictions: number
  /** Forgets all keys. */
  clear(): void
}
