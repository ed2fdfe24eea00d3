/** The sources of all services of a gateway: they follow what is in force, and tell services of their targets. */
import type { DiscoveryType, ServiceDiscovery } from '../../schemas/discovery.ts'
import type { DiscoveredTarget } from '../core/discovery.ts'
import type { CompiledService } from '../core/route.ts'
import type { Snapshot } from '../core/snapshot.ts'
import { type FollowedEvents, FollowedSource } from './followed-source.ts'
import { type OpenSource, openSource } from './open-source.ts'

/** Where services come from. */
export interface DiscoveryConfig {
  readonly snapshot: Snapshot | undefined
  /** The rollout that is running, with a configuration of its own. */
  readonly rollout?: { readonly id: string; readonly candidate: Snapshot | undefined } | undefined
  /** Tells of a new snapshot. Without it, it is found within a quarter of a second. */
  on?(event: 'applied', listener: () => void): unknown
  off?(event: 'applied', listener: () => void): unknown
}

/** Hears which targets were found for a service, each time they are others. `scope` is that of a rollout; `''` is that of everybody. */
export type TakeTargets = (service: CompiledService, scope: string, targets: readonly DiscoveredTarget[]) => void

export interface DiscoveryListener {
  /** The source of these services does not answer any more, or does again. */
  onState(services: readonly string[], type: DiscoveryType, isUp: boolean, error: string | undefined): void
  onTargets(services: readonly string[], type: DiscoveryType, targets: readonly DiscoveredTarget[]): void
}

/** What is measured of a service with `discovery`. */
export interface DiscoveryReading {
  readonly service: string
  readonly isUp: boolean
  readonly targets: number
}

export interface DiscoveriesOptions {
  readonly listener?: DiscoveryListener
  readonly open?: OpenSource
}

interface Subscriber {
  readonly service: CompiledService
  readonly scope: string
}

interface Followed {
  readonly source: FollowedSource
  subscribers: readonly Subscriber[]
}

/** How often what is in force is looked at, in milliseconds: a rollout tells nobody when it ends. */
const pollMs = 250

const silent: DiscoveryListener = { onState: () => undefined, onTargets: () => undefined }

export class Discoveries {
  readonly #listener: DiscoveryListener
  readonly #open: OpenSource
  readonly #followed = new Map<string, Followed>()
  readonly #closing = new Set<Promise<void>>()
  readonly #follow = () => this.follow()
  /** By scope and id: which had targets told. */
  #told = new Map<string, Subscriber>()
  #config: DiscoveryConfig | undefined
  #take: TakeTargets = () => undefined
  #seen: readonly unknown[] = []
  #timer: NodeJS.Timeout | undefined

  constructor({ listener = silent, open = openSource }: DiscoveriesOptions = {}) {
    this.#listener = listener
    this.#open = open
  }

  /** Follows the services that `config` names from now on. Called once. */
  start(config: DiscoveryConfig, take: TakeTargets): void {
    this.#config = config
    this.#take = take
    config.on?.('applied', this.#follow)
    this.#timer = setInterval(this.#follow, pollMs).unref()
    this.follow()
  }

  /** Closes every source. What was found stays with the services. */
  async close(): Promise<void> {
    clearInterval(this.#timer)
    this.#config?.off?.('applied', this.#follow)
    this.#config = undefined
    for (const { source } of this.#followed.values()) this.#drop(source)
    this.#followed.clear()
    await Promise.all(this.#closing)
  }

  /** Looks at what is in force now; nothing happens when that is as it was. A source lives on as long as some service has its block. */
  follow(): void {
    const { snapshot, rollout } = this.#config ?? {}
    const candidate = rollout?.candidate
    const seen = [snapshot?.services, candidate?.services, rollout?.id]
    if (snapshot === undefined || seen.every((part, index) => part === this.#seen[index])) return
    this.#seen = seen
    const wanted = new Map<string, Subscriber[]>()
    collect(snapshot, '', wanted)
    if (candidate !== undefined) collect(candidate, rollout!.id, wanted)
    for (const [key, { source }] of this.#followed) {
      if (wanted.has(key)) continue
      this.#followed.delete(key)
      this.#drop(source)
    }
    const before = this.#told
    this.#told = new Map([...wanted.values()].flat().map(subscriber => [nameOf(subscriber), subscriber]))
    for (const [key, subscribers] of wanted) this.#subscribe(key, subscribers, before)
    this.#clear(before, snapshot)
  }

  /** As `GET /services/{id}/discovery` has it; undefined when no such service is in force. */
  report(id: string): ServiceDiscovery | undefined {
    const service = this.#config?.snapshot?.service(id)
    if (service === undefined) return undefined
    const source = service.discovery === undefined ? undefined : this.#followed.get(service.discovery.key)?.source
    if (source === undefined) return { id, source: null }
    const { isUp: up, error = null, answeredMs, targets, discovery } = source
    const answered_at = answeredMs === undefined ? null : new Date(answeredMs).toISOString()
    return { id, source: { type: discovery.item.type, up, error, answered_at, targets: [...targets] } }
  }

  /** What is measured now. */
  read(): readonly DiscoveryReading[] {
    return [...this.#followed.values()].flatMap(({ source, subscribers }) =>
      namesOf(subscribers).map(service => ({ service, isUp: source.isUp, targets: source.targets.length }))
    )
  }

  #subscribe(key: string, subscribers: readonly Subscriber[], before: ReadonlyMap<string, Subscriber>): void {
    let followed = this.#followed.get(key)
    if (followed === undefined) {
      const { discovery } = subscribers[0]!.service
      followed = { source: new FollowedSource(discovery!, this.#open, this.#eventsOf(key)), subscribers }
      this.#followed.set(key, followed)
    }
    followed.subscribers = subscribers
    const { source } = followed
    // The service is new, or had another block before: until now it has what that one found, or nothing.
    for (const subscriber of subscribers) {
      if (before.get(nameOf(subscriber))?.service.discovery?.key === key) continue
      if (source.answeredMs !== undefined) this.#tell(subscriber, source.targets)
      else this.#lend(subscriber)
    }
  }

  // A rollout that brings another block shall not fail its share of the clients until the source of that has answered.
  #lend(subscriber: Subscriber): void {
    const current = this.#told.get(nameOf({ ...subscriber, scope: '' }))?.service.discovery
    const source = current === undefined ? undefined : this.#followed.get(current.key)?.source
    if (subscriber.scope !== '' && source?.answeredMs !== undefined) this.#tell(subscriber, source.targets)
  }

  #eventsOf(key: string): FollowedEvents {
    // A source tells nothing before it is among those that are followed.
    const followed = () => this.#followed.get(key)!
    return {
      onTargets: targets => {
        const { source, subscribers } = followed()
        for (const subscriber of subscribers) this.#tell(subscriber, targets)
        this.#listener.onTargets(namesOf(subscribers), source.discovery.item.type, targets)
      },
      onState: (isUp, error) => {
        const { source, subscribers } = followed()
        this.#listener.onState(namesOf(subscribers), source.discovery.item.type, isUp, error)
      }
    }
  }

  #tell({ service, scope }: Subscriber, targets: readonly DiscoveredTarget[]): void {
    this.#take(service, scope, targets)
  }

  // Services that have no block any more, but are still there.
  #clear(before: ReadonlyMap<string, Subscriber>, snapshot: Snapshot): void {
    for (const [name, { service, scope }] of before) {
      if (this.#told.has(name) || scope !== '') continue
      const now = snapshot.service(service.id)
      if (now !== undefined) this.#take(now, scope, [])
    }
  }

  #drop(source: FollowedSource): void {
    const closing = source.close().finally(() => this.#closing.delete(closing))
    this.#closing.add(closing)
  }
}

function collect(snapshot: Snapshot, scope: string, wanted: Map<string, Subscriber[]>): void {
  for (const service of snapshot.services.values()) {
    if (service.discovery === undefined) continue
    const list = wanted.get(service.discovery.key)
    if (list === undefined) wanted.set(service.discovery.key, [{ service, scope }])
    else list.push({ service, scope })
  }
}

function namesOf(subscribers: readonly Subscriber[]): readonly string[] {
  return subscribers.filter(({ scope }) => scope === '').map(({ service }) => service.id)
}

function nameOf({ service, scope }: Subscriber): string {
  return `${scope}/${service.id}`
}
