/** Probes and ejections of all services of a gateway: they follow what is in force. */
import type { ServiceHealth } from '../../schemas/service-health.ts'
import type { HealthChange } from '../core/health-state.ts'
import type { CompiledService } from '../core/route.ts'
import type { Snapshot } from '../core/snapshot.ts'
import type { FleetHealth } from './fleet-health.ts'
import type { AvailabilityPolicy, ServiceState } from './service-state.ts'
import { isOnlyEjected, ServiceWatch, type WatchListener } from './service-watch.ts'
import type { ServiceStates } from './services.ts'
import { reportUnwatched } from './target-watch.ts'

/** Where services come from: `Live` of `upstream.ts`. */
export interface FollowedConfig {
  readonly snapshot: Snapshot | undefined
  /** The rollout that is running, with a configuration of its own. */
  readonly rollout?: { readonly id: string; readonly candidate: Snapshot | undefined } | undefined
  /** Tells of a new snapshot. Without it, it is found within a quarter of a second. */
  on?(event: 'applied', listener: () => void): unknown
  off?(event: 'applied', listener: () => void): unknown
}

/** What is told. `scope` is that of a rollout's own version of the service; `''` is that of everybody. */
export interface HealthListener {
  onChange(service: string, target: string, change: HealthChange, scope: string): void
  /** Ejections are disregarded from now on, or are not any more. */
  onPanic(service: string, isPanic: boolean, scope: string): void
}

/** What is measured of a service whose targets are watched. */
export interface HealthReading {
  readonly service: string
  readonly isPanic: boolean
  readonly targets: readonly { readonly target: string; readonly isUp: boolean; readonly ejections: number }[]
}

export interface ServicesHealthOptions {
  readonly listener?: HealthListener
  /** From 0 to below 1: spreads probes. Default `Math.random`. */
  readonly random?: () => number
  /** The other instances, with which probes and ejections are shared. Default: this one is on its own. */
  readonly fleet?: FleetHealth
}

/** How often what is in force is looked at, in milliseconds. */
const pollMs = 250

const silent: HealthListener = { onChange: () => undefined, onPanic: () => undefined }

/** An ejected target is better than none; one whose probes fail is not. */
const ejectedRatherThanNone: AvailabilityPolicy = (all, available) => (available.length > 0 ? available : all.filter(isOnlyEjected))

export class ServicesHealth {
  readonly #listener: HealthListener
  readonly #random: () => number
  readonly #fleet: FleetHealth | undefined
  readonly #watches = new Map<ServiceState, ServiceWatch>()
  readonly #follow = () => this.follow()
  #services: ServiceStates | undefined
  #config: FollowedConfig | undefined
  #followed: readonly unknown[] = []
  #timer: NodeJS.Timeout | undefined
  #isClosed = false

  constructor({ listener = silent, random = Math.random, fleet }: ServicesHealthOptions = {}) {
    this.#listener = listener
    this.#random = random
    this.#fleet = fleet
  }

  /** Watches the services that `config` names from now on, and tells `services` of it. Called once. */
  start(services: ServiceStates, config: FollowedConfig): void {
    this.#services = services
    this.#config = config
    services.policy = ejectedRatherThanNone
    services.onChange(state => this.#watches.get(state)?.changed())
    config.on?.('applied', this.#follow)
    this.#timer = setInterval(this.#follow, pollMs).unref()
    this.follow()
    this.#fleet?.start({
      ejections: () => [...this.#watches.values()].flatMap(watch => (watch.state.scope === '' ? watch.ejections : [])),
      followEjections: () => {
        for (const watch of this.#watches.values()) watch.followFleet()
      }
    })
  }

  /** Ends all probes; nobody is ejected or comes back any more. */
  close(): void {
    clearInterval(this.#timer)
    this.#config?.off?.('applied', this.#follow)
    this.#fleet?.stop()
    this.#isClosed = true
    for (const watch of this.#watches.values()) watch.close()
  }

  /** Looks at what is in force now; nothing happens when that is as it was. */
  follow(): void {
    if (this.#isClosed) return
    const { snapshot, rollout } = this.#config ?? {}
    const candidate = rollout?.candidate
    const followed = [snapshot?.services, candidate?.services, rollout?.id]
    if (snapshot === undefined || followed.every((part, index) => part === this.#followed[index])) return
    this.#followed = followed
    const gone = new Set(this.#watches.keys())
    for (const [versions, scope] of [[snapshot, ''] as const, ...(candidate === undefined ? [] : [[candidate, rollout!.id] as const])])
      for (const service of versions.services.values()) this.#watch(service, scope, gone)
    for (const state of gone) {
      this.#watches.get(state)!.stop()
      this.#watches.delete(state)
    }
  }

  /** The live state of a service, if it has had any use. */
  stateOf(id: string): ServiceState | undefined {
    return this.#services?.find(id)
  }

  /** As `GET /services/{id}/health` has it; undefined when no such service is in force. */
  report(id: string): ServiceHealth | undefined {
    const service = this.#config?.snapshot?.service(id)
    if (service === undefined) return undefined
    const state = this.#services!.get(service)
    const watch = this.#watches.get(state)
    const nowMs = state.now()
    const targets = state.candidates.map(candidate => {
      return watch?.target(candidate.state)?.report(nowMs) ?? reportUnwatched(candidate, nowMs)
    })
    return { id, available: state.available.length, panic: watch?.isPanic ?? false, targets }
  }

  /** What is measured now. */
  read(): readonly HealthReading[] {
    return [...this.#watches.values()]
      .filter(({ state }) => state.scope === '')
      .map(({ state, isPanic, targets }) => {
        return {
          service: state.id,
          isPanic,
          targets: [...targets].map(({ url, isUp, outlier }) => ({ target: url, isUp, ejections: outlier.ejections }))
        }
      })
  }

  #watch(service: CompiledService, scope: string, gone: Set<ServiceState>): void {
    if (service.healthCheck === undefined && service.outlier === undefined) return
    const state = this.#services!.get(service, scope)
    gone.delete(state)
    let watch = this.#watches.get(state)
    if (watch === undefined) {
      const listener: WatchListener = {
        onChange: ({ url }, change) => this.#listener.onChange(state.id, url, change, scope),
        onPanic: isPanic => this.#listener.onPanic(state.id, isPanic, scope)
      }
      // The other side of a rollout is judged for itself.
      watch = new ServiceWatch(state, { random: this.#random, fleet: scope === '' ? this.#fleet : undefined, listener })
      this.#watches.set(state, watch)
    }
    watch.follow(service, state.candidates)
  }
}
