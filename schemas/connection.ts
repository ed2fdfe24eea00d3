/** The WebSockets that are open: wire shapes of `/connections`. */
import Type, { type Static } from 'typebox'
import { pageQuery, pageSchema } from './admin.ts'
import { IdSchema } from './common.ts'

const traffic = (description: string) =>
  Type.Object({ messages: Type.Integer({ minimum: 0 }), bytes: Type.Integer({ minimum: 0 }) }, { additionalProperties: false, description })

export const ConnectionSchema = Type.Object(
  {
    id: Type.String({ description: 'Names it on this instance, as long as it is open.', examples: ['ws-17'] }),
    request_id: Type.String({ description: 'Of the handshake; also in the access log.' }),
    rule: Type.String({ description: 'The rule it was opened by, which may be gone.' }),
    service: Type.Union([Type.String(), Type.Null()], { description: 'null: the rule names a target.' }),
    target: Type.String({ examples: ['http://10.0.0.7:8080'] }),
    client_ip: Type.String({ description: 'After trusted proxies.' }),
    since: Type.String({ format: 'date-time' }),
    protocol: Type.Union([Type.String(), Type.Null()], { description: 'The sub-protocol that was agreed on.', examples: ['graphql-ws'] }),
    received: traffic('From the client.'),
    sent: traffic('To the client.')
  },
  { additionalProperties: false, title: 'Connection' }
)
export type Connection = Static<typeof ConnectionSchema>

export const ConnectionPageSchema = pageSchema(ConnectionSchema, 'ConnectionPage')

export const ConnectionQuerySchema = Type.Object(
  {
    rule: Type.Optional(Type.String({ maxLength: 64, description: 'Only those that were opened by this rule.' })),
    limit: pageQuery.limit,
    cursor: pageQuery.cursor
  },
  { additionalProperties: false }
)
export type ConnectionQuery = Static<typeof ConnectionQuerySchema>

export const ConnectionParamsSchema = Type.Object({ id: IdSchema })
