/** Turns by weight, interleaved. */
import { nextTurn, type Turn } from '../smooth-turns.ts'
import type { Candidate, TargetState } from '../target-state.ts'
import type { Balancer } from './balancer.ts'
import type { Weights } from './weights.ts'

export class WeightedRoundRobin implements Balancer {
  readonly #weights: Weights
  readonly #turnOf = new WeakMap<TargetState, Turn>()
  #list: readonly Candidate[] | undefined
  #turns: readonly Turn[] = []

  constructor(weights: Weights) {
    this.#weights = weights
  }

  pick(candidates: readonly Candidate[]): Candidate {
    if (candidates !== this.#list) this.#adopt(candidates)
    return candidates[nextTurn(this.#turns, this.#weights.of(candidates))]!
  }

  // Whoever stays, or comes back, keeps its turn.
  #adopt(candidates: readonly Candidate[]): void {
    this.#list = candidates
    this.#turns = candidates.map(({ state }) => {
      const turn = this.#turnOf.get(state) ?? { current: 0 }
      this.#turnOf.set(state, turn)
      return turn
    })
  }
}
