/** How a service picks one of its targets. A balancer is live state: it outlives the versions of its service's configuration. */
import type { BalancerName } from '../../schemas/service.ts'
import type { RequestFacts } from './facts.ts'
import type { CompiledTarget } from './route.ts'
import { nextTurn, type Turn } from './smooth-turns.ts'

export interface Balancer {
  /**
   * One of `targets`, or undefined when none has a positive weight. The list may change from call to call: what is known of a target is
   * kept under its URL. Cheapest when the same array is passed as long as nothing changes.
   */
  pick(targets: readonly CompiledTarget[], facts: RequestFacts): CompiledTarget | undefined
}

/** A new balancer of each kind. `satisfies` makes a name that the schema allows but nobody implements a compile error. */
export const balancerFactories = {
  round_robin: (): Balancer => new RoundRobin(),
  weighted_round_robin: (): Balancer => new WeightedRoundRobin()
} satisfies Record<BalancerName, () => Balancer>

/** Equal turns over the targets of positive weight. */
class RoundRobin implements Balancer {
  #list: readonly CompiledTarget[] | undefined
  #usable: readonly CompiledTarget[] = []
  #last = -1

  pick(targets: readonly CompiledTarget[]): CompiledTarget | undefined {
    if (targets !== this.#list) this.#adopt(targets)
    if (this.#usable.length === 0) return undefined
    this.#last = (this.#last + 1) % this.#usable.length
    return this.#usable[this.#last]
  }

  // Goes on behind the target that had the last turn; when that one is gone, at its place.
  #adopt(targets: readonly CompiledTarget[]): void {
    const lastUrl = this.#usable[this.#last]?.url
    this.#list = targets
    this.#usable = targets.filter(target => target.weight > 0)
    const place = this.#usable.findIndex(target => target.url === lastUrl)
    this.#last = place === -1 ? this.#last - 1 : place
    this.#last = Math.min(Math.max(this.#last, -1), this.#usable.length - 1)
  }
}

/** Turns by weight, interleaved. */
class WeightedRoundRobin implements Balancer {
  #list: readonly CompiledTarget[] | undefined
  #weights: readonly number[] = []
  #turns: readonly Turn[] = []

  pick(targets: readonly CompiledTarget[]): CompiledTarget | undefined {
    if (targets !== this.#list) this.#adopt(targets)
    return targets[nextTurn(this.#turns, this.#weights)]
  }

  #adopt(targets: readonly CompiledTarget[]): void {
    const known = new Map(this.#list?.map((target, index) => [target.url, this.#turns[index]!]))
    this.#list = targets
    this.#weights = targets.map(target => target.weight)
    this.#turns = targets.map(target => known.get(target.url) ?? { current: 0 })
  }
}
