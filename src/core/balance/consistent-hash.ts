/** Balancers that send what is alike to the same target. */
import type { RequestFacts } from '../facts.ts'
import type { Candidate } from '../target-state.ts'
import type { Balancer } from './balancer.ts'
import { Rendezvous } from './rendezvous.ts'

/** By the client's address. */
export class IpHash implements Balancer {
  readonly #rendezvous = new Rendezvous()

  pick(candidates: readonly Candidate[], facts: RequestFacts): Candidate {
    return candidates[this.#rendezvous.find(facts.ip, candidates)]!
  }
}

/** How much more than its share a target may have in flight. */
const loadFactor = 1.25

/**
 * By a value of the request, with bounded load (Mirrokni, Thorup and Zadimoghaddam, "Consistent Hashing with Bounded Loads", 2016): a target
 * that has more than 1.25 times its share of all requests in flight passes what falls to it on to the next one, always the same.
 */
export class ConsistentHash implements Balancer {
  readonly #rendezvous = new Rendezvous()
  readonly #keyOf: (facts: RequestFacts) => string

  constructor(keyOf: (facts: RequestFacts) => string) {
    this.#keyOf = keyOf
  }

  pick(candidates: readonly Candidate[], facts: RequestFacts): Candidate {
    const key = this.#keyOf(facts)
    const first = this.#rendezvous.find(key, candidates)
    let inFlight = 1
    let weight = 0
    for (const { state, target } of candidates) {
      inFlight += state.inFlight
      weight += target.weight
    }
    const hasRoom = (index: number): boolean => {
      const { state, target } = candidates[index]!
      return state.inFlight < Math.ceil((loadFactor * inFlight * target.weight) / weight)
    }
    // There is always one with room: the bounds add up to more than there is in flight.
    return candidates[hasRoom(first) ? first : this.#rendezvous.find(key, candidates, hasRoom)]!
  }
}
