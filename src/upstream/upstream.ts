/** Everything between a route and the wire: the live state of services, the pools, and their sweeping. */
import type { IncomingMessage } from 'node:http'
import type { RolloutTraffic } from '../core/rollout-traffic.ts'
import type { CompiledService, CompiledTarget } from '../core/route.ts'
import type { Snapshot } from '../core/snapshot.ts'
import type { Candidate, Destination } from '../core/target-state.ts'
import { breakerOpen, NoTargetError, OverloadedError } from '../errors.ts'
import type { BreakerGroup } from './breaker-group.ts'
import { Breakers } from './breakers.ts'
import type { ClientRate } from './client-rate.ts'
import type { Exchange } from './exchange.ts'
import { forward } from './forward.ts'
import type { AnswerSlot, ForwardContext } from './forward-context.ts'
import { Mirrors } from './mirrors.ts'
import { answerInstead } from './own-answer.ts'
import type { MirrorMetrics, RetryMetrics } from './own-requests.ts'
import { Pools } from './pools.ts'
import { RetryBudgets } from './retry-budgets.ts'
import { ServiceStates } from './services.ts'
import { ServicesHealth } from './services-health.ts'
import { TargetSlots } from './target-slots.ts'

/** The configuration that is live now; undefined until the first one is loaded. */
export interface Live {
  readonly snapshot: Snapshot | undefined
  /** The rollout that is running: some requests follow another configuration. */
  readonly rollout?: RolloutTraffic | undefined
  /** Tells of a new snapshot. */
  on?(event: 'applied', listener: () => void): unknown
  off?(event: 'applied', listener: () => void): unknown
}

/** Whether something is in the configuration, or in that of a running rollout. */
export function isInForce({ snapshot, rollout }: Live, has: (snapshot: Snapshot) => boolean): boolean {
  return (snapshot !== undefined && has(snapshot)) || (rollout?.candidate !== undefined && has(rollout.candidate))
}

export interface UpstreamOptions {
  readonly live: Live
  /** How long a client may neither send nor take data while its exchange waits for it, in milliseconds. Default 60000. */
  readonly clientStallMs?: number
  /** How slowly the body of a request may come. Default: no limit. */
  readonly clientRate?: ClientRate | undefined
  /** How long a client may go on with its request after the whole answer was sent, in milliseconds. Default 5000. */
  readonly lingerMs?: number
  /** Counts further attempts and copies. Default: nothing does. */
  readonly metrics?: RetryMetrics & MirrorMetrics
  /** From 0 to below 1: how long to wait before further attempts, and which requests are copied. Default `Math.random`. */
  readonly random?: () => number
  /** The clock of services and their targets, in milliseconds. Default: that of `performance.now()`, which a test may move on. */
  readonly now?: () => number
  /** How many copies of requests may be under way at once. Default 100. */
  readonly maxMirrored?: number
  /** How long a pool may stand unused before it is closed, in milliseconds. Default 60000. */
  readonly idlePoolMs?: number
  /** Probes and ejections, not started yet. Default: ones that tell nobody. */
  readonly health?: ServicesHealth
  /** Not started yet. Default: ones that tell nobody. */
  readonly breakers?: Breakers
}

const noMetrics: RetryMetrics & MirrorMetrics = {
  recordRetry: () => undefined,
  recordRetryRefused: () => undefined,
  recordMirror: () => undefined
}

export class Upstream implements ForwardContext {
  readonly pools = new Pools()
  readonly services: ServiceStates
  readonly health: ServicesHealth
  readonly breakers: Breakers
  readonly slots = new TargetSlots()
  readonly retryBudgets = new RetryBudgets()
  readonly mirrors: Mirrors
  readonly metrics: RetryMetrics & MirrorMetrics
  readonly random: () => number
  readonly clientStallMs: number
  readonly clientRate: ClientRate | undefined
  readonly lingerMs: number
  readonly #live: Live
  readonly #idlePoolMs: number
  readonly #sweeper: NodeJS.Timeout
  #draining = false

  constructor(options: UpstreamOptions) {
    const { live, clientStallMs = 60_000, clientRate, lingerMs = 5_000, idlePoolMs = 60_000 } = options
    const { metrics = noMetrics, random = Math.random, maxMirrored = 100, now = () => performance.now() } = options
    this.#live = live
    this.metrics = metrics
    this.random = random
    this.services = new ServiceStates({ random, now })
    this.health = options.health ?? new ServicesHealth({ random })
    this.health.start(this.services, live)
    this.breakers = options.breakers ?? new Breakers()
    this.breakers.start(this.services)
    const targetOf = (exchange: Exchange, service: string) => this.#mirrorTarget(exchange, service)
    this.mirrors = new Mirrors({ pools: this.pools, targetOf, metrics, random, maxInFlight: maxMirrored })
    this.clientStallMs = clientStallMs
    this.clientRate = clientRate
    this.lingerMs = lingerMs
    this.#idlePoolMs = idlePoolMs
    this.#sweeper = setInterval(() => this.sweep(), idlePoolMs).unref()
  }

  get draining(): boolean {
    return this.#draining
  }

  /** From now on, answers that begin end their connections. */
  drain(): void {
    this.#draining = true
    this.health.close()
  }

  /** Forwards the request that `exchange` has a route for. Never throws: what goes wrong is sent to `reply`. */
  forward(request: IncomingMessage, reply: AnswerSlot, exchange: Exchange): void {
    const target = this.targetOf(exchange)
    if (target === undefined) {
      const instead = exchange.refusal?.respond
      if (instead === undefined) return void reply.send(this.refusalOf(exchange))
      return answerInstead(request, reply, exchange, instead, this.lingerMs)
    }
    forward(this.pools, this, request, reply, exchange, target)
  }

  /** Closes idle pools and forgets services that are gone. Called by a timer, too. */
  sweep(): void {
    this.pools.sweep(performance.now() - this.#idlePoolMs)
    this.retryBudgets.sweep(performance.now())
    const { snapshot, rollout } = this.#live
    if (snapshot === undefined) return
    const versionOf = (scope: string): Snapshot | undefined =>
      scope === '' ? snapshot : scope === rollout?.id ? rollout.candidate : undefined
    this.services.sweep((id, scope) => versionOf(scope)?.service(id) !== undefined)
    this.breakers.sweep(versionOf)
  }

  /** Closes every pool once its requests have ended. */
  close(): Promise<void> {
    clearInterval(this.#sweeper)
    this.mirrors.close()
    this.health.close()
    return this.pools.close()
  }

  otherTarget(exchange: Exchange, tried: readonly CompiledTarget[]): Destination | undefined {
    const service = exchange.service === undefined ? undefined : exchange.snapshot!.service(exchange.service)
    if (service === undefined) return undefined
    const { breaker } = exchange
    if (breaker?.refuses === true) return undefined
    const allows = (target: CompiledTarget): boolean => !tried.includes(target) && this.#mayTake(exchange, service, target)
    const other = this.services.pickAmong(service, exchange.facts!, exchange.arm?.scope, allows)
    if (service.maxConnections !== null && other !== undefined) this.#hold(service, other.target, exchange)
    return breaker === undefined || other === undefined ? other : { ...other, call: breaker.call(other.target.url) }
  }

  sameTarget({ breaker }: Exchange, last: Destination): Destination | undefined {
    if (breaker === undefined) return last
    const { url } = last.target
    return breaker.allows(url) ? { ...last, call: breaker.call(url) } : undefined
  }

  /** What a request is answered for which no target was found. */
  refusalOf({ isFull, refusal }: Exchange): Error {
    if (refusal !== undefined) return breakerOpen(refusal.retryAfterMs)
    return isFull ? new OverloadedError() : new NoTargetError()
  }

  /** The target that takes the request, or undefined when none can. Puts the service on the exchange. */
  targetOf(exchange: Exchange): CompiledTarget | undefined {
    const { action, breaker } = exchange.route!.rule
    if (action.type === 'target') return breaker === undefined ? action.target : this.#guarded(exchange, undefined)
    if (action.type !== 'service') return undefined
    exchange.service = action.service
    const service = exchange.snapshot!.service(action.service)
    if (service === undefined) return undefined
    return breaker === undefined && service.breaker === undefined ? this.#pick(exchange, service) : this.#guarded(exchange, service)
  }

  #pick(exchange: Exchange, service: CompiledService): CompiledTarget | undefined {
    const { breaker } = exchange
    const scope = exchange.arm?.scope
    const picked =
      breaker?.isSelective === true
        ? this.services.pickAmong(service, exchange.facts!, scope, ({ url }) => breaker.allows(url))
        : this.services.pick(service, exchange.facts!, scope)
    const taken = picked === undefined || service.maxConnections === null ? picked : this.#take(service, picked, exchange)
    exchange.targetState = taken?.state
    exchange.sticky = service.sticky
    return taken?.target
  }

  /** As `targetOf` behind breakers. @param service undefined: the rule's own target */
  #guarded(exchange: Exchange, service: CompiledService | undefined): CompiledTarget | undefined {
    const breaker = this.breakers.of(exchange, service)!
    const target = this.#pickBehind(exchange, service, breaker)
    const { policy } = breaker
    if (exchange.refusal === undefined || policy.fallbackService === undefined) {
      if (exchange.refusal !== undefined) exchange.refusal = { ...exchange.refusal, respond: policy.respond }
      return target
    }
    exchange.refusal = undefined
    exchange.breaker = undefined
    exchange.service = policy.fallbackService
    const standIn = exchange.snapshot!.service(policy.fallbackService)
    if (standIn === undefined) return undefined
    // Its own breaker has the last word: nobody stands in for a service that stands in.
    const last = this.breakers.ofService(standIn, exchange.arm?.scope)
    return last === undefined ? this.#pick(exchange, standIn) : this.#pickBehind(exchange, standIn, last)
  }

  #pickBehind(exchange: Exchange, service: CompiledService | undefined, breaker: BreakerGroup): CompiledTarget | undefined {
    exchange.breaker = breaker
    let target: CompiledTarget | undefined
    if (!breaker.refuses) {
      const { action } = exchange.route!.rule
      const own = action.type === 'target' && breaker.allows(action.target.url) ? action.target : undefined
      target = service === undefined ? own : this.#pick(exchange, service)
    }
    // When a target that it lets through has no room, the breaker is not what refuses.
    const retryAfterMs = target === undefined && !exchange.isFull ? breaker.retryAfterMs : undefined
    if (retryAfterMs !== undefined) exchange.refusal = { retryAfterMs, respond: undefined }
    if (target !== undefined) exchange.breakerCall = breaker.call(target.url)
    return target
  }

  /** The target, or when it is full another one that is not. The exchange keeps its place there until it ends. */
  #take(service: CompiledService, picked: Candidate, exchange: Exchange): Candidate | undefined {
    const allows = (target: CompiledTarget): boolean => this.#mayTake(exchange, service, target)
    const isFull = this.slots.isFull(service, picked.target)
    const free = isFull ? this.services.pickAmong(service, exchange.facts!, exchange.arm?.scope, allows) : picked
    exchange.isFull = free === undefined
    if (free !== undefined) this.#hold(service, free.target, exchange)
    return free
  }

  /** Whether a target may have this request, beyond what its state says: it has room, and the breaker lets it through. */
  #mayTake({ breaker }: Exchange, service: CompiledService, target: CompiledTarget): boolean {
    return !this.slots.isFull(service, target) && breaker?.allows(target.url) !== false
  }

  #hold(service: CompiledService, target: CompiledTarget, exchange: Exchange): void {
    exchange.releases ??= []
    exchange.releases.push(this.slots.take(service, target))
  }

  #mirrorTarget({ snapshot, facts, arm }: Exchange, id: string): CompiledTarget | undefined {
    const service = snapshot!.service(id)
    // Copies are none of a breaker's business, but what it guards is spared them.
    if (service === undefined || this.breakers.ofService(service, arm?.scope)?.refuses === true) return undefined
    return this.services.pick(service, facts!, arm?.scope)?.target
  }
}
