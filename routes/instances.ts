/** `/instances`: who shares the store, and how far each is. */
import type { FastifyPluginCallback } from 'fastify'
import { InstanceListSchema } from '../schemas/admin-fleet.ts'
import { answer, problems } from '../schemas/answers.ts'
import { toInstanceList } from '../src/control/instance-list.ts'
import type { InstanceReport } from '../src/core/store.ts'

export interface InstanceRoutesOptions {
  readonly fleet: { list(): Promise<readonly InstanceReport[]> }
  /** The name of this instance. */
  readonly instance: string
}

const listSchema = {
  operationId: 'listInstances',
  tags: ['Instance'],
  summary: 'List live instances',
  description:
    'Those that have announced themselves in the store within the last 10 seconds. With a store that others cannot announce themselves in ' +
    '(file, memory): this one.',
  response: { 200: answer('Live instances, by id.', InstanceListSchema), ...problems(503) }
} as const

const instanceRoutes: FastifyPluginCallback<InstanceRoutesOptions> = (app, { fleet, instance }, done) => {
  app.get('/instances', { schema: listSchema, config: { role: 'viewer' } }, async () => ({
    items: toInstanceList(await fleet.list(), instance)
  }))
  done()
}

export default instanceRoutes
