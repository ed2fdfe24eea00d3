/** What a rule says about copies of its requests: `mirror`. */
import Type, { type Static } from 'typebox'
import { IdSchema } from './common.ts'

export const MirrorSchema = Type.Object(
  {
    target_service: IdSchema,
    percent: Type.Optional(
      Type.Number({
        minimum: 0,
        maximum: 100,
        default: 100,
        description: 'The share of the requests that is copied; fractions are allowed.'
      })
    )
  },
  { additionalProperties: false, description: 'Copies of requests for a second service, whose answers are dropped.' }
)
export type Mirror = Static<typeof MirrorSchema>
