/** The health of the targets of a service: what a service says about it, and the wire shape of `/services/{id}/health`. */
import Type, { type Static } from 'typebox'
import { nullable } from './common.ts'

/** Used for what a `health_check` leaves out. A service without one is not probed. */
export const defaultHealthCheck = {
  type: 'http',
  path: '/',
  method: 'GET',
  interval_ms: 2_000,
  timeout_ms: 1_000,
  unhealthy_after: 3,
  healthy_after: 1,
  expect_status: '2xx'
} as const

export const StatusPatternSchema = Type.Union([
  Type.Integer({ minimum: 100, maximum: 599 }),
  Type.String({ pattern: '^([1-5]xx|[1-5][0-9][0-9](-[1-5][0-9][0-9])?)$', examples: ['2xx', '200-399', '204'] })
])
export type StatusPattern = Static<typeof StatusPatternSchema>

const inARow = (fallback: number, description: string) =>
  Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000, default: fallback, description }))

export const HealthCheckSchema = Type.Object(
  {
    type: Type.Optional(
      Type.Enum(['http', 'tcp'], {
        default: defaultHealthCheck.type,
        description: 'http: a request, over TLS or HTTP/2 where those of clients go so. tcp: a connection is enough.'
      })
    ),
    path: Type.Optional(
      Type.String({
        pattern: '^/[!-"$-~]*$',
        maxLength: 2_048,
        default: defaultHealthCheck.path,
        description: 'What is asked for, from the root of the target: a path in its URL is not put before it. May hold a query.',
        examples: ['/health']
      })
    ),
    method: Type.Optional(Type.Enum(['GET', 'HEAD', 'OPTIONS'], { default: defaultHealthCheck.method })),
    host: Type.Optional(
      nullable(Type.String({ pattern: '^[A-Za-z0-9._:\\[\\]-]{1,255}$' }), {
        default: null,
        description: 'The value of the Host field. null: the host in the URL of the target.'
      })
    ),
    interval_ms: Type.Optional(
      Type.Integer({
        minimum: 50,
        maximum: 3_600_000,
        default: defaultHealthCheck.interval_ms,
        description: 'From the start of one probe to that of the next, give or take a tenth.'
      })
    ),
    timeout_ms: Type.Optional(
      Type.Integer({
        minimum: 10,
        maximum: 600_000,
        default: defaultHealthCheck.timeout_ms,
        description: 'How long a probe may take in all. The next one waits for its end.'
      })
    ),
    unhealthy_after: inARow(defaultHealthCheck.unhealthy_after, 'Failures in a row after which a target gets no traffic.'),
    healthy_after: inARow(defaultHealthCheck.healthy_after, 'Successes in a row after which it gets traffic again.'),
    expect_status: Type.Optional(
      Type.Union([StatusPatternSchema, Type.Array(StatusPatternSchema, { minItems: 1, maxItems: 50 })], {
        default: defaultHealthCheck.expect_status,
        description: 'The statuses of a success: one, a class, a range, or a list of those.',
        examples: ['2xx', '200-399', [200, '204']]
      })
    )
  },
  { additionalProperties: false, description: 'Active probes of each target. Without it there are none.' }
)
export type HealthCheck = Static<typeof HealthCheckSchema>

/** Used for what an `outlier` leaves out. A service without one ejects nobody. */
export const defaultOutlier = {
  consecutive_errors: 5,
  interval_ms: 10_000,
  base_ejection_ms: 30_000,
  max_ejection_percent: 50,
  latency_factor: null
} as const

export const OutlierSchema = Type.Object(
  {
    consecutive_errors: Type.Optional(
      Type.Union([Type.Integer({ minimum: 1, maximum: 1_000 }), Type.Null()], {
        default: defaultOutlier.consecutive_errors,
        description: 'Errors in a row that eject a target at once: answers of 5xx, failed connections, timeouts. null: they do not.'
      })
    ),
    interval_ms: Type.Optional(
      Type.Integer({
        minimum: 100,
        maximum: 3_600_000,
        default: defaultOutlier.interval_ms,
        description: 'How often success rates and latencies of the targets are compared.'
      })
    ),
    base_ejection_ms: Type.Optional(
      Type.Integer({
        minimum: 100,
        maximum: 86_400_000,
        default: defaultOutlier.base_ejection_ms,
        description:
          'How long the first ejection lasts; the second twice, the third thrice, up to 5 minutes. An interval of good behaviour takes one back.'
      })
    ),
    max_ejection_percent: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 100,
        default: defaultOutlier.max_ejection_percent,
        description: 'How many of the targets may be ejected at once. Of two or more, one always may; all never.'
      })
    ),
    latency_factor: Type.Optional(
      nullable(Type.Number({ minimum: 1.1, maximum: 1_000 }), {
        default: defaultOutlier.latency_factor,
        description: 'A target whose median latency is more than so many times that of the others is ejected. null: none is for that.'
      })
    )
  },
  { additionalProperties: false, description: 'Ejects targets for what requests met there. Without it none is.' }
)
export type Outlier = Static<typeof OutlierSchema>

const stateNames = ['unknown', 'healthy', 'unhealthy', 'ejected'] as const
const Time = Type.String({ format: 'date-time' })

const LastProbeSchema = Type.Object(
  {
    at: Time,
    ok: Type.Boolean(),
    status: Type.Union([Type.Integer(), Type.Null()], { description: 'null: there was no answer, or the check is for a connection only.' }),
    duration_ms: Type.Number({ minimum: 0 }),
    error: Type.Union([Type.String(), Type.Null()], { examples: ['connect ECONNREFUSED'] }),
    by: Type.Union([Type.String(), Type.Null()], { description: 'The instance that probed and told of it. null: this one.' })
  },
  { additionalProperties: false, title: 'LastProbe' }
)

const HealthChangeSchema = Type.Object(
  { at: Time, from: Type.Enum([...stateNames]), to: Type.Enum([...stateNames]), reason: Type.String() },
  { additionalProperties: false, title: 'HealthChange' }
)

const TargetHealthSchema = Type.Object(
  {
    url: Type.String({ examples: ['http://10.0.0.7:8080'] }),
    weight: Type.Integer({ minimum: 0 }),
    state: Type.Enum([...stateNames, 'draining'], {
      description:
        'unknown: not probed yet, or not at all; gets traffic. healthy. unhealthy: its probes fail. ejected: its requests failed. draining: its weight is 0.'
    }),
    since: Time,
    reason: Type.String({ examples: ['3 probes failed: connect ECONNREFUSED'] }),
    in_flight: Type.Integer({ minimum: 0, description: 'Requests that are under way.' }),
    last_probe: Type.Union([LastProbeSchema, Type.Null()], { description: 'null: there was none.' }),
    ejections: Type.Integer({ minimum: 0, description: 'How often it was ejected.' }),
    ejected_until: Type.Union([Time, Type.Null()], { description: 'null: it is not ejected.' }),
    history: Type.Array(HealthChangeSchema, { description: 'The last 20 changes, oldest first.' })
  },
  { additionalProperties: false, title: 'TargetHealth' }
)
export type TargetHealth = Static<typeof TargetHealthSchema>

export const ServiceHealthSchema = Type.Object(
  {
    id: Type.String({ description: 'Of the service.' }),
    available: Type.Integer({ minimum: 0, description: 'How many targets get traffic.' }),
    panic: Type.Boolean({ description: 'Ejections are disregarded, as otherwise no target would be left.' }),
    targets: Type.Array(TargetHealthSchema)
  },
  { additionalProperties: false, title: 'ServiceHealth', description: 'As this instance sees it.' }
)
export type ServiceHealth = Static<typeof ServiceHealthSchema>
