/** The open WebSockets, page by page. */
import type { Connection } from '../../schemas/connection.ts'
import { ValidationError, withFaults } from '../errors.ts'
import type { Connections, OpenConnection } from '../upstream/connections.ts'

/** Wire shape of a page. */
export interface ConnectionPage {
  readonly items: readonly Connection[]
  readonly next_cursor: string | null
  readonly total: number
}

export interface ConnectionPageRequest {
  readonly rule?: string
  /** How many at most. Default 100. */
  readonly limit?: number
  /** `next_cursor` of the page before. */
  readonly cursor?: string
}

/**
 * One page, oldest first. A cursor names the last connection of its page: those that come or go between two pages neither repeat nor hide
 * another.
 * @throws {ValidationError} when the cursor is none of ours
 */
export function connectionPage(connections: Connections, { rule, limit = 100, cursor }: ConnectionPageRequest): ConnectionPage {
  const after = cursor === undefined ? 0 : fromCursor(cursor)
  const all = connections.list(rule)
  const rest = all.filter(({ seq }) => seq > after)
  const page = rest.slice(0, limit)
  const last = page.at(-1)
  const isLast = last === undefined || rest.length <= limit
  return { items: page.map(toConnection), next_cursor: isLast ? null : toCursor(last.seq), total: all.length }
}

function toConnection({ received, sent, ...connection }: OpenConnection): Connection {
  return {
    id: connection.id,
    request_id: connection.requestId,
    rule: connection.rule,
    service: connection.service ?? null,
    target: connection.target,
    client_ip: connection.clientIp,
    since: new Date(connection.sinceMs).toISOString(),
    protocol: connection.protocol === '' ? null : connection.protocol,
    received: { messages: received.messages, bytes: received.bytes },
    sent: { messages: sent.messages, bytes: sent.bytes }
  }
}

function toCursor(seq: number): string {
  return Buffer.from(String(seq)).toString('base64url')
}

function fromCursor(cursor: string): number {
  const text = Buffer.from(cursor, 'base64url').toString('latin1')
  if (/^\d{1,15}$/.test(text)) return Number(text)
  const fault = { pointer: '/cursor', detail: 'is not a next_cursor of this list' }
  throw withFaults(new ValidationError(`Query parameter 'cursor' ${fault.detail}`), [fault])
}
