/** A service: a named group of targets with its balancer. Wire shape of `/services` and of `services` in a file. */
import Type, { type Static } from 'typebox'
import { BreakerSchema, type BreakerSettings } from './breaker.ts'
import { DescriptionSchema, HttpUrlSchema, IdSchema, LabelsSchema } from './common.ts'
import { type Discovery, DiscoverySchema } from './discovery.ts'
import { type HealthCheck, HealthCheckSchema, type Outlier, OutlierSchema } from './service-health.ts'
import { type TargetTls, TargetTlsSchema } from './target-tls.ts'

export const balancerNames = [
  'round_robin',
  'weighted_round_robin',
  'least_conn',
  'ip_hash',
  'consistent_hash',
  'ewma',
  'random_two_choices'
] as const
export type BalancerName = (typeof balancerNames)[number]

export const TargetSchema = Type.Object(
  {
    url: HttpUrlSchema,
    weight: Type.Optional(Type.Integer({ minimum: 0, maximum: 1000, default: 1, description: '0 drains the target.' })),
    labels: Type.Optional(LabelsSchema)
  },
  { additionalProperties: false }
)

const StickySchema = Type.Object(
  {
    cookie: Type.Optional(
      Type.String({
        pattern: "^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}$",
        default: 'sluice_target',
        description: 'The name of the cookie that the gateway sets.'
      })
    ),
    ttl_s: Type.Optional(
      Type.Union([Type.Integer({ minimum: 1, maximum: 34_560_000 }), Type.Null()], {
        default: 3600,
        description: 'How long a browser keeps the cookie, from when it was set; null: until it is closed.'
      })
    )
  },
  {
    additionalProperties: false,
    description:
      'Keeps a client at the target that its cookie names, as long as that gets requests at all; the balancer picks the first one.'
  }
)

const fields = {
  description: Type.Optional(DescriptionSchema),
  labels: Type.Optional(LabelsSchema),
  targets: Type.Optional(
    Type.Array(TargetSchema, { maxItems: 1000, default: [], description: 'Where the traffic goes. No two with the same URL.' })
  ),
  max_connections: Type.Optional(
    Type.Union([Type.Integer({ minimum: 1, maximum: 1_000_000 }), Type.Null()], {
      description:
        'Requests that one target may have in flight. Another target is tried; when all are full the answer is 503 `overloaded`. null is no limit.'
    })
  ),
  http2: Type.Optional(
    Type.Boolean({
      description:
        'Speak HTTP/2 with the targets: with https URLs by ALPN, with http URLs from the first byte (h2c). gRPC needs it. Default false: HTTP/1.1.'
    })
  ),
  tls: Type.Optional(TargetTlsSchema),
  discovery: Type.Optional(DiscoverySchema),
  health_check: Type.Optional(HealthCheckSchema),
  outlier: Type.Optional(OutlierSchema),
  breaker: Type.Optional(BreakerSchema),
  balancer: Type.Optional(
    Type.Object(
      {
        algorithm: Type.Optional(Type.Enum([...balancerNames], { default: 'round_robin', description: 'How a target is picked.' })),
        hash_on: Type.Optional(
          Type.String({
            pattern: "^(ip|client|path|header:[!#$%&'*+.^_`|~0-9A-Za-z-]+|cookie:[^\\x00-\\x20;=]+|query:[^\\x00-\\x20&=#]+)$",
            maxLength: 256,
            description:
              'consistent_hash only: what decides: ip (the default) | client | path | header:X | cookie:X | query:X. Without the value, the address of the client.',
            examples: ['header:x-tenant']
          })
        )
      },
      { additionalProperties: false, default: {} }
    )
  ),
  sticky: Type.Optional(StickySchema),
  slow_start_ms: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: 3_600_000,
      description:
        'In how long the weight of a target that has come, or come back, grows from 10 % to the whole. For weighted_round_robin, least_conn, ewma and random_two_choices. Default 0: at once.'
    })
  )
}

/** What a client writes. */
export const ServiceWriteSchema = Type.Object(
  { id: Type.Optional(IdSchema), ...fields },
  { additionalProperties: false, title: 'ServiceWrite' }
)
export type ServiceWrite = Static<typeof ServiceWriteSchema>

/** What the API answers, with defaults filled in. Valid input again. */
export const ServiceSchema = Type.Object({ id: IdSchema, ...fields }, { additionalProperties: false, title: 'Service' })

export interface Target {
  readonly url: string
  readonly weight: number
  readonly labels: Readonly<Record<string, string>>
}

/** A service in canonical form. */
export interface Service {
  readonly id: string
  readonly description: string
  readonly labels: Readonly<Record<string, string>>
  readonly targets: readonly Target[]
  readonly max_connections?: number | null
  readonly http2?: boolean
  readonly tls?: TargetTls
  readonly discovery?: Discovery
  readonly health_check?: HealthCheck
  readonly outlier?: Outlier
  readonly breaker?: BreakerSettings
  readonly balancer: { readonly algorithm: BalancerName; readonly hash_on?: string }
  readonly sticky?: { readonly cookie: string; readonly ttl_s: number | null }
  readonly slow_start_ms?: number
}
