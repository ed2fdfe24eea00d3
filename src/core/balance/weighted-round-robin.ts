/** Turns by weight, interleaved. */
import { nextTurn, type Turn } from '../smooth-turns.ts'
import type { Candidate, TargetState } from '../target-state.ts'
import type { Balancer } from './balancer.ts'

export class WeightedRoundRobin implements Balancer {
  readonly #turnOf = new WeakMap<TargetState, Turn>()
  #list: readonly Candidate[] | undefined
  #weights: readonly number[] = []
  #turns: readonly Turn[] = []

  pick(candidates: readonly Candidate[]): Candidate {
    if (candidates !== this.#list) this.#adopt(candidates)
    return candidates[nextTurn(this.#turns, this.#weights)]!
  }

  // Whoever stays, or comes back, keeps its turn.
  #adopt(candidates: readonly Candidate[]): void {
    this.#list = candidates
    this.#weights = candidates.map(({ target }) => target.weight)
    this.#turns = candidates.map(({ state }) => {
      const turn = this.#turnOf.get(state) ?? { current: 0 }
      this.#turnOf.set(state, turn)
      return turn
    })
  }
}
