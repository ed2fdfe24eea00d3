/** A staged rollout: a change that takes effect for more and more clients, as long as all is well. Wire shape of `/rollouts`. */
import Type, { type Static } from 'typebox'
import { CommitChangeSchema } from './admin-config.ts'
import { DescriptionSchema, IdSchema, nullable, TimestampSchema } from './common.ts'

const month = 2_592_000_000
const milliseconds = (description: string, options: { default?: number } = {}) =>
  Type.Integer({ minimum: 0, maximum: month, description, ...options })

const step = {
  percent: Type.Number({ minimum: 1, maximum: 100, description: 'Of all clients; of a ramp: of the traffic of the group.' }),
  hold_ms: milliseconds('How long the step takes at least, in milliseconds.')
} as const

/** What is held against the current configuration while a step is in force. */
export const GuardSchema = Type.Object(
  {
    max_error_rate_increase: Type.Optional(
      Type.Union([Type.Number({ minimum: 0, maximum: 1 }), Type.Null()], {
        default: 0.05,
        description: 'By how much more of the requests may fail: 0.05 is 5 percentage points. null: not judged.'
      })
    ),
    max_p95_ratio: Type.Optional(
      nullable(Type.Number({ minimum: 1, maximum: 1000 }), {
        default: null,
        description: 'How many times as long the 95th percentile may be. Less than 5 ms more never counts. null: not judged.'
      })
    ),
    min_requests: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 1_000_000,
        default: 100,
        description: 'Nothing is judged and no step ends before so many requests on either side. 0: time alone moves it on.'
      })
    ),
    max_wait_ms: Type.Optional(
      milliseconds('How long a step waits for `min_requests` after its hold until it is rolled back.', { default: 3_600_000 })
    )
  },
  { additionalProperties: false, default: {}, title: 'RolloutGuard' }
)
export type Guard = Readonly<Required<Static<typeof GuardSchema>>>

const SplitOnSchema = Type.String({
  pattern: "^(ip|header:[!#$%&'*+.^_`|~0-9A-Za-z-]+|cookie:[^\\x00-\\x20;=]+)$",
  description: 'What a client is known by: ip (the default) | header:X | cookie:X. Without the header or the cookie, by its address.',
  examples: ['cookie:uid']
})

// Certificates cannot be rolled out: a handshake comes before any request, and a rollout shows its changes, keys and all.
const kind = Type.Enum(['forward_rule', 'service'], { description: 'The kind of item.' })
const RolloutChangeSchema = Type.Object(
  { ...CommitChangeSchema.properties, kind },
  { additionalProperties: false, title: 'RolloutChangeWrite' }
)

const ChangesSchema = Type.Array(RolloutChangeSchema, {
  minItems: 1,
  maxItems: 1_000,
  description: 'As for `POST /commits`. In force for the share of clients that the step says, committed at the end.'
})

/** As a store keeps it: with its id. */
const StoredChangeSchema = Type.Object(
  { ...CommitChangeSchema.properties, kind, id: IdSchema },
  { additionalProperties: false, title: 'RolloutChange' }
)
export type RolloutChange = Readonly<Static<typeof StoredChangeSchema>>

const RampSchema = Type.Object(
  { rule: IdSchema },
  {
    additionalProperties: false,
    title: 'Ramp',
    description: 'Moves the weights of the rules that share their match with `rule`, until it has the share.'
  }
)

/** What a client writes. */
export const RolloutWriteSchema = Type.Object(
  {
    id: Type.Optional(IdSchema),
    description: Type.Optional(DescriptionSchema),
    changes: Type.Optional(ChangesSchema),
    ramp: Type.Optional(RampSchema),
    steps: Type.Array(Type.Object(step, { additionalProperties: false, title: 'RolloutStepWrite' }), {
      minItems: 1,
      maxItems: 20,
      description:
        'Each with a greater share than the one before. After the last one, `changes` are committed for everybody; a ramp stays there.'
    }),
    guard: Type.Optional(GuardSchema),
    split_on: Type.Optional(SplitOnSchema)
  },
  {
    additionalProperties: false,
    title: 'RolloutWrite',
    description: 'Exactly one of changes, ramp.',
    examples: [
      {
        id: 'users-v2',
        changes: [{ op: 'put', kind: 'forward_rule', id: 'users', item: { path: '/api/users', target: 'http://127.0.0.1:8082' } }],
        steps: [
          { percent: 5, hold_ms: 60_000 },
          { percent: 50, hold_ms: 300_000 }
        ],
        guard: { max_error_rate_increase: 0.02, max_p95_ratio: 1.5, min_requests: 200 },
        split_on: 'cookie:uid'
      }
    ]
  }
)
export type RolloutWrite = Static<typeof RolloutWriteSchema>

export const rolloutStatuses = ['running', 'completed', 'aborted', 'rolled_back'] as const
export type RolloutStatus = (typeof rolloutStatuses)[number]

const ArmSchema = Type.Object(
  {
    requests: Type.Integer({ minimum: 0 }),
    errors: Type.Integer({ minimum: 0, description: 'Answered 5xx, or broken off by the target.' }),
    p95_ms: nullable(Type.Number({ minimum: 0 }), { description: 'The 95th percentile of the time to the answer; null without requests.' })
  },
  { additionalProperties: false, title: 'RolloutArm' }
)
const TrafficSchema = Type.Object(
  { current: ArmSchema, candidate: ArmSchema },
  {
    additionalProperties: false,
    title: 'RolloutTraffic',
    description: 'Requests that the rollout concerns, since the step began, on all instances.'
  }
)
/** What one side of a rollout had of traffic. */
export type ArmResult = Readonly<Static<typeof ArmSchema>>
export type TrafficResult = { readonly [K in keyof Static<typeof TrafficSchema>]: ArmResult }

const head = {
  id: IdSchema,
  description: Type.String(),
  status: Type.Enum([...rolloutStatuses], {
    description:
      'running; completed: committed for everybody; aborted: by a person or because it could not go on; rolled_back: by its guard.'
  }),
  reason: nullable(Type.String(), { description: 'Why it ended, when it did not complete.' }),
  by: Type.String({ description: 'Who began it.' }),
  instance: Type.String({ description: 'The instance that moves it on. Another one takes over when it does not.' }),
  created_at: TimestampSchema,
  updated_at: TimestampSchema,
  changes: Type.Optional(Type.Array(StoredChangeSchema, { description: 'In force for the share of clients, committed at the end.' })),
  split_on: SplitOnSchema,
  step: Type.Integer({ minimum: 0, description: 'The step in force, or the last one that was: place in `steps`.' }),
  steps: Type.Array(
    Type.Object(
      {
        ...step,
        began_at: nullable(TimestampSchema),
        traffic: Type.Union([TrafficSchema, Type.Null()], { description: 'What was measured when the step ended; null before.' })
      },
      { additionalProperties: false, title: 'RolloutStep' }
    ),
    { minItems: 1 }
  ),
  guard: GuardSchema
} as const

const WeightsSchema = Type.Record(Type.String(), Type.Integer({ minimum: 0, maximum: 1000 }), { description: 'By rule.' })
const RampStateSchema = Type.Object(
  { rule: IdSchema, before: WeightsSchema, now: WeightsSchema },
  { additionalProperties: false, title: 'RampState', description: 'The weights of the group: before the rollout, and as it set them last.' }
)

/** What a store keeps of a rollout. */
export const RolloutRecordSchema = Type.Object(
  {
    ...head,
    ramp: Type.Optional(RampStateSchema),
    base: Type.Optional(
      Type.Record(Type.String(), Type.Union([Type.String(), Type.Null()]), {
        description: 'A digest of each item that it changes, as it was when it began; null where there was none.'
      })
    )
  },
  { additionalProperties: false }
)

/** A rollout as it is kept. */
export interface Rollout extends Readonly<Omit<Static<typeof RolloutRecordSchema>, 'guard' | 'steps'>> {
  readonly guard: Guard
  readonly steps: readonly Readonly<Static<typeof head.steps>[number]>[]
}

/** What the API answers. */
export const RolloutSchema = Type.Object(
  {
    ...head,
    ramp: Type.Optional(RampStateSchema),
    percent: Type.Number({ minimum: 0, maximum: 100, description: 'The share that it has now; 0 when it ended without completing.' }),
    traffic: Type.Union([TrafficSchema, Type.Null()], { description: 'Of the step in force; null when it has ended or is not known.' })
  },
  { additionalProperties: false, title: 'Rollout' }
)

export const RolloutListSchema = Type.Object({ items: Type.Array(RolloutSchema) }, { additionalProperties: false, title: 'RolloutList' })
