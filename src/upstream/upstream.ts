/** Everything between a route and the wire: the live state of services, the pools, and their sweeping. */
import type { IncomingMessage } from 'node:http'
import type { RolloutTraffic } from '../core/rollout-traffic.ts'
import type { CompiledTarget } from '../core/route.ts'
import type { Snapshot } from '../core/snapshot.ts'
import { NoTargetError } from '../errors.ts'
import type { Exchange } from './exchange.ts'
import { forward } from './forward.ts'
import type { AnswerSlot, ForwardContext } from './forwarding.ts'
import { Pools } from './pools.ts'
import { ServiceStates } from './services.ts'

/** The configuration that is live now; undefined until the first one is loaded. */
export interface Live {
  readonly snapshot: Snapshot | undefined
  /** The rollout that is running: some requests follow another configuration. */
  readonly rollout?: RolloutTraffic | undefined
}

/** Whether something is in the configuration, or in that of a running rollout. */
export function isInForce({ snapshot, rollout }: Live, has: (snapshot: Snapshot) => boolean): boolean {
  return (snapshot !== undefined && has(snapshot)) || (rollout?.candidate !== undefined && has(rollout.candidate))
}

export interface UpstreamOptions {
  readonly live: Live
  /** How long a client may neither send nor take data while its exchange waits for it, in milliseconds. Default 60000. */
  readonly clientStallMs?: number
  /** How long a client may go on with its request after the whole answer was sent, in milliseconds. Default 5000. */
  readonly lingerMs?: number
  /** How long a pool may stand unused before it is closed, in milliseconds. Default 60000. */
  readonly idlePoolMs?: number
}

export class Upstream implements ForwardContext {
  readonly pools = new Pools()
  readonly services = new ServiceStates()
  readonly clientStallMs: number
  readonly lingerMs: number
  readonly #live: Live
  readonly #idlePoolMs: number
  readonly #sweeper: NodeJS.Timeout
  #draining = false

  constructor({ live, clientStallMs = 60_000, lingerMs = 5_000, idlePoolMs = 60_000 }: UpstreamOptions) {
    this.#live = live
    this.clientStallMs = clientStallMs
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
  }

  /** Forwards the request that `exchange` has a route for. Never throws: what goes wrong is sent to `reply`. */
  forward(request: IncomingMessage, reply: AnswerSlot, exchange: Exchange): void {
    const target = this.#targetOf(exchange)
    if (target === undefined) return void reply.send(new NoTargetError())
    forward(this.pools, this, request, reply, exchange, target)
  }

  /** Closes idle pools and forgets services that are gone. Called by a timer, too. */
  sweep(): void {
    this.pools.sweep(performance.now() - this.#idlePoolMs)
    const { snapshot, rollout } = this.#live
    if (snapshot === undefined) return
    this.services.sweep(
      (id, scope) => (scope === '' ? snapshot : scope === rollout?.id ? rollout.candidate : undefined)?.service(id) !== undefined
    )
  }

  /** Closes every pool once its requests have ended. */
  close(): Promise<void> {
    clearInterval(this.#sweeper)
    return this.pools.close()
  }

  #targetOf(exchange: Exchange): CompiledTarget | undefined {
    const { action } = exchange.route!.rule
    if (action.type === 'target') return action.target
    if (action.type !== 'service') return undefined
    exchange.service = action.service
    const service = exchange.snapshot!.service(action.service)
    return service === undefined ? undefined : this.services.pick(service, exchange.facts!, exchange.arm?.scope)
  }
}
