/** A forward rule: match, where to forward, policies. Wire shape of `/forward-rules` and of `forward_rules` in a file. */
import Type, { type Static } from 'typebox'
import { AuthSchema } from './auth.ts'
import { BreakerSchema } from './breaker.ts'
import {
  DescriptionSchema,
  HeaderMapSchema,
  HttpUrlSchema,
  headerNamePattern,
  IdSchema,
  LabelsSchema,
  nullable,
  oneOrMore,
  TimestampSchema
} from './common.ts'
import { MirrorSchema } from './mirror.ts'
import { RateLimitsSchema } from './rate-limit.ts'
import { RetrySchema } from './retry.ts'
import { RuleTestSchema } from './rule-test.ts'
import { WarningsSchema } from './warning.ts'
import { WebSocketSchema } from './websocket.ts'

export const pathTypes = ['prefix', 'exact', 'template', 'regex'] as const
export type PathType = (typeof pathTypes)[number]

const PatternSchema = Type.String({
  minLength: 1,
  maxLength: 1024,
  description: 'An RE2 pattern (linear time: no look-around, no back-references).'
})

/** A value to equal, a pattern to find, or whether the field is there at all. */
export const ValueMatchSchema = Type.Union(
  [
    Type.String({ maxLength: 8192, description: 'The value must equal this.' }),
    Type.Object({ regex: PatternSchema }, { additionalProperties: false }),
    Type.Object({ present: Type.Boolean({ description: 'true: must be there; false: must be absent.' }) }, { additionalProperties: false })
  ],
  { description: 'A string to equal, {"regex": "…"} to find, or {"present": true|false}.' }
)
export type ValueMatch = Static<typeof ValueMatchSchema>

const ValueMatchesSchema = Type.Record(Type.String({ pattern: '^[^\\x00-\\x20]{1,256}$' }), ValueMatchSchema, {
  additionalProperties: false
})
const HeaderMatchesSchema = Type.Record(Type.String({ pattern: headerNamePattern }), ValueMatchSchema, { additionalProperties: false })

const HostSchema = Type.String({ minLength: 1, maxLength: 255, examples: ['api.example.com', '*.example.com'] })
const SourceIpSchema = Type.String({ minLength: 2, maxLength: 64, examples: ['192.168.1.0/24', '2001:db8::/32'] })
const MethodSchema = Type.String({ pattern: '^[A-Za-z][A-Za-z-]{0,31}$', examples: ['GET'] })

/** Edits of a header section, applied in this order: remove, set (replace), add (append). */
export const HeaderEditsSchema = Type.Object(
  {
    set: Type.Optional(HeaderMapSchema),
    add: Type.Optional(HeaderMapSchema),
    remove: Type.Optional(Type.Array(Type.String({ pattern: headerNamePattern }), { maxItems: 100 }))
  },
  { additionalProperties: false, description: 'Header edits, applied in this order: remove, set (replace), add (append).' }
)
export type HeaderEdits = Static<typeof HeaderEditsSchema>

const milliseconds = (description: string, byDefault: number) =>
  Type.Integer({ minimum: 1, maximum: 86_400_000, description, examples: [byDefault] })

/** Used where neither the rule nor its service says otherwise. Milliseconds; `null` is no limit. */
export const defaultTimeouts = { connect: 5_000, send: 10_000, read: 30_000, total: null } as const

export const TimeoutsSchema = Type.Object(
  {
    connect: Type.Optional(milliseconds('To connect to the target. Default 5000.', defaultTimeouts.connect)),
    send: Type.Optional(milliseconds('Between two successful writes of the request to the target. Default 10000.', defaultTimeouts.send)),
    read: Type.Optional(milliseconds('To the response headers, and between two reads of the body. Default 30000.', defaultTimeouts.read)),
    total: Type.Optional(
      nullable(milliseconds('For the whole exchange.', 60_000), { description: 'For the whole exchange. Default null: no limit.' })
    )
  },
  { additionalProperties: false, description: 'Timeouts in milliseconds.' }
)
export type Timeouts = Static<typeof TimeoutsSchema>

export const RedirectSchema = Type.Object(
  {
    status: Type.Optional(
      Type.Union([Type.Literal(301), Type.Literal(302), Type.Literal(303), Type.Literal(307), Type.Literal(308)], {
        description: 'Default 308.',
        default: 308
      })
    ),
    location: Type.String({
      minLength: 1,
      maxLength: 2048,
      pattern: '^[\\x21-\\x7e]+$',
      description:
        'Where to. `{host}`, `{path}` (after strip and rewrite), `{query}` (with its `?`) and the captures of the path are filled in.',
      examples: ['https://{host}{path}{query}']
    })
  },
  { additionalProperties: false }
)

export const RespondSchema = Type.Object(
  {
    status: Type.Optional(Type.Integer({ minimum: 200, maximum: 599, default: 200 })),
    headers: Type.Optional(HeaderMapSchema),
    body: Type.Optional(Type.String({ maxLength: 262_144, default: '' }))
  },
  { additionalProperties: false, description: 'An answer of the gateway itself.' }
)

/** Fields that read and write shapes share. */
const common = {
  description: Type.Optional(DescriptionSchema),
  labels: Type.Optional(LabelsSchema),
  enabled: Type.Optional(Type.Boolean({ default: true, description: 'false: kept, but matches nothing.' })),
  path: Type.Optional(
    Type.String({ minLength: 1, maxLength: 2048, default: '/', description: 'Read by `path_type`.', examples: ['/api/users'] })
  ),
  path_type: Type.Optional(
    Type.Enum([...pathTypes], {
      default: 'prefix',
      description: 'exact; prefix: whole segments; template: /users/{id}; regex: RE2, found anywhere unless anchored.'
    })
  ),
  headers: Type.Optional(HeaderMatchesSchema),
  query: Type.Optional(ValueMatchesSchema),
  cookies: Type.Optional(ValueMatchesSchema),
  active: Type.Optional(
    Type.Object(
      { from: Type.Optional(nullable(TimestampSchema)), until: Type.Optional(nullable(TimestampSchema)) },
      { additionalProperties: false, description: 'The rule matches from (inclusive) until (exclusive).' }
    )
  ),
  priority: Type.Optional(Type.Integer({ minimum: -1_000_000, maximum: 1_000_000, default: 0, description: 'Higher first.' })),
  target_service: Type.Optional(IdSchema),
  target: Type.Optional(HttpUrlSchema),
  redirect: Type.Optional(RedirectSchema),
  respond: Type.Optional(RespondSchema),
  weight: Type.Optional(
    Type.Integer({ minimum: 0, maximum: 1000, description: 'Share within the group of rules with the same match and priority.' })
  ),
  split_on: Type.Optional(
    Type.String({
      pattern: "^(ip|header:[!#$%&'*+.^_`|~0-9A-Za-z-]+|cookie:[^\\x00-\\x20;=]+)$",
      description: 'Makes the split sticky: ip | header:X | cookie:X.',
      examples: ['cookie:uid']
    })
  ),
  strip_prefix: Type.Optional(
    Type.Union([Type.Boolean(), Type.Integer({ minimum: 0, maximum: 64 })], {
      default: false,
      description: 'true: the matched prefix; a number: that many leading segments. Not together with `rewrite`.'
    })
  ),
  rewrite: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 2048,
      pattern: '^/[\\x21-\\x7e]*$',
      description: 'The path to send. template: {name} is filled in; regex: $1, $<name>; prefix: replaces the matched prefix.',
      examples: ['/v2/users/{id}']
    })
  ),
  host_header: Type.Optional(
    Type.String({ minLength: 1, maxLength: 255, default: 'preserve', description: 'preserve | target | a literal host[:port].' })
  ),
  request_headers: Type.Optional(HeaderEditsSchema),
  response_headers: Type.Optional(HeaderEditsSchema),
  timeout_ms: Type.Optional(TimeoutsSchema),
  retry: Type.Optional(RetrySchema),
  auth: Type.Optional(AuthSchema),
  rate_limit: Type.Optional(RateLimitsSchema),
  breaker: Type.Optional(BreakerSchema),
  mirror: Type.Optional(MirrorSchema),
  max_body_bytes: Type.Optional(
    nullable(Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }), { description: '413 above this. Default null: no limit.' })
  ),
  websocket: Type.Optional(WebSocketSchema),
  tests: Type.Optional(
    Type.Array(RuleTestSchema, {
      maxItems: 20,
      description: 'What must hold: a write that breaks one is refused (422 expectation_failed). Those of a rule that is not enabled rest.',
      examples: [[{ request: { url: 'http://api.example.com/api/users/7' }, expect: { rule: 'rule-001', upstream_path: '/7' } }]]
    })
  )
}

/** What a client writes. Short forms: `method` for `methods`, one string where a list is meant. */
export const ForwardRuleWriteSchema = Type.Object(
  {
    id: Type.Optional(IdSchema),
    ...common,
    host: Type.Optional(oneOrMore(HostSchema, 'Exact host or `*.suffix`; port ignored, case-insensitive.')),
    methods: Type.Optional(oneOrMore(MethodSchema, 'HTTP methods; all when absent.')),
    method: Type.Optional(oneOrMore(MethodSchema, 'The same as `methods`.')),
    source_ip: Type.Optional(oneOrMore(SourceIpSchema, 'Addresses or CIDR blocks, of the client after trusted proxies.'))
  },
  { additionalProperties: false, title: 'ForwardRuleWrite', description: 'Exactly one of target_service, target, redirect, respond.' }
)
export type ForwardRuleWrite = Static<typeof ForwardRuleWriteSchema>

/** What the API answers: lists are lists, defaults are filled in. Valid input again. */
export const ForwardRuleSchema = Type.Object(
  {
    id: IdSchema,
    ...common,
    host: Type.Optional(Type.Array(HostSchema)),
    methods: Type.Optional(Type.Array(MethodSchema)),
    source_ip: Type.Optional(Type.Array(SourceIpSchema))
  },
  { additionalProperties: false, title: 'ForwardRule' }
)

/** What a write answers: the rule, and what it leaves behind that may not be meant. Not valid input. */
export const ForwardRuleWrittenSchema = Type.Object(
  { ...ForwardRuleSchema.properties, warnings: Type.Optional(WarningsSchema) },
  { additionalProperties: false, title: 'ForwardRuleWritten', description: 'The rule, with `warnings` when there are any.' }
)

type Filled = 'description' | 'labels' | 'enabled' | 'path' | 'path_type' | 'priority' | 'strip_prefix' | 'host_header'
type Read = Static<typeof ForwardRuleSchema>

/** A rule in canonical form. */
export type ForwardRule = Readonly<Omit<Read, Filled> & Required<Pick<Read, Filled>>>
