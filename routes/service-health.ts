/** `/services/{id}/health`: what this instance knows about the targets of a service. */
import type { FastifyPluginCallback } from 'fastify'
import Type from 'typebox'
import { answer, problems } from '../schemas/answers.ts'
import { IdSchema } from '../schemas/common.ts'
import { ServiceHealthSchema } from '../schemas/service-health.ts'
import { ServiceNotFoundError } from '../src/errors.ts'
import type { ServicesHealth } from '../src/upstream/services-health.ts'

export interface ServiceHealthRoutesOptions {
  readonly health: Pick<ServicesHealth, 'report'>
}

const schema = {
  operationId: 'getServiceHealth',
  tags: ['Services'],
  summary: 'Read the health of the targets of a service',
  description: 'As this instance sees it: others probe for themselves and carry other requests.',
  params: Type.Object({ id: IdSchema }),
  response: { 200: answer('The state of each target.', ServiceHealthSchema), ...problems(400, 404) }
} as const

const serviceHealthRoutes: FastifyPluginCallback<ServiceHealthRoutesOptions> = (app, { health }, done) => {
  app.get<{ Params: { id: string } }>('/services/:id/health', { schema, config: { role: 'viewer' } }, async ({ params }) => {
    const report = health.report(params.id)
    if (report === undefined) throw new ServiceNotFoundError(params.id)
    return report
  })
  done()
}

export default serviceHealthRoutes
