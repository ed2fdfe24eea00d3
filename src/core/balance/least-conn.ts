/** The target with the fewest requests in flight for its weight. Those that are equal take turns by weight. */
import { nextTurn } from '../smooth-turns.ts'
import type { Candidate } from '../target-state.ts'
import type { Balancer } from './balancer.ts'
import { Turns } from './turns.ts'
import type { Weights } from './weights.ts'

export class LeastConn implements Balancer {
  readonly #weights: Weights
  readonly #turns = new Turns()
  // The weights of those that are equally busy, 0 for the others.
  readonly #tied: number[] = []

  constructor(weights: Weights) {
    this.#weights = weights
  }

  pick(candidates: readonly Candidate[]): Candidate {
    const weights = this.#weights.of(candidates)
    let best = 0
    for (let at = 1; at < candidates.length; at++) if (this.#compare(candidates, weights, at, best) < 0) best = at
    let equals = 0
    for (let at = 0; at < candidates.length; at++) {
      const isEqual = this.#compare(candidates, weights, at, best) === 0
      this.#tied[at] = isEqual ? weights[at]! : 0
      if (isEqual) equals++
    }
    return candidates[equals === 1 ? best : nextTurn(this.#turns.of(candidates), this.#tied)]!
  }

  // Multiplied crosswise: exact for whole weights.
  #compare(candidates: readonly Candidate[], weights: readonly number[], a: number, b: number): number {
    return candidates[a]!.state.inFlight * weights[b]! - candidates[b]!.state.inFlight * weights[a]!
  }
}
