/** A service: a named group of targets with its balancer. Wire shape of `/services` and of `services` in a file. */
import Type, { type Static } from 'typebox'
import { DescriptionSchema, HttpUrlSchema, IdSchema, LabelsSchema } from './common.ts'
import { type HealthCheck, HealthCheckSchema, type Outlier, OutlierSchema } from './service-health.ts'
import { type TargetTls, TargetTlsSchema } from './target-tls.ts'

export const balancerNames = ['round_robin', 'weighted_round_robin'] as const
export type BalancerName = (typeof balancerNames)[number]

export const TargetSchema = Type.Object(
  {
    url: HttpUrlSchema,
    weight: Type.Optional(Type.Integer({ minimum: 0, maximum: 1000, default: 1, description: '0 drains the target.' })),
    labels: Type.Optional(LabelsSchema)
  },
  { additionalProperties: false }
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
  health_check: Type.Optional(HealthCheckSchema),
  outlier: Type.Optional(OutlierSchema),
  balancer: Type.Optional(
    Type.Object(
      { algorithm: Type.Optional(Type.Enum([...balancerNames], { default: 'round_robin', description: 'How a target is picked.' })) },
      { additionalProperties: false, default: {} }
    )
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
  readonly health_check?: HealthCheck
  readonly outlier?: Outlier
  readonly balancer: { readonly algorithm: BalancerName }
}
