/**
 * Of two targets drawn at random, the one with fewer requests in flight for its weight (Mitzenmacher, "The Power of Two Choices in
 * Randomized Load Balancing", 2001): nearly as even as looking at all of them, without several gateways running to the same one at once.
 */
import type { Candidate } from '../target-state.ts'
import type { Balancer } from './balancer.ts'
import type { Weights } from './weights.ts'

export class RandomTwoChoices implements Balancer {
  readonly #weights: Weights
  readonly #random: () => number
  #summed: readonly number[] | undefined
  // Of the weights before each target, and of all at the end.
  #sums: number[] = [0]

  /** @param random from 0 to below 1 */
  constructor(weights: Weights, random: () => number) {
    this.#weights = weights
    this.#random = random
  }

  pick(candidates: readonly Candidate[]): Candidate {
    if (candidates.length === 1) return candidates[0]!
    const weights = this.#weights.of(candidates)
    if (weights !== this.#summed) this.#sum(weights)
    const total = this.#sums[weights.length]!
    const first = this.#find(this.#random() * total)
    // The second is drawn from what is left without the first.
    const drawn = this.#random() * (total - weights[first]!)
    const second = this.#find(drawn < this.#sums[first]! ? drawn : drawn + weights[first]!)
    const [a, b] = [candidates[first]!, candidates[second]!]
    return b.state.inFlight * weights[first]! < a.state.inFlight * weights[second]! ? b : a
  }

  #sum(weights: readonly number[]): void {
    this.#summed = weights
    this.#sums = [0]
    for (const [at, weight] of weights.entries()) this.#sums.push(this.#sums[at]! + weight)
  }

  /** The target within whose stretch of the sum `point` lies. */
  #find(point: number): number {
    let low = 0
    let high = this.#sums.length - 2
    while (low < high) {
      const middle = (low + high) >> 1
      if (point < this.#sums[middle + 1]!) high = middle
      else low = middle + 1
    }
    return low
  }
}
