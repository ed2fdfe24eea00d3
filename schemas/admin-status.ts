/** What an instance says of itself. */
import Type from 'typebox'

const StoreSchema = Type.Object(
  {
    name: Type.String({ examples: ['file', 'redis', 'memory'] }),
    status: Type.Enum(['UP', 'DOWN']),
    since: Type.String({ format: 'date-time', description: 'Since when it is up or down.' }),
    reason: Type.Optional(Type.String({ description: 'Why it is down.' }))
  },
  { additionalProperties: false, title: 'StoreStatus' }
)

const ConfigStatusSchema = Type.Object(
  {
    status: Type.Enum(['UP', 'DEGRADED', 'DOWN'], {
      description: 'DEGRADED: items are quarantined, or the store is not followed. DOWN: nothing is loaded yet.'
    }),
    revision: Type.Union([Type.Integer({ minimum: 0 }), Type.Null()], { description: 'null until the first load.' }),
    applied_at: Type.Union([Type.String({ format: 'date-time' }), Type.Null()]),
    quarantined: Type.Integer({ minimum: 0, description: 'Items that cannot be live; see `GET /config/problems`.' }),
    source: Type.Enum(['store', 'last_good'], {
      description: 'last_good: from the copy on disk; the store has not answered since the start.'
    }),
    estranged: Type.Union([Type.Enum(['lost', 'replaced']), Type.Null()], {
      description:
        'Why the store is not followed although it answers: it lost its data, or holds those of another life. See `POST /config/recover`.'
    })
  },
  { additionalProperties: false, title: 'ConfigStatus' }
)

const OverloadStatusSchema = Type.Object(
  {
    status: Type.Enum(['UP', 'DEGRADED'], { description: 'DEGRADED: requests are refused with 503 `overloaded`.' }),
    reasons: Type.Array(Type.Enum(['connections', 'requests', 'event_loop', 'heap']), { description: 'What there is too much of.' }),
    connections: Type.Integer({ minimum: 0, description: 'Open connections of clients.' }),
    requests_in_flight: Type.Integer({ minimum: 0 }),
    event_loop_delay_ms: Type.Number({ minimum: 0, description: 'On average over the last half second.' }),
    heap_percent: Type.Number({ minimum: 0, description: 'JavaScript heap in use, of what it may grow to.' })
  },
  { additionalProperties: false, title: 'OverloadStatus' }
)

const identity = {
  version: Type.String({ examples: ['0.1.0'] }),
  instance: Type.String({ description: 'The name of this instance.' }),
  uptime_s: Type.Number({ minimum: 0 })
} as const

export const HealthSchema = Type.Object(
  {
    status: Type.Enum(['UP', 'DEGRADED'], { description: 'DEGRADED: alive and serving, but a part needs attention.' }),
    details: Type.Object(
      { store: StoreSchema, config: ConfigStatusSchema, overload: Type.Optional(OverloadStatusSchema) },
      { additionalProperties: false }
    ),
    ...identity
  },
  { additionalProperties: false, title: 'Health' }
)

export const ReadySchema = Type.Object(
  { status: Type.Literal('READY'), revision: Type.Integer({ minimum: 0 }), source: Type.Enum(['store', 'last_good']) },
  { additionalProperties: false, title: 'Ready' }
)

const bytes = (description: string) => Type.Integer({ minimum: 0, description })

export const StatusSchema = Type.Object(
  {
    ...identity,
    store: StoreSchema,
    config: ConfigStatusSchema,
    counts: Type.Object(
      { forward_rules: Type.Integer({ minimum: 0 }), services: Type.Integer({ minimum: 0 }) },
      { additionalProperties: false, description: 'Live items.' }
    ),
    draining: Type.Boolean({ description: 'Whether the instance is shutting down.' }),
    node_version: Type.String({ examples: ['v24.21.0'] }),
    memory: Type.Object(
      {
        rss_bytes: bytes('Resident set.'),
        heap_used_bytes: bytes('JavaScript heap in use.'),
        external_bytes: bytes('Buffers and other memory of JavaScript objects outside the heap.')
      },
      { additionalProperties: false }
    )
  },
  { additionalProperties: false, title: 'Status' }
)

export const LinksSchema = Type.Object(
  { links: Type.Record(Type.String(), Type.String(), { description: 'What is there, by name.' }) },
  { additionalProperties: false, title: 'Links' }
)
