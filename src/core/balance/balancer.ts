/** How a service picks one of its targets. A balancer is live state: it outlives the versions of its service's configuration. */
import type { RequestFacts } from '../facts.ts'
import type { Candidate, FlightObserver } from '../target-state.ts'

export interface Balancer {
  /**
   * One of `candidates`, all available and of positive weight. Never called with none. The list may change from call to call: what is
   * known of a target is kept with its state. Cheapest when the same array is passed as long as nothing changes.
   */
  pick(candidates: readonly Candidate[], facts: RequestFacts): Candidate
  /** What it needs to hear of; undefined when it needs nothing. */
  readonly observer?: FlightObserver | undefined
}

export interface BalancerContext {
  /** Milliseconds on a clock that only goes forward. */
  readonly now: () => number
  /** From 0 to below 1. */
  readonly random: () => number
}
