/** Turns by weight, interleaved. */
import { nextTurn } from '../smooth-turns.ts'
import type { Candidate } from '../target-state.ts'
import type { Balancer } from './balancer.ts'
import { Turns } from './turns.ts'
import type { Weights } from './weights.ts'

export class WeightedRoundRobin implements Balancer {
  readonly #weights: Weights
  readonly #turns = new Turns()

  constructor(weights: Weights) {
    this.#weights = weights
  }

  pick(candidates: readonly Candidate[]): Candidate {
    return candidates[nextTurn(this.#turns.of(candidates), this.#weights.of(candidates))]!
  }
}
