/** How much is let through: `rate_limit` of a rule, `limits` of a tier. */
import Type, { type Static } from 'typebox'
import { oneOrMore } from './common.ts'

export const limitAlgorithms = [
  'token_bucket',
  'leaky_bucket',
  'sliding_window',
  'sliding_log',
  'fixed_window',
  'concurrency',
  'adaptive'
] as const
export type LimitAlgorithm = (typeof limitAlgorithms)[number]

export const limitScopes = ['instance', 'cluster'] as const
export type LimitScope = (typeof limitScopes)[number]

export const limitModes = ['exact', 'bounded'] as const
export type LimitMode = (typeof limitModes)[number]

export const storeFailurePolicies = ['local', 'allow', 'deny'] as const
export type StoreFailurePolicy = (typeof storeFailurePolicies)[number]

/** Used for what a limit leaves out. What is not here depends on the algorithm: see `src/core/limit/compile-limit.ts`. */
export const defaultRateLimit = {
  algorithm: 'token_bucket',
  window_ms: 1_000,
  max_delay_ms: 0,
  key: ['ip'],
  on_store_failure: 'local',
  shadow: false
} as const

/** Used for what an adaptive limit leaves out. */
export const defaultGains = { kp: 0.5, ki: 0.1, kd: 0 } as const

/** The longest window: 31 days. */
const maxWindowMs = 2_678_400_000
const maxLimit = 1_000_000_000

const LimitSchema = Type.Integer({
  minimum: 1,
  maximum: maxLimit,
  description: 'Requests per `window_ms`; in flight at once for `concurrency`; where the rate begins for `adaptive`.',
  examples: [100]
})
const BurstSchema = Type.Integer({
  minimum: 1,
  maximum: maxLimit,
  description:
    'token_bucket and adaptive: the most that may come at once after a pause. Default: `limit`; adaptive: what the rate gives in one target latency.',
  examples: [200]
})
const WindowSchema = Type.Integer({ minimum: 1, maximum: maxWindowMs, description: 'What `limit` is for, in milliseconds. Default 1000.' })

/** Part of the key: what is counted apart. */
const KeyPartSchema = Type.String({
  pattern:
    "^(ip|client|rule|global|header:[!#$%&'*+.^_`|~0-9A-Za-z-]+|cookie:[^\\x00-\\x20;=]+|query:[^\\x00-\\x20&=#]+|param:[A-Za-z0-9_-]+)$",
  maxLength: 256,
  description:
    'ip (IPv6 by /64) | client | rule (one counter for the rule) | global (one for all rules with an equal limit) | header:X | cookie:X | query:X | param:X. Without the value, the address of the client.',
  examples: ['ip', 'header:x-client-id']
})

const TierLimitSchema = Type.Object(
  { limit: Type.Optional(LimitSchema), burst: Type.Optional(BurstSchema), window_ms: Type.Optional(WindowSchema) },
  { additionalProperties: false, minProperties: 1 }
)

const gain = (byDefault: number, description: string) =>
  Type.Optional(Type.Number({ minimum: 0, maximum: 1_000, description: `adaptive: ${description} Default ${byDefault}.` }))

export const RateLimitSchema = Type.Object(
  {
    algorithm: Type.Optional(Type.Enum([...limitAlgorithms], { description: 'How it is counted. Default token_bucket.' })),
    limit: LimitSchema,
    window_ms: Type.Optional(WindowSchema),
    burst: Type.Optional(BurstSchema),
    max_delay_ms: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 60_000,
        description: 'leaky_bucket: how long a request may be held back so that the limit is kept; above it is refused. Default 0.'
      })
    ),
    key: Type.Optional(oneOrMore(KeyPartSchema, 'What is counted apart; several together make one key. Default ["ip"].')),
    scope: Type.Optional(
      Type.Enum([...limitScopes], {
        description:
          'instance: each gateway counts for itself. cluster: all that share the Redis count together; without one each counts for itself. Default cluster; adaptive: instance.'
      })
    ),
    mode: Type.Optional(
      Type.Enum([...limitModes], {
        description:
          'scope cluster: exact asks Redis for each request; bounded takes tokens ahead, asks nothing while a request waits and may let through somewhat more (`max_overshoot` in the limiter of /explain). Default bounded for token_bucket, sliding_window and fixed_window; the others are exact.'
      })
    ),
    on_store_failure: Type.Optional(
      Type.Enum([...storeFailurePolicies], {
        description:
          'scope cluster, while Redis does not answer: local: each instance counts for itself, with its share of the limit; allow; deny. Default local.'
      })
    ),
    shadow: Type.Optional(Type.Boolean({ description: 'true: counts and reports, and refuses nothing. Default false.' })),
    by_tier: Type.Optional(
      Type.Record(Type.String({ pattern: '^[A-Za-z0-9._-]{1,64}$' }), TierLimitSchema, {
        additionalProperties: false,
        description: 'Other numbers for clients of these tiers.',
        examples: [{ vip: { limit: 100, burst: 200 }, free: { limit: 1, burst: 5 } }]
      })
    ),
    target_latency_ms: Type.Optional(
      Type.Number({
        exclusiveMinimum: 0,
        maximum: 600_000,
        description: 'adaptive: the rate is moved so that answers take so long, to their head.'
      })
    ),
    min: Type.Optional(Type.Integer({ minimum: 1, maximum: maxLimit, description: 'adaptive: the rate never goes below.' })),
    max: Type.Optional(Type.Integer({ minimum: 1, maximum: maxLimit, description: 'adaptive: the rate never goes above.' })),
    kp: gain(defaultGains.kp, 'the proportional gain.'),
    ki: gain(defaultGains.ki, 'the integral gain, per target latency.'),
    kd: gain(defaultGains.kd, 'the derivative gain, in target latencies.')
  },
  { additionalProperties: false, title: 'RateLimit', description: 'A limit. docs/rate-limits.md says what each guarantees.' }
)
export type RateLimit = Static<typeof RateLimitSchema>

/** One limit or several, all of which must let a request pass. */
export const RateLimitsSchema = Type.Union([RateLimitSchema, Type.Array(RateLimitSchema, { minItems: 1, maxItems: 10 })], {
  description: 'One limit, or a list of which all must let the request pass.'
})
export type RateLimits = Static<typeof RateLimitsSchema>
