/** A known caller: how it is recognised, and its tier. Wire shape of `/clients` and of `clients` in a file. */
import Type, { type Static } from 'typebox'
import { DescriptionSchema, IdSchema, LabelsSchema, nullable, TimestampSchema } from './common.ts'

const CreatedAtSchema = Type.String({
  ...TimestampSchema,
  description: 'Since when it is this key. The gateway sets it: of what is written it is taken for a `key_sha256` that is new.'
})

const entry = {
  id: IdSchema,
  expires_at: Type.Optional(
    nullable(TimestampSchema, { description: 'From then on the key is refused. Default null: never.', default: null })
  ),
  created_at: Type.Optional(CreatedAtSchema)
}

/** A key as it is written. */
export const ApiKeyWriteSchema = Type.Object(
  {
    ...entry,
    key: Type.Optional(
      Type.String({
        minLength: 16,
        maxLength: 256,
        pattern: '^[\\x21-\\x7e]+$',
        writeOnly: true,
        description:
          'The key itself; only its digest is kept, and no answer holds it. Left out of a new entry of a client that is written by itself, the gateway makes one and answers with it, once. Left out of an entry that is there, it stays.'
      })
    ),
    key_sha256: Type.Optional(
      Type.String({ pattern: '^[0-9a-f]{64}$', writeOnly: true, description: 'Its SHA-256 instead, in hexadecimal: what a store keeps.' })
    )
  },
  { additionalProperties: false, title: 'ApiKeyWrite' }
)

/** A key as it is read. */
export const ApiKeySchema = Type.Object(entry, { additionalProperties: false, title: 'ApiKey' })

const fields = {
  description: Type.Optional(DescriptionSchema),
  labels: Type.Optional(LabelsSchema),
  enabled: Type.Optional(Type.Boolean({ default: true, description: 'false: its keys are refused.' })),
  tier: Type.Optional(nullable(IdSchema, { description: 'The tier whose limits it has. Default null: none.', default: null }))
}

/** What a client of the API writes. */
export const ClientWriteSchema = Type.Object(
  {
    id: Type.Optional(IdSchema),
    ...fields,
    api_keys: Type.Optional(Type.Array(ApiKeyWriteSchema, { maxItems: 100, default: [], description: 'Each with an id of its own.' }))
  },
  { additionalProperties: false, title: 'ClientWrite' }
)
export type ClientWrite = Static<typeof ClientWriteSchema>

/** What the API answers: everything but the keys. Valid input again. */
export const ClientSchema = Type.Object(
  { id: IdSchema, ...fields, api_keys: Type.Array(ApiKeySchema) },
  { additionalProperties: false, title: 'Client' }
)

/** What a write answers: the client, with the keys that were made for it. */
export const ClientWrittenSchema = Type.Object(
  {
    ...ClientSchema.properties,
    api_keys: Type.Array(
      Type.Object(
        {
          ...entry,
          key: Type.Optional(Type.String({ readOnly: true, description: 'Made by this write. It is shown now and never again.' }))
        },
        { additionalProperties: false, title: 'ApiKeyWritten' }
      )
    )
  },
  { additionalProperties: false, title: 'ClientWritten' }
)

export interface ApiKey {
  readonly id: string
  readonly expires_at: string | null
  /** Absent for one that was written into the store by hand. */
  readonly created_at?: string
}

/** A client in canonical form: without its keys. */
export interface Client {
  readonly id: string
  readonly description: string
  readonly labels: Readonly<Record<string, string>>
  readonly enabled: boolean
  readonly tier: string | null
  readonly api_keys: readonly ApiKey[]
}
