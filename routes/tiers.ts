/** `/tiers` */
import Type, { type Static } from 'typebox'
import { pageQuery, pageSchema } from '../schemas/admin.ts'
import { TierSchema, TierWriteSchema } from '../schemas/tier.ts'
import { itemRoutes } from './items.ts'

const TierQuerySchema = Type.Object(pageQuery, { additionalProperties: false })
type Query = Static<typeof TierQuerySchema>

export default itemRoutes<'tier', Query>({
  kind: 'tier',
  path: '/tiers',
  tag: 'Clients',
  name: 'Tier',
  noun: 'tier',
  readSchema: TierSchema,
  writtenSchema: TierSchema,
  writeSchema: TierWriteSchema,
  pageSchema: pageSchema(TierSchema, 'TierPage'),
  querySchema: TierQuerySchema,
  examples: {
    vip: {
      summary: '100 requests a second for each client, 200 at once',
      value: { id: 'vip', limits: [{ algorithm: 'token_bucket', limit: 100, window_ms: 1000, burst: 200 }] }
    }
  },
  patchExample: { limits: [{ limit: 200 }] },
  matches: () => true
})
