/** What the limits of a request say at the moment: part of `POST /explain`. */
import Type, { type Static } from 'typebox'
import { nullable } from './common.ts'
import { limitAlgorithms, limitModes, limitScopes } from './rate-limit.ts'

const AdaptiveStateSchema = Type.Object(
  {
    rate: Type.Number({ description: 'The rate of the moment, in requests per `window_ms`.' }),
    observed_ms: nullable(Type.Number({ minimum: 0 }), { description: 'The latency that was measured last; null: none yet.' }),
    error: Type.Number({ minimum: -1, maximum: 1, description: 'How far that is below the target, as a share of it.' }),
    integral: Type.Number({ description: 'The rate without what the error of the moment adds or takes.' }),
    bound: nullable(Type.Enum(['min', 'max']), { description: 'The bound that the rate is at; null: none.' })
  },
  { additionalProperties: false, title: 'AdaptiveState' }
)

export const LimitReportSchema = Type.Object(
  {
    limit: Type.String({ description: 'The name of its counters, as in the metrics.', examples: ['rule/r1/token_bucket/ip'] }),
    algorithm: Type.Enum([...limitAlgorithms]),
    key: Type.String({ description: 'What the request is counted under; a digest when it is long.' }),
    counted: Type.Enum([...limitScopes], { description: 'instance also for scope cluster, when no Redis is there.' }),
    mode: nullable(Type.Enum([...limitModes]), { description: 'null: counted by the instance.' }),
    shadow: Type.Boolean(),
    tier: nullable(Type.String(), { description: 'The tier whose numbers these are.' }),
    allowed: nullable(Type.Boolean(), { description: 'Whether a request could go now. null: only the store knows, and did not answer.' }),
    allows: Type.Integer({ minimum: 0, description: 'What it allows in all: `x-ratelimit-limit`.' }),
    remaining: nullable(Type.Integer({ minimum: 0 })),
    reset_ms: nullable(Type.Integer({ minimum: 0 }), { description: 'Until all is allowed again when nothing else comes.' }),
    max_overshoot: Type.Integer({
      minimum: 0,
      description: 'The most requests that can come through beside the limit, with the instances that are live now. 0: none.'
    }),
    adaptive: nullable(AdaptiveStateSchema, { description: 'What moves the rate of an adaptive limit; null: another algorithm.' })
  },
  { additionalProperties: false, title: 'LimitReport' }
)
export type LimitReport = Static<typeof LimitReportSchema>
