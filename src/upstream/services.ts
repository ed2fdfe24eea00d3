/** The live state of services: it outlives the snapshots that name them. */
import { type Balancer, balancerFactories } from '../core/balancers.ts'
import type { RequestFacts } from '../core/facts.ts'
import type { CompiledService, CompiledTarget } from '../core/route.ts'

interface ServiceState {
  readonly algorithm: string
  readonly balancer: Balancer
}

export class ServiceStates {
  readonly #states = new Map<string, ServiceState>()

  /** The target that takes this request, or undefined when the service has none of positive weight. */
  pick(service: CompiledService, facts: RequestFacts): CompiledTarget | undefined {
    return this.#stateOf(service).balancer.pick(service.targets, facts)
  }

  /** How many services have state. */
  get size(): number {
    return this.#states.size
  }

  /** Forgets the services that are gone. */
  sweep(isLive: (id: string) => boolean): void {
    for (const id of this.#states.keys()) if (!isLive(id)) this.#states.delete(id)
  }

  // The balancer is kept while the algorithm stays: a change of a label or a weight must not begin the round anew.
  #stateOf(service: CompiledService): ServiceState {
    const { algorithm } = service.item.balancer
    let state = this.#states.get(service.id)
    if (state === undefined || state.algorithm !== algorithm) {
      state = { algorithm, balancer: balancerFactories[algorithm]() }
      this.#states.set(service.id, state)
    }
    return state
  }
}
