/** `/clients` */
import Type, { type Static } from 'typebox'
import { pageQuery, pageSchema } from '../schemas/admin.ts'
import { ClientSchema, ClientWriteSchema, ClientWrittenSchema } from '../schemas/client.ts'
import { IdSchema } from '../schemas/common.ts'
import { itemRoutes } from './items.ts'

const ClientQuerySchema = Type.Object(
  { ...pageQuery, tier: Type.Optional({ ...IdSchema, description: 'Only clients of this tier.' }) },
  { additionalProperties: false }
)
type Query = Static<typeof ClientQuerySchema>

export default itemRoutes<'client', Query>({
  kind: 'client',
  path: '/clients',
  tag: 'Clients',
  name: 'Client',
  noun: 'client',
  readSchema: ClientSchema,
  writtenSchema: ClientWrittenSchema,
  writeSchema: ClientWriteSchema,
  pageSchema: pageSchema(ClientSchema, 'ClientPage'),
  querySchema: ClientQuerySchema,
  examples: {
    made: { summary: 'With a key that the gateway makes; the answer holds it', value: { id: 'acme', api_keys: [{ id: 'k1' }] } },
    given: {
      summary: 'With a key of its own',
      value: { id: 'globex', api_keys: [{ id: 'k1', key: 'at least sixteen characters'.replaceAll(' ', '-') }] }
    }
  },
  patchExample: { enabled: false },
  matches: ({ tier }, { tier: wanted }) => wanted === undefined || tier === wanted
})
