/**
 * Who may call the admin API. With tokens: a bearer token whose role allows the route. Without: everybody who can reach it, which is
 * this machine only; then Host and Origin are checked, so that a page in a browser here cannot reach it through DNS rebinding.
 */
import type { FastifyPluginCallback, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { type AdminToken, anonymous, type Caller, createTokenLookup, mayAct, type Role } from '../src/control/access.ts'
import { ForbiddenError, HostNotAllowedError, OriginNotAllowedError, UnauthorizedError } from '../src/errors.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The least role that may call the route; `public` needs no token. A route that says nothing takes `admin`. */
    role?: Role | 'public'
  }
  interface FastifyRequest {
    /** Who makes the request. On public routes nobody is asked: `anonymous`. */
    caller: Caller
  }
}

export interface AdminAuthOptions {
  /** None: no token is asked for. */
  readonly tokens: readonly AdminToken[]
  /** The address that the admin plane listens on. */
  readonly adminHost: string
}

const adminAuth: FastifyPluginCallback<AdminAuthOptions> = (app, { tokens, adminHost }, done) => {
  app.decorateRequest('caller')
  const authenticate = tokens.length === 0 ? createLoopbackCheck(adminHost) : createTokenCheck(tokens)
  app.addHook('onRequest', (request, reply, next) => {
    try {
      request.caller = authenticate(request)
      const needed = roleFor(request)
      if (needed !== 'public' && !mayAct(request.caller.role, needed)) throw new ForbiddenError(request.caller.role, needed)
    } catch (error) {
      // RFC 9110 section 11.6.1: a 401 names the scheme.
      if (error instanceof UnauthorizedError) reply.header('www-authenticate', 'Bearer realm="sluice admin"')
      return next(error as Error)
    }
    next()
  })
  done()
}

function createTokenCheck(tokens: readonly AdminToken[]): (request: FastifyRequest) => Caller {
  const lookup = createTokenLookup(tokens)
  return request => {
    if (roleFor(request) === 'public') return anonymous
    const presented = /^Bearer +([\x21-\x7e]+)$/i.exec(request.headers.authorization ?? '')?.[1]
    const caller = presented === undefined ? undefined : lookup(presented)
    if (caller === undefined) throw new UnauthorizedError('A valid bearer token is needed')
    return caller
  }
}

// Where nothing is served, any role may be told so.
function roleFor({ is404, routeOptions }: FastifyRequest): Role | 'public' {
  return is404 ? 'viewer' : (routeOptions.config.role ?? 'admin')
}

function createLoopbackCheck(adminHost: string): (request: FastifyRequest) => Caller {
  const allowed = new Set(['localhost', '127.0.0.1', '[::1]', adminHost.includes(':') ? `[${adminHost.replace(/[[\]]/g, '')}]` : adminHost])
  return ({ method, headers }) => {
    const host = headers.host ?? ''
    // A name that an attacker's DNS points at 127.0.0.1 is the attacker's: their page is same-origin with it.
    if (!allowed.has(host.replace(/:\d*$/, '').toLowerCase())) throw new HostNotAllowedError()
    // Form posts and the like cross origins without a preflight. A browser always says where they come from.
    if (method !== 'GET' && method !== 'HEAD' && headers.origin !== undefined && !isSameOrigin(headers.origin, host))
      throw new OriginNotAllowedError()
    return anonymous
  }
}

function isSameOrigin(origin: string, host: string): boolean {
  return origin.toLowerCase() === `http://${host.toLowerCase()}` || origin.toLowerCase() === `https://${host.toLowerCase()}`
}

// fp(): the hook guards every route of the app.
export default fp(adminAuth, { name: 'admin-auth', fastify: '5.x' })
