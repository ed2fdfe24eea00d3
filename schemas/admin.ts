/** Parameters and pages that the resources of the admin API share. */
import Type, { type Static, type TSchema } from 'typebox'
import { IdSchema } from './common.ts'

/** What every write takes in its query string. */
export const WriteQuerySchema = Type.Object(
  {
    dry_run: Type.Optional(
      Type.Boolean({ default: false, description: 'Check everything, write nothing, and answer as the write would.' })
    ),
    strict: Type.Optional(
      Type.Boolean({ default: false, description: 'Refuse a write that would be answered with `warnings` (409 strict_warnings).' })
    ),
    wait: Type.Optional(
      Type.Enum(['self', 'all'], {
        default: 'self',
        description:
          'all: answer once every live instance follows the write, or 202 after `timeout_ms`. A write always waits for the instance that takes it.'
      })
    ),
    timeout_ms: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 60_000, default: 2000, description: 'How long `wait=all` waits, in milliseconds.' })
    )
  },
  { additionalProperties: false }
)
/** As a handler gets it: defaults are filled in. */
export type WriteQuery = Required<Static<typeof WriteQuerySchema>>

export const IdParamsSchema = Type.Object({ id: IdSchema })

const IdempotencyKeySchema = Type.String({
  minLength: 1,
  maxLength: 255,
  pattern: '^[\\x20-\\x7e]+$',
  description: 'Makes the request safe to repeat: the same key and request get the stored answer. Kept for 24 hours by this instance.'
})

/** Header fields of a write. */
export const WriteHeadersSchema = Type.Object({ 'Idempotency-Key': Type.Optional(IdempotencyKeySchema) })

const IfMatchSchema = Type.String({ description: 'Write only if the item still has one of these entity tags; `*`: if it is there at all.' })
const IfNoneMatchSchema = Type.String({ description: '`*`: write only if the item is not there yet.' })

/** Header fields of a write of one item (RFC 9110 section 13.1). */
export const ItemWriteHeadersSchema = Type.Object({
  'Idempotency-Key': Type.Optional(IdempotencyKeySchema),
  'If-Match': Type.Optional(IfMatchSchema),
  'If-None-Match': Type.Optional(IfNoneMatchSchema)
})

/** Header fields of a read of one item. */
export const ItemReadHeadersSchema = Type.Object({
  'If-None-Match': Type.Optional(Type.String({ description: 'Answer 304 when the item still has one of these entity tags.' }))
})

/** What every list takes in its query string. */
export const pageQuery = {
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: 100, description: 'How many items at most.' })),
  cursor: Type.Optional(Type.String({ maxLength: 200, description: '`next_cursor` of the page before. Opaque.' })),
  label: Type.Optional(
    Type.Array(Type.String({ maxLength: 320, pattern: '^[^:]+:', description: '`key:value`', examples: ['team:users'] }), {
      maxItems: 20,
      description: 'Only items with this label, as `key:value`. May be repeated: all must hold.'
    })
  )
} as const

/** Filters of the list of services. */
export const ServiceQuerySchema = Type.Object(pageQuery, { additionalProperties: false })

/** Filters of the list of rules. */
export const ForwardRuleQuerySchema = Type.Object(
  {
    ...pageQuery,
    path: Type.Optional(Type.String({ maxLength: 2048, description: 'Only rules whose `path` begins with this.' })),
    host: Type.Optional(Type.String({ maxLength: 255, description: 'Only rules that list this host, as written.' })),
    service: Type.Optional(Type.String({ maxLength: 64, description: 'Only rules that forward to this service.' })),
    enabled: Type.Optional(Type.Boolean({ description: 'Only rules that are enabled, or that are not.' }))
  },
  { additionalProperties: false }
)

/** One page of a list, oldest item first. */
export function pageSchema(item: TSchema, title: string) {
  return Type.Object(
    {
      items: Type.Array(item),
      next_cursor: Type.Union([Type.String(), Type.Null()], { description: 'Where the next page begins; null on the last.' }),
      total: Type.Integer({ minimum: 0, description: 'How many items match the filters, on all pages.' })
    },
    { additionalProperties: false, title }
  )
}
