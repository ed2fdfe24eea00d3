/**
 * Which target a value falls to, the same in every process: weighted rendezvous hashing (Thaler and Ravishankar 1998, with weights by
 * Schindelhauer and Schomaker 2005). Each target has a score for each value, and the highest takes it. Chosen over a ring and over Maglev
 * because exactly the values of a target move when it leaves or its weight changes, shares are exact without hundreds of points per target,
 * and nothing is rebuilt when a target goes out for a while. The price is a look at every target for each request.
 */
import { hashEnd, hashStep, hashText } from '../string-hash.ts'
import type { Candidate } from '../target-state.ts'

export class Rendezvous {
  #list: readonly Candidate[] | undefined
  #seeds: Int32Array = new Int32Array(0)
  #isEven = true

  /** The index of the one that `value` falls to, or -1 when `isAllowed` lets none pass. */
  find(value: string, candidates: readonly Candidate[], isAllowed?: (index: number) => boolean): number {
    if (candidates !== this.#list) this.#adopt(candidates)
    const hash = hashText(value)
    let best = -1
    let highest = Number.NEGATIVE_INFINITY
    for (let index = 0; index < candidates.length; index++) {
      if (isAllowed !== undefined && !isAllowed(index)) continue
      const drawn = mix(this.#seeds[index]!, hash)
      // Where all weigh the same, the order is that of the hashes.
      const score = this.#isEven ? drawn : -candidates[index]!.target.weight / Math.log((drawn + 0.5) / 2 ** 32)
      if (score <= highest) continue
      best = index
      highest = score
    }
    return best
  }

  #adopt(candidates: readonly Candidate[]): void {
    this.#list = candidates
    this.#seeds = Int32Array.from(candidates, ({ target }) => hashText(target.url))
    this.#isEven = candidates.every(({ target }) => target.weight === candidates[0]!.target.weight)
  }
}

/** From 0 to below 2^32. */
function mix(seed: number, hash: number): number {
  return hashEnd(hashStep(hashStep(Math.imul(seed, 0x9e3779b1) ^ hash, hash >>> 16), seed >>> 16)) >>> 0
}
