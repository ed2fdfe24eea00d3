/** The live state of services: it outlives the snapshots that name them. */
import { type Balancer, balancerFactories } from '../core/balancers.ts'
import type { RequestFacts } from '../core/facts.ts'
import type { CompiledService, CompiledTarget } from '../core/route.ts'

interface ServiceState {
  readonly id: string
  readonly scope: string
  readonly algorithm: string
  readonly balancer: Balancer
}

export class ServiceStates {
  readonly #states = new Map<string, ServiceState>()

  /**
   * The target that takes this request, or undefined when the service has none of positive weight.
   * @param scope sets two versions of a service apart that are in force at once
   */
  pick(service: CompiledService, facts: RequestFacts, scope = ''): CompiledTarget | undefined {
    return this.#stateOf(service, scope).balancer.pick(service.targets, facts)
  }

  /** How many services have state. */
  get size(): number {
    return this.#states.size
  }

  /** Forgets the services that are gone. */
  sweep(isLive: (id: string, scope: string) => boolean): void {
    for (const [key, { id, scope }] of this.#states) if (!isLive(id, scope)) this.#states.delete(key)
  }

  // The balancer is kept while the algorithm stays: a change of a label or a weight must not begin the round anew.
  #stateOf({ id, item }: CompiledService, scope: string): ServiceState {
    const { algorithm } = item.balancer
    // No id has a slash.
    const key = scope === '' ? id : `${scope}/${id}`
    let state = this.#states.get(key)
    if (state === undefined || state.algorithm !== algorithm) {
      state = { id, scope, algorithm, balancer: balancerFactories[algorithm]() }
      this.#states.set(key, state)
    }
    return state
  }
}
