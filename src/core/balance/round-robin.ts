/** Equal turns, whatever the weights. */
import type { Candidate } from '../target-state.ts'
import type { Balancer } from './balancer.ts'

export class RoundRobin implements Balancer {
  #list: readonly Candidate[] = []
  #last = -1

  pick(candidates: readonly Candidate[]): Candidate {
    if (candidates !== this.#list) this.#adopt(candidates)
    this.#last = (this.#last + 1) % candidates.length
    return candidates[this.#last]!
  }

  // Goes on behind the target that had the last turn; when that one is gone, at its place.
  #adopt(candidates: readonly Candidate[]): void {
    const last = this.#list[this.#last]?.state
    const place = candidates.findIndex(({ state }) => state === last)
    this.#list = candidates
    this.#last = place === -1 ? this.#last - 1 : place
    this.#last = Math.min(Math.max(this.#last, -1), candidates.length - 1)
  }
}
