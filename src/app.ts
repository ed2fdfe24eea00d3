/** The two apps of an instance: which plugins, in which order. No logic. */
import fastify, { type FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import accessLog from '../plugins/access-log.ts'
import adminAuth from '../plugins/admin-auth.ts'
import adminValidators from '../plugins/admin-validators.ts'
import bodyParsers from '../plugins/body-parsers.ts'
import exchange from '../plugins/exchange.ts'
import idempotency from '../plugins/idempotency.ts'
import metricsPlugin from '../plugins/metrics.ts'
import openapi from '../plugins/openapi.ts'
import problem, { onClientError, onFrameworkError } from '../plugins/problem.ts'
import proxy from '../plugins/proxy.ts'
import ready from '../plugins/ready.ts'
import refusals from '../plugins/refusals.ts'
import requestId from '../plugins/request-id.ts'
import revision from '../plugins/revision.ts'
import router from '../plugins/router.ts'
import ui from '../plugins/ui.ts'
import commitRoutes from '../routes/commits.ts'
import configRoutes from '../routes/config.ts'
import explainRoutes from '../routes/explain.ts'
import forwardRuleRoutes from '../routes/forward-rules.ts'
import healthRoutes from '../routes/health.ts'
import metricsRoutes from '../routes/metrics.ts'
import recoverRoutes from '../routes/recover.ts'
import rootRoutes from '../routes/root.ts'
import serviceRoutes from '../routes/services.ts'
import type { AdminToken } from './control/access.ts'
import { sinkOf } from './control/line-buffer.ts'
import type { LiveConfig } from './control/live-config.ts'
import type { Metrics } from './control/metrics.ts'
import type { ConfigWriter } from './control/writer.ts'
import type { CidrSet } from './core/ip.ts'
import { type Live, Upstream, type UpstreamOptions } from './upstream/upstream.ts'
import { version } from './version.ts'

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
  if (readyPath !== undefined) app.register(ready, { path: readyPath, isReady })
  app.register(router, { live, trustedProxies })
  app.register(proxy, { upstream: new Upstream({ live, ...limits }) })
  return app
}

export interface AdminAppOptions {
  readonly live: LiveConfig
  readonly writer: ConfigWriter
  readonly logger: Logger
  readonly metrics: Pick<Metrics, 'registry'>
  /** Whether traffic may come: a configuration is loaded and the instance is not shutting down. */
  readonly isReady: () => boolean
  /** None: everybody who can reach the app may do everything. */
  readonly tokens: readonly AdminToken[]
  /** The address that the app will listen on. */
  readonly adminHost: string
  /** The name of this instance. */
  readonly instance: string
}

/** The control plane. */
export function buildAdmin(options: AdminAppOptions): FastifyInstance {
  const { live, writer, logger, metrics, isReady, tokens, adminHost, instance } = options
  const app = fastify({
    logger: false,
    return503OnClosing: false,
    // Only /config takes more, and says so itself.
    bodyLimit: 1_048_576,
    requestTimeout: 60_000,
    clientErrorHandler: onClientError,
    frameworkErrors: onFrameworkError
  })
  app.register(requestId)
  app.register(problem, { logger })
  app.register(openapi, { version })
  app.register(revision, { live })
  app.register(adminAuth, { tokens, adminHost })
  app.register(bodyParsers)
  app.register(adminValidators)
  app.register(idempotency)
  app.register(forwardRuleRoutes, { live, writer })
  app.register(serviceRoutes, { live, writer })
  app.register(configRoutes, { live, writer })
  app.register(commitRoutes, { writer })
  app.register(recoverRoutes, { writer })
  app.register(explainRoutes, { live })
  app.register(healthRoutes, { live, isReady, version, instance })
  app.register(metricsRoutes, { metrics })
  app.register(rootRoutes)
  app.register(ui)
  return app
}
