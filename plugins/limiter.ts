/** Asks the limits of the rule and of the client's tier whether a request may go: at once, later, or not (429). */
import type { FastifyPluginCallback, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { CompiledLimit } from '../src/core/limit/compiled-limit.ts'
import type { Snapshot } from '../src/core/snapshot.ts'
import { rateLimited } from '../src/errors.ts'
import type { Admission } from '../src/limits/admission.ts'
import type { Limiter } from '../src/limits/limiter.ts'
import type { LiveLimit } from '../src/limits/live-limit.ts'
import type { Exchange } from '../src/upstream/exchange.ts'
import { isInForce, type Live } from '../src/upstream/upstream.ts'

export interface LimiterOptions {
  readonly limiter: Limiter
  readonly live: Live
  /** How often limits that are gone are looked for, in milliseconds. Default 60000. */
  readonly sweepMs?: number
}

const none: readonly CompiledLimit[] = []

const limiterPlugin: FastifyPluginCallback<LimiterOptions> = (app, { limiter, live, sweepMs = 60_000 }, done) => {
  app.addHook('onRequest', (request, reply, next) => {
    const { limits, id: rule } = request.route.rule
    const facts = request.exchange.facts!
    const tierLimits = tierLimitsOf(request.exchange)
    if (limits.length === 0 && tierLimits.length === 0) return next()
    const admitted = limiter.admit({ rule, facts, limits, tierLimits })
    if (admitted instanceof Promise) admitted.then(admission => proceed(admission, request, reply, next), next)
    else proceed(admitted, request, reply, next)
  })
  // Answers through Fastify; the others get them where they are written.
  app.addHook('onSend', ({ exchange: { limitFields } }, reply, payload, next) => {
    if (limitFields !== undefined) for (let at = 0; at < limitFields.length; at += 2) reply.header(limitFields[at]!, limitFields[at + 1]!)
    next(null, payload)
  })
  const sweeper = setInterval(() => {
    if (live.snapshot !== undefined) limiter.retain(limit => isInForce(live, snapshot => holds(snapshot, limit)))
  }, sweepMs).unref()
  app.addHook('onClose', (_app, next) => {
    clearInterval(sweeper)
    next()
  })
  done()
}

function tierLimitsOf({ facts, snapshot }: Exchange): readonly CompiledLimit[] {
  const tier = facts!.client?.tier
  return tier === undefined ? none : (snapshot!.tier(tier)?.limits ?? none)
}

function holds(snapshot: Snapshot, { id, owner }: LiveLimit): boolean {
  // Which rules share one is not looked up; there are as many as ways to write them.
  if (owner.kind === 'global') return true
  const holder = owner.kind === 'tier' ? snapshot.tier(owner.id) : snapshot.rule(owner.id)
  return holder?.limits.some(limit => limit.id === id) ?? false
}

function proceed(admission: Admission, { exchange }: FastifyRequest, _reply: FastifyReply, next: (error?: Error) => void): void {
  const { decisive, delayMs, allowed } = admission
  if (decisive !== undefined) exchange.limitFields = toFields(decisive.decision)
  // The client has left while the store was asked.
  if (exchange.isOver) return admission.release()
  if (!allowed) return next(rateLimited(decisive!.decision.retryMs))
  if (admission.holds) onceOver(exchange, () => admission.release(latencyOf(exchange)))
  if (delayMs < 1) return next()
  const timer = setTimeout(next, delayMs)
  onceOver(exchange, () => clearTimeout(timer))
}

// A target that was given up, by the rule's timeouts or by the client, was at least so slow; one that refused was neither.
function latencyOf({ upstreamMs, target, error, startedMs }: Exchange): number | undefined {
  if (upstreamMs !== undefined) return upstreamMs
  if (target === undefined || (error !== undefined && error !== 'upstream_timeout')) return undefined
  return performance.now() - startedMs
}

function onceOver(exchange: Exchange, then: () => void): void {
  exchange.releases ??= []
  exchange.releases.push(then)
}

/** The fields that `@fastify/rate-limit` sends, for the limit that is nearest to refusing. Seconds, rounded up. */
function toFields({ limit, remaining, resetMs }: Admission['takes'][number]['decision']): readonly string[] {
  return [
    'x-ratelimit-limit',
    String(limit),
    'x-ratelimit-remaining',
    String(remaining),
    'x-ratelimit-reset',
    String(Math.ceil(resetMs / 1_000))
  ]
}

// fp(): the hooks are for every request of the app.
export default fp(limiterPlugin, { name: 'limiter', fastify: '5.x', dependencies: ['router'] })
