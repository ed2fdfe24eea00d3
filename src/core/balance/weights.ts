/** The weights of a list of candidates, kept as long as the list is the same and nobody is warming up. */
import type { Candidate } from '../target-state.ts'
import { SlowStart } from './slow-start.ts'

export class Weights {
  readonly #slowStart: SlowStart
  #list: readonly Candidate[] | undefined
  #weights: readonly number[] = []
  #isWarming = false

  constructor(slowStartMs: number, now: () => number) {
    this.#slowStart = new SlowStart(slowStartMs, now)
  }

  /** In the order of `candidates`. The same array as long as nothing changes. */
  of(candidates: readonly Candidate[]): readonly number[] {
    if (candidates !== this.#list) this.#slowStart.watch(candidates)
    if (candidates !== this.#list || this.#isWarming) {
      this.#list = candidates
      this.#isWarming = this.#slowStart.isWarming
      this.#weights = candidates.map(candidate => this.#slowStart.weightOf(candidate))
    }
    return this.#weights
  }
}
