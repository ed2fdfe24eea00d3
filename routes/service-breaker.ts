/** `/services/{id}/breaker`: the circuit breaker of a service, on this instance. */
import type { FastifyPluginCallback } from 'fastify'
import Type from 'typebox'
import { answer, problems } from '../schemas/answers.ts'
import { type BreakerForce, BreakerForceSchema, BreakerReportSchema } from '../schemas/breaker.ts'
import { IdSchema } from '../schemas/common.ts'
import type { LiveConfig } from '../src/control/live-config.ts'
import { loadedState } from '../src/control/loaded-state.ts'
import type { CompiledService } from '../src/core/route.ts'
import { BreakerNotFoundError, ServiceNotFoundError, TargetNotFoundError } from '../src/errors.ts'
import type { Breakers } from '../src/upstream/breakers.ts'

export interface ServiceBreakerRoutesOptions {
  readonly live: LiveConfig
  readonly breakers: Pick<Breakers, 'report' | 'force' | 'urlsOf'>
}

const params = Type.Object({ id: IdSchema })
const tags = ['Services']

const readSchema = {
  operationId: 'getServiceBreaker',
  tags,
  summary: 'Read the breaker of a service',
  description: 'As this instance sees it: others carry other requests. Breakers of rules are in the metrics and events.',
  params,
  response: { 200: answer('Its state.', BreakerReportSchema), ...problems(400, 404, 503) }
} as const

const forceSchema = {
  operationId: 'forceServiceBreaker',
  tags,
  summary: 'Force the breaker of a service',
  description:
    'Live state of this instance: it is neither stored nor told to others, and lasts until `auto`, a restart, or the end of the breaker.',
  params,
  body: BreakerForceSchema,
  response: { 200: answer('Its state now.', BreakerReportSchema), ...problems(400, 404, 413, 415, 503) }
} as const

const serviceBreakerRoutes: FastifyPluginCallback<ServiceBreakerRoutesOptions> = (app, { live, breakers }, done) => {
  const serviceOf = (id: string): CompiledService => {
    const service = loadedState(live).snapshot.service(id)
    if (service === undefined) throw new ServiceNotFoundError(id)
    if (service.breaker === undefined) throw new BreakerNotFoundError(id)
    return service
  }
  app.get<{ Params: { id: string } }>(
    '/services/:id/breaker',
    { schema: readSchema, config: { role: 'viewer' } },
    async ({ params: { id } }) => breakers.report(serviceOf(id))
  )
  app.put<{ Params: { id: string }; Body: BreakerForce }>(
    '/services/:id/breaker',
    { schema: forceSchema, config: { role: 'editor' } },
    async ({ params: { id }, body: { state, target } }) => {
      const service = serviceOf(id)
      const isKnown = service.breaker!.scope === 'target' && breakers.urlsOf(service).some(url => url === target)
      if (target !== undefined && !isKnown) throw new TargetNotFoundError(id)
      breakers.force(service, state, target)
      return breakers.report(service)
    }
  )
  done()
}

export default serviceBreakerRoutes
