/** `/services` */
import type { Static } from 'typebox'
import { pageSchema, ServiceQuerySchema } from '../schemas/admin.ts'
import { ServiceSchema, ServiceWriteSchema } from '../schemas/service.ts'
import { itemRoutes } from './items.ts'

type Query = Static<typeof ServiceQuerySchema>

export default itemRoutes<'service', Query>({
  kind: 'service',
  path: '/services',
  tag: 'Services',
  name: 'Service',
  noun: 'service',
  readSchema: ServiceSchema,
  writtenSchema: ServiceSchema,
  writeSchema: ServiceWriteSchema,
  pageSchema: pageSchema(ServiceSchema, 'ServicePage'),
  querySchema: ServiceQuerySchema,
  examples: {
    two: {
      summary: 'Two targets',
      value: { id: 'users', targets: [{ url: 'http://127.0.0.1:8081' }, { url: 'http://127.0.0.1:8082', weight: 2 }] }
    }
  },
  patchExample: { targets: [{ url: 'http://127.0.0.1:8081' }, { url: 'http://127.0.0.1:8082', weight: 0 }] },
  matches: () => true
})
