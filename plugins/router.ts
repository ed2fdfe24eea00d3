/** Finds the route of each request and gives it to the request, before any other plugin looks at it. */
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyPluginCallback } from 'fastify'
import fp from 'fastify-plugin'
import { clientAddress } from '../src/core/client-address.ts'
import { RequestFacts } from '../src/core/facts.ts'
import { toMatchHost } from '../src/core/host.ts'
import type { CidrSet } from '../src/core/ip.ts'
import { normalisePath, type PathMode } from '../src/core/path.ts'
import { isAuthority, parseRequestTarget } from '../src/core/request-target.ts'
import type { RolloutTraffic } from '../src/core/rollout-traffic.ts'
import { drained } from '../src/core/route.ts'
import type { Snapshot } from '../src/core/snapshot.ts'
import { BadPathError, BadRequestError, NoRuleError, NoTargetError, NotReadyError } from '../src/errors.ts'
import type { Exchange, Peer } from '../src/upstream/exchange.ts'
import { adoptAuthority, isHttp2 } from '../src/upstream/inbound-http2.ts'
import { usualMethods } from '../src/upstream/last-recipient.ts'
import type { Live } from '../src/upstream/upstream.ts'

export interface RouterOptions {
  readonly live: Live
  /** The proxies whose X-Forwarded-* and Forwarded are believed. */
  readonly trustedProxies: CidrSet
  /** What is taken in a path. */
  readonly paths: PathMode
}

const router: FastifyPluginCallback<RouterOptions> = (app, { live, trustedProxies, paths }, done) => {
  const toPeer = createPeerLookup(trustedProxies)
  app.addHook('onRequest', (request, reply, next) => {
    const { exchange, raw } = request
    const { snapshot, rollout } = live
    exchange.peer = toPeer(raw.socket)
    if (snapshot === undefined) return next(new NotReadyError())
    const fault = readRequest(request.originalUrl, raw, exchange, trustedProxies, paths)
    // RFC 9110 section 9.3.7: this is about the gateway as a whole, and no rule has such a path.
    if (fault instanceof BadPathError && request.originalUrl === '*' && raw.method === 'OPTIONS')
      return hostFaultOf(raw) === undefined ? void reply.header('allow', usualMethods).send() : next(hostFaultOf(raw))
    if (fault !== undefined) return next(fault)
    const facts = exchange.facts!
    exchange.snapshot = snapshot
    const route = rollout === undefined ? snapshot.match(facts) : matchInRollout(rollout, exchange)
    if (route === undefined) return next(new NoRuleError(facts.method, facts.path.forward))
    if (route === drained) return next(new NoTargetError())
    exchange.route = route
    next()
  })
  done()
}

/** Some requests follow the configuration that is being rolled out. */
function matchInRollout(rollout: RolloutTraffic, exchange: Exchange): ReturnType<Snapshot['match']> {
  const { snapshot, route, arm } = rollout.match(exchange.facts!)
  exchange.snapshot = snapshot
  exchange.arm = arm
  return route
}

/** Puts the facts on the exchange, or returns what is wrong with the request. */
function readRequest(url: string, raw: IncomingMessage, exchange: Exchange, trusted: CidrSet, paths: PathMode): Error | undefined {
  // The parser takes request lines of HTTP/0.9 and 2.0, too.
  if (raw.httpVersionMajor !== 1 && !isHttp2(raw)) return new BadRequestError('The version of HTTP is not taken here')
  const target = parseRequestTarget(url)
  const path = target === undefined ? undefined : normalisePath(target.path, paths)
  if (target === undefined || path === undefined) return new BadPathError()
  const hostFault = hostFaultOf(raw)
  if (hostFault !== undefined) return hostFault
  // RFC 9112 section 3.2.2: an absolute-form target replaces what Host says.
  const host = target.authority ?? raw.headers.host
  if (target.authority !== undefined && !isAuthority(target.authority)) return new BadRequestError('The authority of the URL is malformed')
  const peer = exchange.peer!
  const ip = peer.trusted ? clientAddress(peer.ip, forwardedForOf(raw), trusted) : peer.ip
  exchange.host = host ?? ''
  exchange.facts = new RequestFacts(raw.method!, path, target.search, toMatchHost(host), ip, raw.headers, Date.now())
  return undefined
}

function hostFaultOf(raw: IncomingMessage): Error | undefined {
  if (isHttp2(raw) && !adoptAuthority(raw.headers)) return new BadRequestError('Host and :authority differ')
  const { host } = raw.headers
  // RFC 9112 section 3.2: HTTP/1.1 has exactly one Host, and a well-formed one, whatever the form of the target.
  if (host === undefined ? raw.httpVersion !== '1.0' : !isAuthority(host) || hasManyHosts(raw.rawHeaders))
    return new BadRequestError('The Host field is missing, malformed or repeated')
  return undefined
}

// node:http hands out the first of them alone.
function hasManyHosts(rawHeaders: readonly string[]): boolean {
  let hosts = 0
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]!
    if (name.length === 4 && name.toLowerCase() === 'host') hosts++
  }
  return hosts > 1
}

// node:http joins repeated fields of this name with commas.
function forwardedForOf({ headers }: IncomingMessage): string | undefined {
  return headers['x-forwarded-for'] as string | undefined
}

/** A connection's peer never changes: what is known about it is worked out once. */
function createPeerLookup(trusted: CidrSet): (socket: Socket) => Peer {
  const known = new WeakMap<Socket, Peer>()
  return socket => {
    const before = known.get(socket)
    if (before !== undefined) return before
    const ip = clientAddress(socket.remoteAddress ?? 'unknown', undefined, trusted)
    const peer = { ip, trusted: trusted.has(ip) }
    known.set(socket, peer)
    return peer
  }
}

// fp(): the hook is for every request of the app.
export default fp(router, { name: 'router', fastify: '5.x', dependencies: ['exchange'] })
