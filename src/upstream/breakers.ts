/** All breakers of a gateway: they outlive the configurations that name them. What has no breaker never comes here. */
import type { BreakerReport, BreakerState } from '../../schemas/breaker.ts'
import type { BreakerMode, BreakerTransition } from '../core/breaker.ts'
import type { CompiledBreaker } from '../core/breaker-policy.ts'
import type { CompiledService } from '../core/route.ts'
import { BreakerGroup, type BreakerOwner } from './breaker-group.ts'
import type { Exchange } from './exchange.ts'
import type { ServiceState } from './service-state.ts'
import type { ServiceStates } from './services.ts'

/** A breaker changed its state. `target` is `''` for the one for all targets. */
export interface BreakerChange extends BreakerOwner, BreakerTransition {
  readonly target: string
}

export interface BreakerReading {
  readonly service: string
  readonly rule: string
  readonly target: string
  readonly state: BreakerState
}

export interface BreakersOptions {
  readonly onChange?: (change: BreakerChange) => void
  /** Milliseconds on a clock that only goes forward. Default: that of `performance.now()`. */
  readonly now?: () => number
}

export class Breakers {
  readonly #onChange: (change: BreakerChange) => void
  readonly #now: () => number
  readonly #groups = new Map<string, BreakerGroup>()
  #services: ServiceStates | undefined

  constructor({ onChange = () => undefined, now = () => performance.now() }: BreakersOptions = {}) {
    this.#onChange = onChange
    this.#now = now
  }

  /** Tells the targets of `services` from now on. Called once. */
  start(services: ServiceStates): void {
    this.#services = services
    services.onChange(state => this.#review(state))
  }

  /** The breakers of the exchange's rule when it has its own, otherwise of the service; undefined when neither has any. */
  of({ route, arm }: Exchange, service: CompiledService | undefined): BreakerGroup | undefined {
    const { id, breaker } = route!.rule
    if (breaker !== undefined) return this.ofRule(id, breaker, service?.id ?? '', arm?.scope)
    return service === undefined ? undefined : this.ofService(service, arm?.scope)
  }

  /** Those of a service; undefined when it has none. */
  ofService(service: CompiledService, scope = ''): BreakerGroup | undefined {
    if (service.breaker === undefined) return undefined
    return this.#group(keyOf('', service.id, scope), service.breaker, { service: service.id, rule: '', scope })
  }

  /** Those of a rule. */
  ofRule(rule: string, policy: CompiledBreaker, service: string, scope = ''): BreakerGroup {
    return this.#group(keyOf('rule', rule, scope), policy, { service, rule, scope })
  }

  /** As `GET /services/{id}/breaker` has it; undefined when the service has none. */
  report(service: CompiledService): BreakerReport | undefined {
    return this.ofService(service)?.report(this.urlsOf(service))
  }

  /** Forces those of a service. @param target the URL of one; default: all */
  force(service: CompiledService, mode: BreakerMode, target?: string): void {
    const urls = this.urlsOf(service)
    this.ofService(service)?.force(mode, target === undefined ? urls : [target])
  }

  /** The targets of a service as they are now, those that were discovered, too. */
  urlsOf(service: CompiledService): readonly string[] {
    if (this.#services === undefined) return service.targets.map(({ url }) => url)
    return this.#services.get(service).candidates.map(({ state }) => state.url)
  }

  /** What is measured now, without the versions of rollouts. */
  read(): readonly BreakerReading[] {
    return [...this.#groups.values()]
      .filter(({ owner }) => owner.scope === '')
      .flatMap(group => {
        const { service, rule } = group.owner
        return [...group.read()].map(({ target, breaker }) => ({ service, rule, target, state: breaker.state }))
      })
  }

  /** Forgets those of services, rules and targets that are gone. */
  sweep(versionOf: (scope: string) => { service(id: string): CompiledService | undefined; rule(id: string): unknown } | undefined): void {
    for (const [key, group] of this.#groups) {
      const { service, rule, scope } = group.owner
      const version = versionOf(scope)
      const current = service === '' ? undefined : version?.service(service)
      const isLive = rule === '' ? current !== undefined : version?.rule(rule) !== undefined
      if (!isLive) this.#groups.delete(key)
      else if (current !== undefined) group.retain(url => this.#services?.find(service, scope)?.target(url) !== undefined)
    }
  }

  #group(key: string, policy: CompiledBreaker, owner: BreakerOwner): BreakerGroup {
    let group = this.#groups.get(key)
    // A rule that forwards elsewhere by now guards something else.
    if (group === undefined || group.owner.service !== owner.service) {
      const onTransition = (target: string, transition: BreakerTransition): void => this.#onChange({ ...owner, target, ...transition })
      const stateOf = (url: string) => this.#services?.find(owner.service, owner.scope)?.target(url)
      group = new BreakerGroup(policy, { owner, now: this.#now, onTransition, ...(owner.rule === '' ? { stateOf } : {}) })
      this.#groups.set(key, group)
    } else if (group.policy !== policy) group.follow(policy)
    return group
  }

  // The service is as it was, as good as always.
  #review({ service, scope }: ServiceState): void {
    const key = keyOf('', service.id, scope)
    const group = this.#groups.get(key)
    if (group === undefined || group.policy === service.breaker) return
    if (service.breaker !== undefined) return group.follow(service.breaker)
    this.#groups.delete(key)
    group.dissolve()
  }
}

// No id has a slash.
function keyOf(kind: '' | 'rule', id: string, scope: string): string {
  return kind === '' && scope === '' ? id : `${kind}/${scope}/${id}`
}
