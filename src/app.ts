/** The control plane of an instance: which plugins, in which order. No logic. `proxy-app.ts` is the data plane. */
import fastify, { type FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import adminAuth from '../plugins/admin-auth.ts'
import adminRateLimit, { type AdminRateLimitOptions } from '../plugins/admin-rate-limit.ts'
import adminValidators from '../plugins/admin-validators.ts'
import bodyParsers from '../plugins/body-parsers.ts'
import idempotency from '../plugins/idempotency.ts'
import openapi from '../plugins/openapi.ts'
import problem, { onClientError, onFrameworkError } from '../plugins/problem.ts'
import requestId from '../plugins/request-id.ts'
import revision from '../plugins/revision.ts'
import ui from '../plugins/ui.ts'
import certificateRoutes from '../routes/certificates.ts'
import clientRoutes from '../routes/clients.ts'
import commitRoutes from '../routes/commits.ts'
import configRoutes from '../routes/config.ts'
import connectionRoutes from '../routes/connections.ts'
import eventRoutes from '../routes/events.ts'
import explainRoutes from '../routes/explain.ts'
import forwardRuleRoutes from '../routes/forward-rules.ts'
import healthRoutes from '../routes/health.ts'
import instanceRoutes from '../routes/instances.ts'
import metricsRoutes from '../routes/metrics.ts'
import recoverRoutes from '../routes/recover.ts'
import revisionRoutes from '../routes/revisions.ts'
import rolloutRoutes from '../routes/rollouts.ts'
import rootRoutes from '../routes/root.ts'
import serviceBreakerRoutes from '../routes/service-breaker.ts'
import serviceDiscoveryRoutes from '../routes/service-discovery.ts'
import serviceHealthRoutes from '../routes/service-health.ts'
import serviceRoutes from '../routes/services.ts'
import tierRoutes from '../routes/tiers.ts'
import type { AdminToken } from './control/access.ts'
import type { EventFeed } from './control/event-feed.ts'
import type { Fleet } from './control/fleet.ts'
import type { History } from './control/history.ts'
import type { LiveConfig } from './control/live-config.ts'
import type { Metrics } from './control/metrics.ts'
import type { Overload } from './control/overload.ts'
import type { ConfigWriter } from './control/writer.ts'
import type { PathMode } from './core/path.ts'
import { Discoveries } from './discovery/discoveries.ts'
import { Limiter } from './limits/limiter.ts'
import { Breakers } from './upstream/breakers.ts'
import { Connections } from './upstream/connections.ts'
import { ServicesHealth } from './upstream/services-health.ts'
import { version } from './version.ts'

export interface AdminAppOptions {
  readonly live: LiveConfig
  readonly writer: ConfigWriter
  readonly history: History
  readonly fleet: Pick<Fleet, 'list'>
  readonly feed: EventFeed
  readonly logger: Logger
  readonly metrics: Pick<Metrics, 'registry'>
  /** Whether traffic may come: a configuration is loaded and the instance is not shutting down. */
  readonly isReady: () => boolean
  /** None: everybody who can reach the app may do everything. */
  readonly tokens: readonly AdminToken[]
  /** How many calls a caller may make. Default: as many as they like. */
  readonly rateLimit?: Omit<AdminRateLimitOptions, 'asksToken'>
  /** The address that the app will listen on. */
  readonly adminHost: string
  /** The WebSockets that are open. Default: none. */
  readonly connections?: Connections
  /** The name of this instance. */
  readonly instance: string
  /** What the proxy takes in a path. Default: strict. */
  readonly paths?: PathMode
  /** The breakers of services. Default: ones that know no request. */
  readonly breakers?: Breakers
  /** What rate limits know. Default: nothing. */
  readonly limiter?: Limiter
  /** The health of targets. Default: one that knows no service. */
  readonly health?: Pick<ServicesHealth, 'report' | 'stateOf'>
  /** The sources of targets. Default: none. */
  readonly discoveries?: Pick<Discoveries, 'report'>
  /** What `/health` says of overload. Default: nothing. */
  readonly overload?: Pick<Overload, 'report'>
}

export function buildAdmin(options: AdminAppOptions): FastifyInstance {
  const { live, writer, history, fleet, feed, logger, metrics, isReady, tokens, adminHost, instance, paths = 'strict', overload } = options
  const { breakers = new Breakers(), limiter = new Limiter(), rateLimit } = options
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
  if (rateLimit !== undefined) app.register(adminRateLimit, { ...rateLimit, asksToken: tokens.length > 0 })
  app.register(adminAuth, { tokens, adminHost })
  app.register(bodyParsers)
  app.register(adminValidators)
  app.register(idempotency)
  app.register(forwardRuleRoutes, { live, writer })
  app.register(serviceRoutes, { live, writer })
  app.register(certificateRoutes, { live, writer })
  app.register(clientRoutes, { live, writer })
  app.register(tierRoutes, { live, writer })
  app.register(configRoutes, { live, writer })
  app.register(commitRoutes, { writer })
  app.register(recoverRoutes, { writer })
  app.register(revisionRoutes, { history, writer })
  app.register(rolloutRoutes, { live, writer, fleet, instance })
  app.register(eventRoutes, { feed, history, live })
  app.register(instanceRoutes, { fleet, instance })
  app.register(connectionRoutes, { connections: options.connections ?? new Connections() })
  app.register(serviceDiscoveryRoutes, { discoveries: options.discoveries ?? new Discoveries() })
  app.register(serviceBreakerRoutes, { live, breakers })
  app.register(serviceHealthRoutes, { health: options.health ?? new ServicesHealth() })
  app.register(explainRoutes, { live, paths, breakers, limiter, stateOf: id => options.health?.stateOf(id) })
  app.register(healthRoutes, { live, isReady, version, instance, ...(overload === undefined ? {} : { overload }) })
  app.register(metricsRoutes, { metrics })
  app.register(rootRoutes)
  app.register(ui)
  return app
}
