/** The live state of one service: its balancer and its targets. It outlives the versions of the service's configuration. */
import type { Balancer } from '../core/balance/balancer.ts'
import { balancerKeyOf, createBalancer } from '../core/balancers.ts'
import type { DiscoveredTarget } from '../core/discovery.ts'
import type { RequestFacts } from '../core/facts.ts'
import { mergeTargets } from '../core/merge-targets.ts'
import type { CompiledService } from '../core/route.ts'
import { type Candidate, type FlightObserver, type TargetOwner, TargetState } from '../core/target-state.ts'
import { keptTarget } from './sticky.ts'

/**
 * Decides who gets requests, when a list or a verdict changes.
 * @param all the targets of positive weight @param available those of them that no verdict keeps out
 */
export type AvailabilityPolicy = (all: readonly Candidate[], available: readonly Candidate[], service: ServiceState) => readonly Candidate[]

/** What no verdict keeps out. When all are out, none gets requests. */
export const onlyAvailable: AvailabilityPolicy = (_all, available) => available

/** What all services of a gateway share. */
export interface ServiceContext {
  /** Milliseconds on a clock that only goes forward. */
  readonly now: () => number
  /** From 0 to below 1. */
  readonly random: () => number
  readonly policy: AvailabilityPolicy
  /** A verdict about a target has changed by somebody's word, or a new version of the service is followed. */
  readonly onChange: (service: ServiceState) => void
}

/** One version of the configuration with the live state of its targets. */
interface View {
  readonly service: CompiledService
  readonly candidates: readonly Candidate[]
  /** Of positive weight. */
  readonly weighted: readonly Candidate[]
  available: readonly Candidate[]
  /** At which count of changes `available` was made. */
  madeAt: number
  /** When a verdict ends by itself. */
  expiresMs: number
}

export class ServiceState implements TargetOwner {
  readonly id: string
  /** Sets two versions of a service apart that are in force at once; `''` is that of everybody. */
  readonly scope: string
  readonly #context: ServiceContext
  #views = new WeakMap<CompiledService, View>()
  readonly #observers: FlightObserver[] = []
  #observer: FlightObserver | undefined
  #found: readonly DiscoveredTarget[] = []
  #current: View
  #balancer: Balancer
  #balancerKey: string
  #changes = 0

  constructor(service: CompiledService, scope: string, context: ServiceContext) {
    this.id = service.id
    this.scope = scope
    this.#context = context
    this.#current = this.#toView(service, new Map())
    this.#balancerKey = balancerKeyOf(service)
    this.#balancer = createBalancer(service, context)
    this.#observe()
  }

  /** The version of the configuration that was followed last. */
  get service(): CompiledService {
    return this.#current.service
  }

  /** The targets of that version, in its order. The same array as long as the version is the same. */
  get candidates(): readonly Candidate[] {
    return this.#current.candidates
  }

  /** Those that get requests now. The same array as long as nothing changes. */
  get available(): readonly Candidate[] {
    return this.#availableOf(this.#current)
  }

  /** The state of a target of that version, by its URL. */
  target(url: string): TargetState | undefined {
    return this.#current.candidates.find(({ state }) => state.url === url)?.state
  }

  get observer(): FlightObserver | undefined {
    return this.#observer
  }

  now(): number {
    return this.#context.now()
  }

  verdictChanged(): void {
    this.#changes++
    this.#context.onChange(this)
  }

  /** Tells `observer` of each request to a target from now on, until what is returned is called. */
  observe(observer: FlightObserver): () => void {
    this.#observers.push(observer)
    this.#observe()
    return () => {
      const place = this.#observers.indexOf(observer)
      if (place !== -1) this.#observers.splice(place, 1)
      this.#observe()
    }
  }

  /** Follows a version of the configuration from now on. Targets that stay keep their state. */
  follow(service: CompiledService): void {
    if (service === this.#current.service) return
    this.#current = this.#viewOf(service)
    const key = balancerKeyOf(service)
    // It is kept while it is the same: a change of a label or a weight must not begin the round anew.
    if (key !== this.#balancerKey) this.#balancer = createBalancer(service, this.#context)
    this.#balancerKey = key
    this.#observe()
    this.#context.onChange(this)
  }

  /** What its source has found: these, beside those of its configuration, are its targets from now on. Those that stay keep their state. */
  setFound(found: readonly DiscoveredTarget[]): void {
    this.#found = found
    // Older versions, which requests still under way may hold, have these targets from now on, too.
    this.#views = new WeakMap()
    this.#current = this.#viewOf(this.#current.service)
    this.#context.onChange(this)
  }

  /** The target that takes the request; undefined when none can. Follows `service`. */
  pick(service: CompiledService, facts: RequestFacts): Candidate | undefined {
    if (service !== this.#current.service) this.follow(service)
    const available = this.#availableOf(this.#current)
    if (available.length === 0) return undefined
    return (service.sticky && keptTarget(service.sticky, facts, available, this.id)) ?? this.#balancer.pick(available, facts)
  }

  /** As `pick`, among those that `allows` lets pass, and without following: `service` may be an older version. */
  pickAmong(service: CompiledService, facts: RequestFacts, allows: (candidate: Candidate) => boolean): Candidate | undefined {
    const allowed = this.#availableOf(this.#viewOf(service)).filter(allows)
    return allowed.length === 0 ? undefined : this.#balancer.pick(allowed, facts)
  }

  #availableOf(view: View): readonly Candidate[] {
    if (view.madeAt !== this.#changes || (view.expiresMs !== Number.POSITIVE_INFINITY && this.now() >= view.expiresMs)) this.#renew(view)
    return view.available
  }

  #renew(view: View): void {
    view.madeAt = this.#changes
    view.available = this.#context.policy(
      view.weighted,
      view.weighted.filter(({ state }) => !state.isOut),
      this
    )
    view.expiresMs = view.weighted.reduce((least, { state }) => Math.min(least, state.nextExpiryMs), Number.POSITIVE_INFINITY)
  }

  #viewOf(service: CompiledService): View {
    const known = this.#views.get(service)
    return known ?? this.#toView(service, new Map(this.#current.candidates.map(({ state }) => [state.url, state])))
  }

  // Every version holds the states of its targets: a request that began with an older one meets the same.
  #toView(service: CompiledService, states: ReadonlyMap<string, TargetState>): View {
    const candidates = mergeTargets(service, this.#found).map(target => ({
      target,
      state: states.get(target.url) ?? new TargetState(target.url, this)
    }))
    const weighted = candidates.filter(({ target }) => target.weight > 0)
    const view = { service, candidates, weighted, available: weighted, madeAt: -1, expiresMs: Number.POSITIVE_INFINITY }
    this.#views.set(service, view)
    return view
  }

  #observe(): void {
    const list = [...this.#observers]
    if (this.#balancer.observer !== undefined) list.push(this.#balancer.observer)
    this.#observer = list.length < 2 ? list[0] : toAll(list)
  }
}

function toAll(observers: readonly FlightObserver[]): FlightObserver {
  return {
    began: target => {
      for (const observer of observers) observer.began(target)
    },
    ended: (target, end) => {
      for (const observer of observers) observer.ended(target, end)
    }
  }
}
