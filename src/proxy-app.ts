/** The data plane of an instance: which plugins, in which order. No logic. */
import fastify, { type FastifyInstance, type FastifyServerFactory } from 'fastify'
import type { Logger } from 'pino'
import accessLog from '../plugins/access-log.ts'
import auth from '../plugins/auth.ts'
import exchange from '../plugins/exchange.ts'
import limiterPlugin from '../plugins/limiter.ts'
import metricsPlugin from '../plugins/metrics.ts'
import overloadPlugin from '../plugins/overload.ts'
import problem from '../plugins/problem.ts'
import proxy, { type ProxyOptions } from '../plugins/proxy.ts'
import ready from '../plugins/ready.ts'
import refusals from '../plugins/refusals.ts'
import requestId from '../plugins/request-id.ts'
import rollout from '../plugins/rollout.ts'
import router from '../plugins/router.ts'
import websocket, { webSocketUrl } from '../plugins/websocket.ts'
import { sinkOf } from './control/line-buffer.ts'
import type { Metrics } from './control/metrics.ts'
import type { Overload } from './control/overload.ts'
import { type CertificateSource, createTlsServer } from './control/tls-server.ts'
import type { CidrSet } from './core/ip.ts'
import type { PathMode } from './core/path.ts'
import type { Discoveries } from './discovery/discoveries.ts'
import { Limiter } from './limits/limiter.ts'
import { Breakers } from './upstream/breakers.ts'
import { Connections } from './upstream/connections.ts'
import type { ServicesHealth } from './upstream/services-health.ts'
import { type Live, Upstream, type UpstreamOptions } from './upstream/upstream.ts'

export interface ProxyAppOptions {
  readonly live: Live
  readonly logger: Logger
  /** Whether a line per request is logged. It does not depend on the logger's level. */
  readonly accessLog: boolean
  readonly metrics: Metrics
  /** The proxies whose X-Forwarded-* and Forwarded are believed. */
  readonly trustedProxies: CidrSet
  /** A path that answers readiness, ahead of every rule. Default: none. */
  readonly readyPath?: string
  readonly isReady: () => boolean
  /** What is taken in a path. Default: strict. */
  readonly paths?: PathMode
  /** Refuses what is too much. Default: nothing is. */
  readonly overload?: Overload
  /** How long a client may take over the header section of a request, in milliseconds. Default 10000. */
  readonly clientHeaderTimeoutMs?: number
  /** Where open WebSockets are listed. Default: a list of its own. */
  readonly connections?: Connections
  /** Probes and ejections, not started yet. Default: ones that tell nobody. */
  readonly health?: ServicesHealth
  /** Not started yet. Default: ones that tell nobody. */
  readonly breakers?: Breakers
  /** The sources of targets, not started yet. Default: `discovery` of services finds nothing. */
  readonly discoveries?: Discoveries
  /** What rate limits know. Default: one of its own, that tells nobody. */
  readonly limiter?: Limiter
  /** For tests: shorter waits. */
  readonly limits?: Omit<UpstreamOptions, 'live'>
}

/** The data plane on a plain listener. */
export function buildProxy(options: ProxyAppOptions): FastifyInstance {
  return build(options, { upstream: createUpstream(options) })
}

/** The data plane on two listeners that share all live state: a plain one and one with TLS. Both have to be closed. */
export function buildProxies(given: ProxyAppOptions, certificates: CertificateSource): [plain: FastifyInstance, secure: FastifyInstance] {
  const options = { ...given, limiter: given.limiter ?? new Limiter() }
  const upstream = createUpstream(options)
  let open = 2
  const release = async (): Promise<void> => {
    open--
    if (open === 0) await upstream.close()
  }
  return [build(options, { upstream, release }), build(options, { upstream, release, certificates })]
}

function createUpstream({ live, metrics, health, breakers = new Breakers(), discoveries, limits }: ProxyAppOptions): Upstream {
  const upstream = new Upstream({ live, metrics, breakers, ...(health === undefined ? {} : { health }), ...limits })
  discoveries?.start(live, (service, scope, found) => upstream.services.get(service, scope).setFound(found))
  return upstream
}

interface Listener extends ProxyOptions {
  /** Undefined: without TLS. */
  readonly certificates?: CertificateSource
}

function build(options: ProxyAppOptions, { certificates, ...listener }: Listener): FastifyInstance {
  const { live, logger, metrics, trustedProxies, readyPath, isReady, overload, paths = 'strict' } = options
  const { connections = new Connections(), limiter = new Limiter() } = options
  const { clientHeaderTimeoutMs = 10_000 } = options
  const app: FastifyInstance = fastify({
    logger: false,
    // Rules match the URL, not Fastify's router: whatever a client makes up, the router only ever sees this.
    rewriteUrl: request => ((request as { readonly upgrade?: boolean | null }).upgrade === true ? webSocketUrl : '/'),
    return503OnClosing: false,
    // Longer than the idle timeout of usual load balancers (60 s), so that they close first.
    keepAliveTimeout: 75_000,
    // Bodies may take as long as they move: the upload has a timeout of its own between two chunks.
    requestTimeout: 0,
    http: {
      headersTimeout: clientHeaderTimeoutMs,
      // Late clients are looked for so often: none is found later than a quarter of the timeout after it.
      connectionsCheckingInterval: Math.ceil(clientHeaderTimeoutMs / 4),
      requireHostHeader: false,
      optimizeEmptyRequests: true
    },
    ...(certificates === undefined ? {} : { serverFactory: toServerFactory(certificates, clientHeaderTimeoutMs) }),
    clientErrorHandler: (error, socket) => app.answerClientError(error, socket)
  })
  app.register(requestId)
  app.register(problem, { logger })
  app.register(refusals)
  app.register(exchange)
  if (options.accessLog) app.register(accessLog, { sink: sinkOf(logger) })
  app.register(metricsPlugin, { metrics, live })
  app.register(rollout, { metrics })
  if (readyPath !== undefined) app.register(ready, { path: readyPath, isReady })
  if (overload !== undefined) app.register(overloadPlugin, { overload, metrics })
  app.register(router, { live, trustedProxies, paths })
  app.register(auth, { metrics })
  app.register(limiterPlugin, { limiter, live })
  app.register(proxy, listener)
  app.register(websocket, { upstream: listener.upstream, connections, metrics, live })
  return app
}

// Fastify knows the server as one of node:http: requests and answers are alike, by the compatibility layer of node:http2.
function toServerFactory(certificates: CertificateSource, headersTimeoutMs: number): FastifyServerFactory {
  return handler => createTlsServer({ certificates, headersTimeoutMs }, handler) as unknown as ReturnType<FastifyServerFactory>
}
