/** The tests that travel with a rule: a request, and what must become of it as long as the rule is there. */
import Type, { type Static } from 'typebox'
import { ExplainRequestSchema, outcomes } from './admin-explain.ts'
import { HttpUrlSchema, IdSchema, nullable } from './common.ts'

/** Only what can be judged without sending anything. Each field means what it means in the answer of `POST /explain`. */
export const ExpectationSchema = Type.Object(
  {
    rule: Type.Optional(
      nullable(IdSchema, { description: 'The rule that takes it; of a group, one with a weight above 0. null: no rule takes it.' })
    ),
    outcome: Type.Optional(Type.Enum([...outcomes], { description: 'drained: only groups of zero weight match. no_rule: none matches.' })),
    status: Type.Optional(
      Type.Integer({
        minimum: 200,
        maximum: 599,
        description: 'What the gateway itself answers: the status of a redirect or an own answer, 503 when drained, 404 without a rule.',
        examples: [308]
      })
    ),
    upstream_path: Type.Optional(
      Type.String({
        maxLength: 8192,
        description: "Path and query for the target, without the target's base path.",
        examples: ['/7?page=2']
      })
    ),
    location: Type.Optional(Type.String({ maxLength: 8192, description: 'Where a redirect leads.', examples: ['https://example.com/a'] })),
    target_service: Type.Optional(IdSchema),
    target: Type.Optional(HttpUrlSchema)
  },
  { additionalProperties: false, minProperties: 1, title: 'Expectation', description: 'All that is given must hold. At least one field.' }
)
export type Expectation = Static<typeof ExpectationSchema>

export const RuleTestSchema = Type.Object(
  { request: ExplainRequestSchema, expect: ExpectationSchema },
  { additionalProperties: false, title: 'RuleTest' }
)
export type RuleTest = Static<typeof RuleTestSchema>
