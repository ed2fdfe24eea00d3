/** `POST /explain`: a request to think through, and what would become of it. */
import Type, { type Static } from 'typebox'
import { BreakerReportSchema } from './breaker.ts'
import { headerNamePattern, nullable } from './common.ts'
import { LimitReportSchema } from './limit-report.ts'

const HeaderTextSchema = Type.String({ maxLength: 8192 })

export const ExplainRequestSchema = Type.Object(
  {
    method: Type.Optional(Type.String({ pattern: '^[A-Za-z][A-Za-z-]{0,31}$', description: 'Default GET.', examples: ['GET'] })),
    url: Type.String({
      minLength: 1,
      maxLength: 8192,
      description: 'Absolute, or a path with the host in `headers`.',
      examples: ['http://api.example.com/api/users/7?page=2']
    }),
    headers: Type.Optional(
      Type.Record(
        Type.String({ pattern: headerNamePattern }),
        Type.Union([HeaderTextSchema, Type.Array(HeaderTextSchema, { maxItems: 100 })]),
        {
          additionalProperties: false,
          description: 'Header fields, names in any case; a list stands for repeated fields.'
        }
      )
    ),
    source_ip: Type.Optional(
      Type.String({
        maxLength: 64,
        description: 'Address of the client, after trusted proxies. Default 127.0.0.1.',
        examples: ['192.168.1.7']
      })
    ),
    at: Type.Optional(Type.String({ format: 'date-time', description: 'The moment of the request. Default now.' }))
  },
  {
    additionalProperties: false,
    title: 'ExplainRequest',
    examples: [{ method: 'GET', url: '/api/users/7', headers: { host: 'api.example.com' }, source_ip: '192.168.1.7' }]
  }
)
export type ExplainRequest = Static<typeof ExplainRequestSchema>

const nullableText = (description: string) => Type.Union([Type.String(), Type.Null()], { description })
const CriterionSchema = Type.Enum(['priority', 'path', 'host', 'predicates', 'age'], {
  description: 'In the order in which they are compared.'
})
const ShareSchema = Type.Number({ minimum: 0, maximum: 1, description: 'Of the traffic, 0 to 1.' })

/** What can become of a request, as far as rules say. */
export const outcomes = ['forward', 'redirect', 'respond', 'drained', 'no_rule'] as const
export type OutcomeName = (typeof outcomes)[number]

export const ExplanationSchema = Type.Object(
  {
    outcome: Type.Enum([...outcomes], {
      description: 'drained: only groups of zero weight match (503 no_target). no_rule: 404.'
    }),
    rule: nullableText('The rule that takes the request.'),
    upstream_path: nullableText("Path and query for the target, without the target's base path."),
    location: nullableText('Where a redirect leads.'),
    target_service: nullableText('The service that gets it.'),
    target: nullableText("The rule's own target."),
    targets: Type.Array(
      Type.Object(
        {
          url: Type.String(),
          weight: Type.Integer({ minimum: 0 }),
          share: ShareSchema,
          out: Type.Array(Type.Enum(['health', 'outlier', 'breaker']), {
            description: 'Who keeps it out on this instance; empty when it may get requests.'
          })
        },
        { additionalProperties: false, title: 'CandidateTarget' }
      ),
      { description: 'Where it may go: the targets of the service, or the one target of the rule.' }
    ),
    client: nullable(
      Type.Object({ id: Type.String(), tier: nullable(Type.String()) }, { additionalProperties: false, title: 'ExplainedClient' }),
      { description: 'Who it comes from, by the credentials in its `headers`; null: nobody in particular.' }
    ),
    auth: nullable(Type.Enum(['passes', 'missing', 'invalid', 'expired', 'disabled']), {
      description: 'Whether the `auth` of the rule lets it in, or why not (401); null: the rule has none.'
    }),
    breaker: Type.Optional(BreakerReportSchema),
    limits: Type.Array(LimitReportSchema, { description: 'Its rate limits, as this instance sees them. Nothing is counted.' }),
    won_by: Type.Union([CriterionSchema, Type.Null()], { description: 'By what the rule won over the first of the runners-up.' }),
    group: Type.Array(
      Type.Object(
        { rule: Type.String(), weight: Type.Union([Type.Integer({ minimum: 0 }), Type.Null()]), share: ShareSchema },
        { additionalProperties: false, title: 'GroupMember' }
      ),
      { description: 'The rules that share the match, oldest first.' }
    ),
    sticky: Type.Boolean({ description: 'Whether a value of the request (`split_on`) chose within the group.' }),
    runners_up: Type.Array(
      Type.Object({ rule: Type.String(), lost_by: CriterionSchema }, { additionalProperties: false, title: 'RunnerUp' }),
      { description: 'Rules that match too, the next best first.' }
    ),
    failed: Type.Array(
      Type.Object(
        { rule: Type.String(), predicate: Type.String({ examples: ['headers.api-version'] }) },
        { additionalProperties: false, title: 'FailedRule' }
      ),
      { description: 'Rules whose path matches and that fail, with the first predicate that failed.' }
    ),
    request: Type.Object(
      {
        method: Type.String(),
        host: Type.String(),
        path: Type.String({ description: 'In the normal form that rules are matched against.' }),
        query: Type.String(),
        source_ip: Type.String(),
        at: Type.String({ format: 'date-time' })
      },
      { additionalProperties: false, description: 'The request as rules see it.' }
    )
  },
  { additionalProperties: false, title: 'Explanation' }
)
export type Explanation = Static<typeof ExplanationSchema>
