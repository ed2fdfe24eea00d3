/** The instances that share a store, and how far a write has come among them. */
import Type from 'typebox'
import { IdSchema } from './common.ts'

const InstanceIdSchema = Type.String({ description: '`SLUICE_INSTANCE`.', examples: ['gateway-1'] })

/** The answer to a write with `wait=all` that not every instance follows yet. */
export const SpreadSchema = Type.Object(
  {
    revision: Type.Integer({ minimum: 0, description: 'The revision the write made.' }),
    applied: Type.Array(InstanceIdSchema, { description: 'Instances that follow it.' }),
    pending: Type.Array(InstanceIdSchema, { description: 'Live instances that have not said so yet.' }),
    rejected: Type.Array(
      Type.Object({ instance: InstanceIdSchema, reason: Type.String() }, { additionalProperties: false, title: 'Rejection' }),
      { description: 'Instances that follow the revision without an item of the write, which cannot be live there.' }
    ),
    api_keys: Type.Optional(
      Type.Array(
        Type.Object({ id: IdSchema, key: Type.String({ readOnly: true }) }, { additionalProperties: false, title: 'MadeApiKey' }),
        { description: 'Keys that the write made for a client. They are shown now and never again.' }
      )
    )
  },
  { additionalProperties: false, title: 'Spread', description: 'How far a write has come.' }
)

const InstanceSchema = Type.Object(
  {
    id: InstanceIdSchema,
    version: Type.String({ examples: ['0.1.0'] }),
    revision: Type.Integer({ minimum: 0, description: 'The revision it follows.' }),
    lag: Type.Union([Type.Integer({ minimum: 0 }), Type.Null()], {
      description: 'How many revisions it is behind the newest of all; null when it follows another life of the store.'
    }),
    digest: Type.String({ description: 'Of the whole configuration as it follows it: equal at equal revisions.' }),
    at: Type.String({ format: 'date-time', description: 'When it said so.' }),
    self: Type.Boolean({ description: 'Whether this is the instance that answers.' }),
    in_sync: Type.Boolean({ description: 'Whether it is at the newest revision and nobody there holds anything else.' })
  },
  { additionalProperties: false, title: 'Instance' }
)

export const InstanceListSchema = Type.Object({ items: Type.Array(InstanceSchema) }, { additionalProperties: false, title: 'InstanceList' })
