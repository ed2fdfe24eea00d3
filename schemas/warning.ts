/** What a write leaves behind that its author may not have meant. */
import Type from 'typebox'
import { IdSchema } from './common.ts'

export const WarningSchema = Type.Object(
  {
    code: Type.Enum(['unreachable', 'overlap', 'drained'], {
      description:
        'unreachable: another rule takes every request that the rule matches. overlap: both match some requests, and only their age decides. ' +
        'drained: every rule with this match has weight 0.'
    }),
    rule: Type.String({ ...IdSchema, description: 'The rule that is concerned.' }),
    other: Type.Union([IdSchema, Type.Null()], {
      description: 'The rule that takes its requests, or that overlaps with it; null for `drained`.'
    }),
    detail: Type.String({ description: 'What happens, for a person.' })
  },
  { additionalProperties: false, title: 'Warning' }
)

export const WarningsSchema = Type.Array(WarningSchema, {
  maxItems: 20,
  description:
    'What is sure of the rules that the write concerns; of very many rules only a part is looked at. With `strict` they refuse it.'
})
