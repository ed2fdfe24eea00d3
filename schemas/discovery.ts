/** Where the targets of a service come from while the gateway runs: DNS, Consul, etcd or Nacos. */
import Type, { type Static } from 'typebox'
import { HttpUrlSchema } from './common.ts'

export const discoveryTypes = ['dns', 'consul', 'etcd', 'nacos'] as const
export type DiscoveryType = (typeof discoveryTypes)[number]

const text = (description: string, example?: string) =>
  Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 255,
      pattern: '^[\\x21-\\x7e]+$',
      description,
      ...(example === undefined ? {} : { examples: [example] })
    })
  )

const secret = (description: string) =>
  Type.Optional(Type.String({ minLength: 1, maxLength: 4_096, pattern: '^[\\x20-\\x7e]+$', writeOnly: true, description }))

/** Fields of one type are refused with another: `compileDiscovery` says which. */
export const DiscoverySchema = Type.Object(
  {
    type: Type.Enum([...discoveryTypes]),
    scheme: Type.Optional(Type.Enum(['http', 'https'], { description: 'Of the URLs of the targets that are found. Default http.' })),
    refresh_ms: Type.Optional(
      Type.Integer({
        minimum: 100,
        maximum: 3_600_000,
        description: 'dns, nacos: how long an answer holds at most. Default: dns 5000, nacos what it says, at most 500.'
      })
    ),
    allow_empty: Type.Optional(
      Type.Boolean({ description: 'Believe an empty answer at once. Default false: a second one must confirm it.' })
    ),
    name: text('dns: the name that is asked for.', 'users.internal'),
    record: Type.Optional(Type.Enum(['A', 'AAAA', 'SRV'], { description: 'dns: default A. SRV brings ports and weights.' })),
    port: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 65_535, description: 'dns, A and AAAA: the port of the targets. Default 80 or 443.' })
    ),
    server: text('dns: the name server, as `address` or `address:port`. Default: those of the system.', '10.0.0.2:53'),
    address: Type.Optional(Type.String({ ...HttpUrlSchema, description: 'consul, etcd, nacos: where its HTTP API is.' })),
    service: text('consul, nacos: the name of the service there.', 'users'),
    tags: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 255 }), { maxItems: 20, description: 'consul: only instances with all of these.' })
    ),
    datacenter: Type.Optional(
      Type.Union([Type.String({ minLength: 1, maxLength: 255 }), Type.Null()], { description: 'consul: default its own.' })
    ),
    token: secret('consul: an ACL token. No answer holds it. Left out of a service that is there: it stays.'),
    prefix: text('etcd: what the keys begin with.', '/services/users/'),
    username: text('etcd, nacos: for a login.'),
    password: secret('etcd, nacos: for a login. No answer holds it. Left out of a service that is there: it stays.'),
    group: text('nacos: default DEFAULT_GROUP.'),
    namespace: Type.Optional(Type.String({ maxLength: 255, description: 'nacos: the id of a namespace. Default: public.' })),
    clusters: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 255, pattern: '^[^,]+$' }), { maxItems: 20, description: 'nacos: default all.' })
    )
  },
  {
    additionalProperties: false,
    description: 'Where more targets come from. Those in `targets` stay, and win where the address is the same.'
  }
)
export type Discovery = Static<typeof DiscoverySchema>

/** `/services/{id}/discovery` */
export const ServiceDiscoverySchema = Type.Object(
  {
    id: Type.String(),
    source: Type.Union(
      [
        Type.Object({
          type: Type.Enum([...discoveryTypes]),
          up: Type.Boolean({ description: 'Whether the source answered when it was asked last. What it said before stays in use.' }),
          error: Type.Union([Type.String(), Type.Null()], { description: 'Why it is not up.' }),
          answered_at: Type.Union([Type.String(), Type.Null()], { description: 'When it answered last.' }),
          targets: Type.Array(Type.Object({ url: Type.String(), weight: Type.Integer() }))
        }),
        Type.Null()
      ],
      { description: 'null: the service has no `discovery`.' }
    )
  },
  { title: 'ServiceDiscovery' }
)
export type ServiceDiscovery = Static<typeof ServiceDiscoverySchema>
