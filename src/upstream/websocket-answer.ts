/** The answer of a target that did not agree to a WebSocket: passed on to the client as it is. */
import type { IncomingMessage } from 'node:http'
import { pipeline } from 'node:stream'
import type { Exchange } from './exchange.ts'
import type { AnswerSlot } from './forward-context.ts'
import { toClientHeaders } from './response-headers.ts'

/** Sends it and ends the connection. An answer that breaks off, or stands still for `readMs`, breaks the client's connection off. */
export function passOnAnswer(answer: IncomingMessage, reply: AnswerSlot, exchange: Exchange, readMs: number): void {
  const { raw } = reply
  const { id: requestId, limitFields } = exchange
  const head = { status: answer.statusCode!, fields: answer.headers, requestId, limitFields, mayHaveTrailers: false }
  const fields = toClientHeaders(head, exchange.route!.rule.responseHeaders)
  try {
    raw.writeHead(head.status, fields)
  } catch (error) {
    answer.destroy()
    raw.statusMessage = ''
    return void reply.send(error as Error)
  }
  reply.hijack()
  exchange.upstream = { cancel: () => void answer.destroy() }
  answer.setTimeout(readMs, () => void answer.destroy())
  answer.on('data', (chunk: Buffer) => {
    exchange.bytesSent += chunk.length
  })
  pipeline(answer, raw, error => {
    if (error !== null && error !== undefined) exchange.error = 'bad_gateway'
  })
}
