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
  #furtherAttempts = 0

  /**
   * The target that takes this request, or undefined when the service has none of positive weight.
   * @param scope sets two versions of a service apart that are in force at once
   */
  pick(service: CompiledService, facts: RequestFacts, scope = ''): CompiledTarget | undefined {
    return this.#stateOf(service, scope).balancer.pick(service.targets, facts)
  }

  /** As `pick`, for a further attempt: none of `tried`. undefined when there is no other. */
  pickOther(
    service: CompiledService,
    facts: RequestFacts,
    scope: string | undefined,
    tried: readonly CompiledTarget[]
  ): CompiledTarget | undefined {
    const others = service.targets.filter(target => target.weight > 0 && !tried.includes(target))
    if (others.length === 0) return undefined
    // Balancers are not told: some go on to the next one by themselves, and those that do not mean to would only forget what they know.
    for (let turn = 0; turn < service.targets.length; turn++) {
      const target = this.pick(service, facts, scope)
      if (target !== undefined && !tried.includes(target)) return target
    }
    return others[this.#furtherAttempts++ % others.length]
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
