/**
 * How many calls of the admin API a caller may make in a time. A caller is a token, by its name; where none is asked for it is an address.
 * Failed authentications count against the address, too, but apart and with less of them: from one that had too many, no token is looked at
 * for a while, or tokens could be guessed as fast as asked.
 */
import rateLimit, { normalizeIP } from '@fastify/rate-limit'
import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { anonymous } from '../src/control/access.ts'
import type { CallLimit } from '../src/control/call-limit.ts'
import { type SharedOptions, sharedOrAlone } from '../src/control/shared-or-alone.ts'
import { RateLimitedError } from '../src/errors.ts'
import type { SharedCounts } from '../src/stores/shared-counts.ts'

export interface AdminRateLimitOptions {
  readonly limit: CallLimit
  /** Where the instances count together. Default: each counts what it is asked. */
  readonly shared?: Pick<SharedCounts, 'redis' | 'keyPrefix'> & SharedOptions
  /** Whether routes that are not public ask for a token. */
  readonly asksToken: boolean
}

/** `increment: false` looks, and counts nothing. */
type Count = (request: FastifyRequest, options?: { readonly increment: boolean }) => Promise<Counted>

interface Counted {
  readonly max: number
  readonly remaining: number
  readonly isExceeded: boolean
  /** Until the window ends. */
  readonly ttlInSeconds: number
}

/** Failed authentications of one address in one window, at most: nobody mistypes more often. */
const maxFailed = 100
const failed = 'failed:'

const adminRateLimit: FastifyPluginAsync<AdminRateLimitOptions> = async (app, { limit, shared, asksToken }) => {
  const keys = new WeakMap<FastifyRequest, string>()
  const settled = new WeakSet<FastifyRequest>()
  const count = await createCount(app, limit, shared, request => keys.get(request)!)

  const ask = async (request: FastifyRequest, reply: FastifyReply, key: string, increment: boolean): Promise<Counted> => {
    keys.set(request, key)
    const counted = await count(request, { increment })
    if (increment || counted.remaining === 0) tell(reply, counted)
    return counted
  }
  const refuse = (request: FastifyRequest, reply: FastifyReply, what: string, { max, ttlInSeconds }: Counted): never => {
    settled.add(request)
    const afterS = Math.max(1, ttlInSeconds)
    reply.header('retry-after', afterS)
    throw new RateLimitedError(`More than ${max} ${what} in ${limit.windowMs / 1_000} s; try again in ${afterS} s`)
  }

  // Before the token is looked at.
  app.addHook('onRequest', async (request, reply) => {
    if (!asksToken || isFree(request) || request.routeOptions.config.role === 'public') return
    const counted = await ask(request, reply, `${failed}${addressOf(request)}`, false)
    if (counted.remaining === 0) refuse(request, reply, 'failed authentications', counted)
  })
  // After it, and before any body is read.
  app.addHook('preParsing', async (request, reply) => {
    if (isFree(request)) return
    settled.add(request)
    const counted = await ask(request, reply, callerOf(request), true)
    if (counted.isExceeded) refuse(request, reply, 'calls', counted)
  })
  // Who was refused in between.
  app.addHook('onError', async (request, reply) => {
    if (isFree(request) || settled.has(request)) return
    const isUnknown = asksToken && request.caller === undefined
    await ask(request, reply, isUnknown ? `${failed}${addressOf(request)}` : callerOf(request), true)
  })
}

function tell(reply: FastifyReply, { max, remaining, ttlInSeconds }: Counted): void {
  reply.header('x-ratelimit-limit', max)
  reply.header('x-ratelimit-remaining', remaining)
  reply.header('x-ratelimit-reset', ttlInSeconds)
}

async function createCount(
  app: FastifyInstance,
  limit: CallLimit,
  shared: AdminRateLimitOptions['shared'],
  keyGenerator: (request: FastifyRequest) => string
): Promise<Count> {
  const max = (_request: FastifyRequest, key: string) => (key.startsWith(failed) ? Math.min(limit.max, maxFailed) : limit.max)
  const options = { global: false, max, timeWindow: limit.windowMs, keyGenerator }
  const alone = await createCounter(app, options)
  if (shared === undefined) return alone
  return sharedOrAlone(await createCounter(app, { ...options, redis: shared.redis, nameSpace: shared.keyPrefix }), alone, shared)
}

// Each in a scope of its own: there is one store to a registration.
async function createCounter(app: FastifyInstance, options: Parameters<typeof rateLimit>[1]): Promise<Count> {
  let count: ReturnType<FastifyInstance['createRateLimit']>
  await app.register(async scope => {
    await scope.register(rateLimit, options)
    count = scope.createRateLimit()
  })
  return async (request, how) => {
    const counted = await count(request, how)
    // There is no list of callers who may do as they like.
    if (counted.isAllowed) throw new Error('a caller is not counted')
    return counted
  }
}

/** Probes and metrics are not limited: who watches an instance must not lose sight of it. */
function isFree({ routeOptions }: FastifyRequest): boolean {
  return routeOptions.config.rateLimit === false
}

function callerOf(request: FastifyRequest): string {
  const { caller } = request
  return caller === undefined || caller === anonymous ? `address:${addressOf(request)}` : `token:${caller.name}`
}

// Whoever has an IPv6 address has all of its /64.
function addressOf({ ip }: FastifyRequest): string {
  return normalizeIP(ip)
}

// fp(): the hooks are for every route of the app.
export default fp(adminRateLimit, { name: 'admin-rate-limit', fastify: '5.x' })
