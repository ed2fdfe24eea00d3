/** From `websocket` of a rule to what its WebSockets keep to. */
import type { ForwardRule } from '../../schemas/forward-rule.ts'
import { defaultReconnect, defaultWebSocket } from '../../schemas/websocket.ts'

/** How a lost target is connected to again. */
export interface CompiledReconnect {
  /** In a row, before it is given up. */
  readonly attempts: number
  /** Before the first attempt, in milliseconds. */
  readonly intervalMs: number
  /** By how much the wait grows with each attempt. */
  readonly decay: number
  readonly pingIntervalMs: number
}

/** What the WebSockets of a rule keep to. */
export interface CompiledWebSocket {
  /** On each instance; null is no limit. */
  readonly maxConnections: number | null
  /** Either way, after decompression. */
  readonly maxMessageBytes: number
  /** Null is no limit. */
  readonly idleTimeoutMs: number | null
  /** Whether permessage-deflate is negotiated. */
  readonly compression: boolean
  /** Undefined: the loss of the target ends the client's connection, too. */
  readonly reconnect: CompiledReconnect | undefined
}

const byDefault = toCompiled({})

export function compileWebSocket(written: ForwardRule['websocket']): CompiledWebSocket {
  return written === undefined ? byDefault : toCompiled(written)
}

function toCompiled(written: NonNullable<ForwardRule['websocket']>): CompiledWebSocket {
  const policy = { ...defaultWebSocket, ...written }
  return {
    maxConnections: policy.max_connections,
    maxMessageBytes: policy.max_message_bytes,
    idleTimeoutMs: policy.idle_timeout_ms,
    compression: policy.compression,
    reconnect: toReconnect(policy.reconnect)
  }
}

function toReconnect(written: NonNullable<NonNullable<ForwardRule['websocket']>['reconnect']>): CompiledReconnect | undefined {
  if (written === false) return undefined
  const policy = { ...defaultReconnect, ...(written === true ? {} : written) }
  return { attempts: policy.attempts, intervalMs: policy.interval_ms, decay: policy.decay, pingIntervalMs: policy.ping_interval_ms }
}
