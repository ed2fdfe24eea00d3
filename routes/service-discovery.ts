/** `/services/{id}/discovery`: what the source of a service has found, and whether it answers. */
import type { FastifyPluginCallback } from 'fastify'
import Type from 'typebox'
import { answer, problems } from '../schemas/answers.ts'
import { IdSchema } from '../schemas/common.ts'
import { ServiceDiscoverySchema } from '../schemas/discovery.ts'
import type { Discoveries } from '../src/discovery/discoveries.ts'
import { ServiceNotFoundError } from '../src/errors.ts'

export interface ServiceDiscoveryRoutesOptions {
  readonly discoveries: Pick<Discoveries, 'report'>
}

const schema = {
  operationId: 'getServiceDiscovery',
  tags: ['Services'],
  summary: 'Read what the source of a service has found',
  description: 'As this instance sees it. Targets of the configuration are not among these, and win where the address is the same.',
  params: Type.Object({ id: IdSchema }),
  response: { 200: answer('The source and its targets.', ServiceDiscoverySchema), ...problems(400, 404) }
} as const

const serviceDiscoveryRoutes: FastifyPluginCallback<ServiceDiscoveryRoutesOptions> = (app, { discoveries }, done) => {
  app.get<{ Params: { id: string } }>('/services/:id/discovery', { schema, config: { role: 'viewer' } }, async ({ params }) => {
    const report = discoveries.report(params.id)
    if (report === undefined) throw new ServiceNotFoundError(params.id)
    return report
  })
  done()
}

export default serviceDiscoveryRoutes
