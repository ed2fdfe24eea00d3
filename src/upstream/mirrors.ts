/** Copies of requests for second services: sent beside the request itself, and forgotten. */
import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import type { CompiledTarget } from '../core/route.ts'
import { collectBody } from './collect-body.ts'
import type { Exchange } from './exchange.ts'
import { MirroredRequest } from './mirrored-request.ts'
import type { Copier, MirrorMetrics } from './own-requests.ts'
import type { Pools } from './pools.ts'
import { type TargetRequest, toTargetRequest } from './target-request.ts'

export interface MirrorsOptions {
  readonly pools: Pools
  /** A target of the service; undefined when it has none. */
  readonly targetOf: (exchange: Exchange, service: string) => CompiledTarget | undefined
  readonly metrics: MirrorMetrics
  /** From 0 to below 1. */
  readonly random: () => number
  /** How many copies may be under way at once, those whose body is still coming included. */
  readonly maxInFlight: number
}

/** How much of a body is copied, in bytes. Requests with longer ones are not. */
const longestBody = 65_536
/** How long a copy may take where the rule has no limit for the exchange, in milliseconds. */
const longestMs = 30_000
/** Tells the target that nobody reads its answer. */
const mark = 'x-sluice-mirror'

export class Mirrors implements Copier {
  readonly #options: MirrorsOptions
  readonly #underWay = new Set<MirroredRequest>()
  #isClosed = false

  constructor(options: MirrorsOptions) {
    this.#options = options
  }

  /** How many copies are under way. */
  get size(): number {
    return this.#underWay.size
  }

  copy(request: IncomingMessage, exchange: Exchange, hasBody: boolean): void {
    const { random, metrics, maxInFlight, targetOf } = this.#options
    const { service, share } = exchange.route!.rule.mirror!
    // A copy of a copy would go round in circles where a gateway mirrors to itself.
    if (this.#isClosed || random() >= share || request.headers[mark] !== undefined) return
    if (this.#underWay.size >= maxInFlight) return metrics.recordMirror('dropped')
    if (Number(request.headers['content-length'] ?? 0) > longestBody) return metrics.recordMirror('too_large')
    const target = targetOf(exchange, service)
    if (target === undefined) return metrics.recordMirror('no_target')
    const sent = toTargetRequest(request, exchange, target)
    sent.headers.push(mark, 'true')
    const copy = new MirroredRequest(outcome => {
      this.#underWay.delete(copy)
      metrics.recordMirror(outcome)
    })
    this.#underWay.add(copy)
    if (hasBody) this.#sendWithBody(copy, request, exchange, sent, target)
    else setImmediate(() => this.#send(copy, exchange, sent, target))
  }

  /** Ends those that are under way; no other one will be sent. */
  close(): void {
    this.#isClosed = true
    for (const copy of this.#underWay) copy.cancel()
  }

  #sendWithBody(copy: MirroredRequest, request: IncomingMessage, exchange: Exchange, sent: TargetRequest, target: CompiledTarget): void {
    const limit = Math.min(longestBody, exchange.route!.rule.maxBodyBytes ?? longestBody)
    const giveUp = collectBody(request, limit, body => {
      if (typeof body === 'string') return copy.end(body)
      // As pools of HTTP/2 take it, too: a stream that tells of trailers. Those of the request are not copied.
      sent.body = Object.assign(Readable.from([body]), { rawTrailers: [] })
      this.#send(copy, exchange, sent, target)
    })
    exchange.releases ??= []
    exchange.releases.push(giveUp)
  }

  #send(copy: MirroredRequest, exchange: Exchange, sent: TargetRequest, { origin, transport }: CompiledTarget): void {
    const { connect, total } = exchange.route!.rule.timeouts
    copy.start(this.#options.pools.get(origin, connect, transport), sent, total ?? longestMs)
  }
}
