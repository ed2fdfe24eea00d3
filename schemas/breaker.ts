/** The circuit breaker: what a service or a rule says about it, and the wire shapes of `/services/{id}/breaker`. */
import Type, { type Static } from 'typebox'
import { HeaderMapSchema, IdSchema, nullable } from './common.ts'
import { StatusPatternSchema } from './service-health.ts'

/** Used for what a `breaker` leaves out. A service without one has none. */
export const defaultBreaker = {
  scope: 'service',
  max_requests: 3,
  interval_ms: 10_000,
  timeout_ms: 60_000,
  failure_status: ['5xx']
} as const

/** Used for what `ready_to_trip` leaves out. */
export const defaultReadyToTrip = { consecutive_failures: 5, error_rate: null, slow_rate: null, slow_ms: null, min_requests: 20 } as const

const rate = (description: string) =>
  Type.Optional(nullable(Type.Number({ exclusiveMinimum: 0, maximum: 1 }), { default: null, description }))

const ReadyToTripSchema = Type.Object(
  {
    consecutive_failures: Type.Optional(
      nullable(Type.Integer({ minimum: 1, maximum: 1_000_000, examples: [defaultReadyToTrip.consecutive_failures] }), {
        description: 'So many failures in a row open it. Default 5. null: a row does not.'
      })
    ),
    error_rate: rate('This share of failures, above 0 up to 1, opens it. null: no share does.'),
    slow_rate: rate('This share of slow answers, above 0 up to 1, opens it. Needs `slow_ms`. null: no share does.'),
    slow_ms: Type.Optional(
      nullable(Type.Integer({ minimum: 1, maximum: 86_400_000 }), {
        default: null,
        description: 'From how many milliseconds to the head of the answer on it is slow. Needs `slow_rate`.'
      })
    ),
    min_requests: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 1_000_000,
        default: defaultReadyToTrip.min_requests,
        description: 'Below so many requests within `interval_ms` the rates say nothing.'
      })
    )
  },
  { additionalProperties: false, description: 'When a closed breaker opens: whatever holds first.' }
)

const FallbackSchema = Type.Object(
  {
    respond: Type.Optional(
      Type.Object(
        {
          status: Type.Optional(Type.Integer({ minimum: 200, maximum: 599, default: 200 })),
          headers: Type.Optional(HeaderMapSchema),
          body: Type.Optional(Type.String({ maxLength: 262_144, default: '' }))
        },
        { additionalProperties: false, description: 'An answer of the gateway itself. WebSockets are refused all the same.' }
      )
    ),
    target_service: Type.Optional(IdSchema)
  },
  { additionalProperties: false, description: 'What is done instead of 503 `breaker_open`: exactly one of respond, target_service.' }
)

const milliseconds = (byDefault: number, description: string) =>
  Type.Optional(Type.Integer({ minimum: 1, maximum: 86_400_000, default: byDefault, description }))

export const BreakerSchema = Type.Object(
  {
    scope: Type.Optional(
      Type.Enum(['service', 'target'], {
        default: defaultBreaker.scope,
        description: 'service: one for all targets. target: one for each; the others go on.'
      })
    ),
    max_requests: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 10_000,
        default: defaultBreaker.max_requests,
        description: 'So many requests may try a half-open breaker at once; so many successes close it.'
      })
    ),
    interval_ms: milliseconds(defaultBreaker.interval_ms, 'The rolling window that the rates are taken over, in tenths.'),
    timeout_ms: milliseconds(defaultBreaker.timeout_ms, 'How long it stays open before it is half-open.'),
    failure_status: Type.Optional(
      Type.Array(StatusPatternSchema, {
        minItems: 1,
        maxItems: 32,
        default: [...defaultBreaker.failure_status],
        description: 'Answers that count as failures: classes, codes, ranges. No connection, a broken one and a timeout always do.'
      })
    ),
    ready_to_trip: Type.Optional(ReadyToTripSchema),
    fallback: Type.Optional(FallbackSchema)
  },
  { additionalProperties: false, description: 'A circuit breaker: what fails gets no requests for a while.' }
)
export type BreakerSettings = Static<typeof BreakerSchema>

export const breakerStates = ['closed', 'half_open', 'open'] as const
export type BreakerState = (typeof breakerStates)[number]

export const BreakerStateSchema = Type.Object(
  {
    target: nullable(Type.String(), { description: 'null: the one for all targets.' }),
    state: Type.Enum([...breakerStates]),
    forced: Type.Boolean({ description: 'An operator said so.' }),
    retry_after_ms: nullable(Type.Integer({ minimum: 0 }), {
      description: 'Until an open one is half-open; null when it is not open, or forced.'
    }),
    requests: Type.Integer({ minimum: 0, description: 'That ended within the window.' }),
    failures: Type.Integer({ minimum: 0, description: 'Of them.' }),
    slow: Type.Integer({ minimum: 0, description: 'Of them.' }),
    consecutive_failures: Type.Integer({ minimum: 0 })
  },
  { additionalProperties: false, title: 'BreakerState' }
)

export const BreakerReportSchema = Type.Object(
  {
    scope: Type.Enum(['service', 'target']),
    breakers: Type.Array(BreakerStateSchema, { description: 'One, or one for each target.' })
  },
  { additionalProperties: false, title: 'BreakerReport', description: 'As this instance sees it: live state is not shared.' }
)
export type BreakerReport = Static<typeof BreakerReportSchema>

export const BreakerForceSchema = Type.Object(
  {
    state: Type.Enum(['open', 'closed', 'auto'], { description: 'auto: back to judging, from closed.' }),
    target: Type.Optional(
      Type.String({ minLength: 1, maxLength: 2048, description: 'The URL of a target, with scope target. Default: all.' })
    )
  },
  { additionalProperties: false, title: 'BreakerForce', examples: [{ state: 'open' }] }
)
export type BreakerForce = Static<typeof BreakerForceSchema>
