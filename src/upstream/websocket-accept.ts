/** The fields of a 101 answer beyond those of the handshake itself. */
import type { IncomingMessage } from 'node:http'
import type { Exchange } from './exchange.ts'
import { type ReceivedFields, toClientHeaders } from './response-headers.ts'
import { addSticky } from './sticky.ts'

/** Lines for the header section: what the target's 101 said end to end, ours, and the rule's edits. */
export function acceptLines(fields: ReceivedFields, exchange: Exchange, request: IncomingMessage): string[] {
  const { rule } = exchange.route!
  const head = { status: 101, fields, requestId: exchange.id, limitFields: exchange.limitFields, mayHaveTrailers: false }
  const list = toClientHeaders(head, rule.responseHeaders)
  addSticky(list, exchange, request)
  const lines: string[] = []
  for (let at = 0; at < list.length; at += 2) {
    const name = list[at]!
    if (name.startsWith('sec-websocket-') || name === 'content-length') continue
    // Fields come as Latin-1 (RFC 9110 section 5.5) and `ws` writes UTF-8, which would be another value.
    if (isAscii.test(list[at + 1]!)) lines.push(`${name}: ${list[at + 1]!}`)
  }
  return lines
}

const isAscii = /^[\t\x20-\x7e]*$/
