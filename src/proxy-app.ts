/** The data plane of an instance: which plugins, in which order. No logic. */
import fastify, { type FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import accessLog from '../plugins/access-log.ts'
import exchange from '../plugins/exchange.ts'
import metricsPlugin from '../plugins/metrics.ts'
import problem, { onClientError } from '../plugins/problem.ts'
import proxy from '../plugins/proxy.ts'
import ready from '../plugins/ready.ts'
import refusals from '../plugins/refusals.ts'
import requestId from '../plugins/request-id.ts'
import rollout from '../plugins/rollout.ts'
import router from '../plugins/router.ts'
import { sinkOf } from './control/line-buffer.ts'
import type { Metrics } from './control/metrics.ts'
import type { CidrSet } from './core/ip.ts'
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
  /** For tests: shorter waits. */
  readonly limits?: Omit<UpstreamOptions, 'live'>
}

/** The data plane. */
export function buildProxy(options: ProxyAppOptions): FastifyInstance {
  const { live, logger, metrics, trustedProxies, readyPath, isReady, limits } = options
  const app = fastify({
    logger: false,
    // Rules match the URL, not Fastify's router: whatever a client makes up, the router only ever sees this.
    rewriteUrl: () => '/',
    return503OnClosing: false,
    // Longer than the idle timeout of usual load balancers (60 s), so that they close first.
    keepAliveTimeout: 75_000,
    // Bodies may take as long as they move: the upload has a timeout of its own between two chunks.
    requestTimeout: 0,
    http: { headersTimeout: 60_000, requireHostHeader: false, optimizeEmptyRequests: true },
    clientErrorHandler: onClientError
  })
  app.register(requestId)
  app.register(problem, { logger })
  app.register(refusals)
  app.register(exchange)
  if (options.accessLog) app.register(accessLog, { sink: sinkOf(logger) })
  app.register(metricsPlugin, { metrics, live })
  app.register(rollout, { metrics })
  if (readyPath !== undefined) app.register(ready, { path: readyPath, isReady })
  app.register(router, { live, trustedProxies })
  app.register(proxy, { upstream: new Upstream({ live, ...limits }) })
  return app
}
