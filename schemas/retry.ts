/** What a rule says about further attempts: `retry`. */
import Type, { type Static } from 'typebox'
import { nullable } from './common.ts'

/** Used for what a `retry` leaves out. A rule without `retry` has none. */
export const defaultRetry = {
  attempts: 1,
  on: ['connect_error', 'reset', 'timeout', '502', '503', '504'],
  methods: null,
  backoff_ms: 25,
  hedge_after_ms: null
} as const

export const RetrySchema = Type.Object(
  {
    attempts: Type.Optional(
      Type.Integer({ minimum: 0, maximum: 10, default: defaultRetry.attempts, description: 'How many further attempts, at most.' })
    ),
    on: Type.Optional(
      Type.Array(Type.String({ pattern: '^(connect_error|reset|timeout|429|5[0-9][0-9])$' }), {
        maxItems: 32,
        default: [...defaultRetry.on],
        description: 'What is tried again: connect_error, reset, timeout, a status (429 or 5xx).'
      })
    ),
    methods: Type.Optional(
      nullable(Type.Array(Type.String({ pattern: '^[A-Za-z][A-Za-z-]{0,31}$', examples: ['GET'] }), { maxItems: 32 }), {
        default: null,
        description: 'Whose requests are tried again once they were sent. null: the idempotent methods (RFC 9110 section 9.2.2).'
      })
    ),
    backoff_ms: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 60_000,
        default: defaultRetry.backoff_ms,
        description: 'The longest wait before the first further attempt; it doubles with each, up to 1000. The wait itself is random.'
      })
    ),
    hedge_after_ms: Type.Optional(
      nullable(Type.Integer({ minimum: 1, maximum: 86_400_000 }), {
        default: null,
        description: 'After so long without an answer, idempotent requests without a body are sent to a second target, too. null: never.'
      })
    )
  },
  { additionalProperties: false, description: 'Further attempts, at another target first. Without it there are none.' }
)
export type Retry = Static<typeof RetrySchema>
