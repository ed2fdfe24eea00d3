/** What holds for the WebSockets of a rule: `websocket` of a forward rule. */
import Type, { type Static } from 'typebox'
import { nullable } from './common.ts'

/** Used where the rule does not say otherwise. */
export const defaultWebSocket = {
  max_connections: null,
  max_message_bytes: 1_048_576,
  idle_timeout_ms: null,
  compression: false,
  reconnect: false
} as const

/** Used where `reconnect` does not say otherwise. */
export const defaultReconnect = { attempts: 10, interval_ms: 1_000, decay: 1.5, ping_interval_ms: 30_000 } as const

export const ReconnectSchema = Type.Object(
  {
    attempts: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 1_000,
        default: defaultReconnect.attempts,
        description: 'Attempts in a row before it is given up.'
      })
    ),
    interval_ms: Type.Optional(
      Type.Integer({ minimum: 100, maximum: 60_000, default: defaultReconnect.interval_ms, description: 'Before the first attempt.' })
    ),
    decay: Type.Optional(
      Type.Number({
        minimum: 1,
        maximum: 10,
        default: defaultReconnect.decay,
        description: 'By how much the wait grows with each attempt.'
      })
    ),
    ping_interval_ms: Type.Optional(
      Type.Integer({
        minimum: 100,
        maximum: 3_600_000,
        default: defaultReconnect.ping_interval_ms,
        description: 'How often the target is pinged; one that was not heard between two pings is lost.'
      })
    )
  },
  { additionalProperties: false }
)

export const WebSocketSchema = Type.Object(
  {
    max_connections: Type.Optional(
      nullable(Type.Integer({ minimum: 0, maximum: 1_000_000 }), {
        description: 'Open WebSockets of this rule, on each instance; 503 `overloaded` above it. Default null: no limit.'
      })
    ),
    max_message_bytes: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 104_857_600,
        default: defaultWebSocket.max_message_bytes,
        description: 'Either way, after decompression; whoever sends more is closed with 1009.'
      })
    ),
    idle_timeout_ms: Type.Optional(
      nullable(Type.Integer({ minimum: 1, maximum: 86_400_000 }), {
        description: 'Without a message, ping or pong either way for so long, both sides are closed with 1001. Default null: never.'
      })
    ),
    compression: Type.Optional(
      Type.Boolean({
        default: defaultWebSocket.compression,
        description: 'Whether permessage-deflate (RFC 7692) is offered to the target and accepted from the client, each side for itself.'
      })
    ),
    reconnect: Type.Optional(
      Type.Union([Type.Boolean(), ReconnectSchema], {
        default: defaultWebSocket.reconnect,
        description: 'Whether a lost target is connected to again while the client stays: true, or how.'
      })
    )
  },
  { additionalProperties: false, description: 'Limits of the WebSockets that this rule forwards.' }
)
export type WebSocketPolicy = Static<typeof WebSocketSchema>
