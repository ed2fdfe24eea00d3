/** Problem details (RFC 9457): the one shape of every error answer, on both planes. */
import Type, { type Static } from 'typebox'

export const FaultSchema = Type.Object(
  {
    pointer: Type.String({ description: "JSON pointer (RFC 6901) into what was sent; `''` is the whole, `/name` of a query parameter." }),
    detail: Type.String({ description: 'What is wrong there.', examples: ['is not a known field'] })
  },
  { additionalProperties: false, title: 'Fault', description: 'One thing that is wrong with the input.' }
)

export const ProblemSchema = Type.Object(
  {
    type: Type.String({ description: 'A URI reference that identifies the kind of problem.' }),
    title: Type.String({ description: 'The code as words.' }),
    status: Type.Integer({ minimum: 400, maximum: 599 }),
    code: Type.String({
      pattern: '^[a-z][a-z0-9_]*$',
      description: 'Stable name of the error, for programs.',
      examples: ['validation_failed']
    }),
    detail: Type.String({ description: 'What happened, for a person.' }),
    errors: Type.Optional(Type.Array(FaultSchema, { description: 'Every fault of the input, with where it is.' })),
    request_id: Type.String({ description: 'Also in the log of the gateway.' }),
    timestamp: Type.String({ format: 'date-time' })
  },
  { additionalProperties: false, title: 'Problem', description: 'Problem details of RFC 9457.' }
)
export type Problem = Static<typeof ProblemSchema>
