/** `/health`, `/ready`, `/status`: what an instance says of itself. The first two need no token: probes have none. */
import type { FastifyPluginCallback } from 'fastify'
import { HealthSchema, ReadySchema, StatusSchema } from '../schemas/admin-status.ts'
import { answer, problems } from '../schemas/answers.ts'
import { configStatus, storeStatus } from '../src/control/instance-status.ts'
import type { LiveConfig } from '../src/control/live-config.ts'
import type { Overload } from '../src/control/overload.ts'
import { NotReadyError } from '../src/errors.ts'

export interface HealthRoutesOptions {
  readonly live: LiveConfig
  /** Whether traffic may come: a configuration is loaded and the instance is not shutting down. */
  readonly isReady: () => boolean
  readonly version: string
  readonly instance: string
  readonly overload?: Pick<Overload, 'report'>
}

const tags = ['Instance']

const healthSchema = {
  operationId: 'getHealth',
  tags,
  summary: 'Alive?',
  description: 'Always 200 while the process can answer, also when the store is away: restarting would not bring the store back.',
  response: { 200: answer('Alive, with the state of its parts.', HealthSchema) }
} as const

const readySchema = {
  operationId: 'getReady',
  tags,
  summary: 'Ready for traffic?',
  description: '200 once a configuration is loaded and until the instance begins to shut down.',
  response: { 200: answer('Ready.', ReadySchema), ...problems(503) }
} as const

const statusSchema = {
  operationId: 'getStatus',
  tags,
  summary: 'Summary of this instance',
  response: { 200: answer('The summary.', StatusSchema) }
} as const

const healthRoutes: FastifyPluginCallback<HealthRoutesOptions> = (app, { live, isReady, version, instance, overload }, done) => {
  const identity = () => ({ version, instance, uptime_s: Math.round(process.uptime() * 10) / 10 })

  app.get('/health', { schema: healthSchema, config: { role: 'public', rateLimit: false } }, async () => {
    const store = storeStatus(live)
    const config = configStatus(live)
    const strain = overload?.report()
    const isUp = store.status === 'UP' && config.status === 'UP' && strain?.status !== 'DEGRADED'
    const details = { store, config, ...(strain === undefined ? {} : { overload: strain }) }
    return { status: isUp ? 'UP' : 'DEGRADED', details, ...identity() }
  })

  app.get('/ready', { schema: readySchema, config: { role: 'public', rateLimit: false } }, async () => {
    if (live.state === undefined || !isReady()) throw new NotReadyError()
    return { status: 'READY', revision: live.state.revision, source: live.source }
  })

  app.get('/status', { schema: statusSchema, config: { role: 'viewer' } }, async () => {
    const { rss, heapUsed, external } = process.memoryUsage()
    return {
      ...identity(),
      store: storeStatus(live),
      config: configStatus(live),
      counts: { forward_rules: live.state?.count('forward_rule') ?? 0, services: live.state?.count('service') ?? 0 },
      draining: live.state !== undefined && !isReady(),
      node_version: process.version,
      memory: { rss_bytes: rss, heap_used_bytes: heapUsed, external_bytes: external }
    }
  })
  done()
}

export default healthRoutes
