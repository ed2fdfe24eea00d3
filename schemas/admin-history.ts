/** What was changed, when and by whom; and what happens now. */
import Type, { type Static } from 'typebox'
import { pageQuery } from './admin.ts'
import { DiffEntrySchema } from './admin-config.ts'

export const RevisionParamsSchema = Type.Object({
  revision: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER, description: 'A revision.', examples: [42] })
})
export type RevisionParams = Static<typeof RevisionParamsSchema>

export const RevisionQuerySchema = Type.Object(
  {
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 200, default: 50, description: 'How many revisions at most.' })),
    cursor: pageQuery.cursor
  },
  { additionalProperties: false }
)
export type RevisionQuery = Static<typeof RevisionQuerySchema>

const head = {
  revision: Type.Integer({ minimum: 1 }),
  at: Type.String({ format: 'date-time', description: 'When it was committed.' }),
  by: Type.String({
    description: 'Who: the name of a token, `anonymous` without tokens, `file` for an edit of the file.',
    examples: ['admin']
  })
} as const
const { op, kind } = DiffEntrySchema.properties

export const RevisionPageSchema = Type.Object(
  {
    items: Type.Array(
      Type.Object(
        {
          ...head,
          changes: Type.Array(Type.Object({ op, kind, id: Type.String() }, { additionalProperties: false, title: 'RevisionChange' }))
        },
        { additionalProperties: false, title: 'RevisionSummary' }
      )
    ),
    next_cursor: Type.Union([Type.String(), Type.Null()], { description: 'Where the next page begins; null on the last.' })
  },
  { additionalProperties: false, title: 'RevisionPage' }
)

export const RevisionSchema = Type.Object(
  {
    ...head,
    changes: Type.Array(
      Type.Object(
        {
          op,
          kind,
          id: Type.String(),
          changed: Type.Optional(Type.Array(Type.String(), { description: 'JSON pointers to what differs, for an update.' })),
          before: Type.Unknown({ description: 'The item as it was written before; null when there was none.' }),
          after: Type.Unknown({ description: 'The item as it was written; null when it was deleted.' })
        },
        { additionalProperties: false, title: 'RevisionDiff' }
      )
    )
  },
  { additionalProperties: false, title: 'Revision' }
)

export const EventHeadersSchema = Type.Object({
  'Last-Event-ID': Type.Optional(
    Type.String({ description: 'The last `id` that was seen: what was committed since comes first.', examples: ['42'] })
  )
})
