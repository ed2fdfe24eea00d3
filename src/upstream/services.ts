/** The live state of services: it outlives the snapshots that name them. */
import type { RequestFacts } from '../core/facts.ts'
import type { CompiledService, CompiledTarget } from '../core/route.ts'
import type { Candidate } from '../core/target-state.ts'
import { type AvailabilityPolicy, onlyAvailable, type ServiceContext, ServiceState } from './service-state.ts'

export interface ServiceStatesOptions {
  /** Milliseconds on a clock that only goes forward. Default: that of `performance.now()`. */
  readonly now?: () => number
  /** From 0 to below 1. Default `Math.random`. */
  readonly random?: () => number
}

/** Hears that a service has come, that its configuration or a verdict about one of its targets has changed. */
export type ServiceListener = (service: ServiceState) => void

export class ServiceStates {
  readonly #states = new Map<string, ServiceState>()
  readonly #listeners: ServiceListener[] = []
  readonly #context: ServiceContext
  /** Who gets requests when targets are out. Set before there is any service. */
  policy: AvailabilityPolicy = onlyAvailable

  constructor({ now = () => performance.now(), random = Math.random }: ServiceStatesOptions = {}) {
    const policy: AvailabilityPolicy = (all, available, service) => this.policy(all, available, service)
    this.#context = { now, random, policy, onChange: service => this.#tell(service) }
  }

  /** The state of a service, made when there is none, which follows this version of it. `scope` as in `pick`. */
  get(service: CompiledService, scope = ''): ServiceState {
    const state = this.#stateOf(service, scope)
    state.follow(service)
    return state
  }

  /** The state of a service by its id, if there is one. */
  find(id: string, scope = ''): ServiceState | undefined {
    return this.#states.get(keyOf(id, scope))
  }

  /** All that have state. */
  list(): readonly ServiceState[] {
    return [...this.#states.values()]
  }

  /** Calls `listener` when a service has come, when it follows another version, and when a verdict about a target changes. */
  onChange(listener: ServiceListener): void {
    this.#listeners.push(listener)
  }

  /**
   * The target that takes this request, or undefined when the service has none that may.
   * @param scope sets two versions of a service apart that are in force at once
   */
  pick(service: CompiledService, facts: RequestFacts, scope = ''): Candidate | undefined {
    return this.#stateOf(service, scope).pick(service, facts)
  }

  /** As `pick`, among the targets that `allows` lets pass. Does not move on to another version of the service. */
  pickAmong(
    service: CompiledService,
    facts: RequestFacts,
    scope: string | undefined,
    allows: (target: CompiledTarget) => boolean
  ): Candidate | undefined {
    return this.#stateOf(service, scope ?? '').pickAmong(service, facts, ({ target }) => allows(target))
  }

  /** How many services have state. */
  get size(): number {
    return this.#states.size
  }

  /** Forgets the services that are gone. */
  sweep(isLive: (id: string, scope: string) => boolean): void {
    for (const [key, { id, scope }] of this.#states) if (!isLive(id, scope)) this.#states.delete(key)
  }

  #stateOf(service: CompiledService, scope: string): ServiceState {
    const key = keyOf(service.id, scope)
    let state = this.#states.get(key)
    if (state === undefined) {
      state = new ServiceState(service, scope, this.#context)
      this.#states.set(key, state)
      this.#tell(state)
    }
    return state
  }

  #tell(service: ServiceState): void {
    for (const listener of this.#listeners) listener(service)
  }
}

// No id has a slash.
function keyOf(id: string, scope: string): string {
  return scope === '' ? id : `${scope}/${id}`
}
