/** Everything between a route and the wire: the live state of services, the pools, and their sweeping. */
import type { IncomingMessage } from 'node:http'
import type { RolloutTraffic } from '../core/rollout-traffic.ts'
import type { CompiledService, CompiledTarget } from '../core/route.ts'
import type { Snapshot } from '../core/snapshot.ts'
import type { Candidate } from '../core/target-state.ts'
import { NoTargetError, OverloadedError } from '../errors.ts'
import type { ClientRate } from './client-rate.ts'
import type { Exchange } from './exchange.ts'
import { forward } from './forward.ts'
import type { AnswerSlot, ForwardContext } from './forwarding.ts'
import { Mirrors } from './mirrors.ts'
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
    if (target === undefined) return void reply.send(exchange.isFull ? new OverloadedError() : new NoTargetError())
    forward(this.pools, this, request, reply, exchange, target)
  }

  /** Closes idle pools and forgets services that are gone. Called by a timer, too. */
  sweep(): void {
    this.pools.sweep(performance.now() - this.#idlePoolMs)
    this.retryBudgets.sweep(performance.now())
    const { snapshot, rollout } = this.#live
    if (snapshot === undefined) return
    this.services.sweep(
      (id, scope) => (scope === '' ? snapshot : scope === rollout?.id ? rollout.candidate : undefined)?.service(id) !== undefined
    )
  }

  /** Closes every pool once its requests have ended. */
  close(): Promise<void> {
    clearInterval(this.#sweeper)
    this.mirrors.close()
    this.health.close()
    return this.pools.close()
  }

  otherTarget(exchange: Exchange, tried: readonly CompiledTarget[]): Candidate | undefined {
    const service = exchange.service === undefined ? undefined : exchange.snapshot!.service(exchange.service)
    if (service === undefined) return undefined
    const allows = (target: CompiledTarget): boolean => !tried.includes(target) && !this.slots.isFull(service, target)
    const other = this.services.pickAmong(service, exchange.facts!, exchange.arm?.scope, allows)
    if (service.maxConnections !== null && other !== undefined) this.#hold(service, other.target, exchange)
    return other
  }

  /** The target that takes the request, or undefined when none can. Puts the service on the exchange. */
  targetOf(exchange: Exchange): CompiledTarget | undefined {
    const { action } = exchange.route!.rule
    if (action.type === 'target') return action.target
    if (action.type !== 'service') return undefined
    exchange.service = action.service
    const service = exchange.snapshot!.service(action.service)
    if (service === undefined) return undefined
    const picked = this.services.pick(service, exchange.facts!, exchange.arm?.scope)
    const taken = picked === undefined || service.maxConnections === null ? picked : this.#take(service, picked, exchange)
    exchange.targetState = taken?.state
    exchange.sticky = service.sticky
    return taken?.target
  }

  /** The target, or when it is full another one that is not. The exchange keeps its place there until it ends. */
  #take(service: CompiledService, picked: Candidate, exchange: Exchange): Candidate | undefined {
    const isFull = (target: CompiledTarget): boolean => this.slots.isFull(service, target)
    const free = isFull(picked.target)
      ? this.services.pickAmong(service, exchange.facts!, exchange.arm?.scope, target => !isFull(target))
      : picked
    exchange.isFull = free === undefined
    if (free !== undefined) this.#hold(service, free.target, exchange)
    return free
  }

  #hold(service: CompiledService, target: CompiledTarget, exchange: Exchange): void {
    exchange.releases ??= []
    exchange.releases.push(this.slots.take(service, target))
  }

  #mirrorTarget({ snapshot, facts, arm }: Exchange, id: string): CompiledTarget | undefined {
    const service = snapshot!.service(id)
    return service === undefined ? undefined : this.services.pick(service, facts!, arm?.scope)?.target
  }
}
