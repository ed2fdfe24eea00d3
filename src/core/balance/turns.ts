/** The turns of a list of candidates: whoever stays, or comes back, keeps its own. */
import type { Turn } from '../smooth-turns.ts'
import type { Candidate, TargetState } from '../target-state.ts'

export class Turns {
  readonly #turnOf = new WeakMap<TargetState, Turn>()
  #list: readonly Candidate[] | undefined
  #turns: readonly Turn[] = []

  /** In the order of `candidates`. The same array as long as the list is the same. */
  of(candidates: readonly Candidate[]): readonly Turn[] {
    if (candidates === this.#list) return this.#turns
    this.#list = candidates
    this.#turns = candidates.map(({ state }) => {
      const turn = this.#turnOf.get(state) ?? { current: 0 }
      this.#turnOf.set(state, turn)
      return turn
    })
    return this.#turns
  }
}
