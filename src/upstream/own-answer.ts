/** Answers of the gateway itself that a rule asks for: redirect, respond, and the fallback of a breaker. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Exchange } from './exchange.ts'
import type { AnswerSlot } from './forward-context.ts'
import { editHeaders } from './header-edits.ts'
import { isHttp2, respond } from './inbound-http2.ts'
import { linger } from './linger.ts'

export interface OwnAnswer {
  readonly status: number
  /** Names in lower case. */
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: string
}

/** Sends the answer with the rule's edits; returns how many bytes of body went out. HEAD gets the length without the body. */
export function sendOwnAnswer(response: ServerResponse, { route, id, limitFields }: Exchange, answer: OwnAnswer): number {
  const { status, headers } = answer
  const { responseHeaders } = route!.rule
  const body = status === 204 || status === 304 ? undefined : Buffer.from(answer.body)
  const list: string[] = []
  for (const [name, value] of headers) list.push(name, value)
  if (body !== undefined && body.length > 0 && !headers.some(([name]) => name === 'content-type'))
    list.push('content-type', 'text/plain; charset=utf-8')
  if (body !== undefined) list.push('content-length', String(body.length))
  list.push('x-request-id', id)
  if (limitFields !== undefined) list.push(...limitFields)
  const fields = responseHeaders === undefined ? list : editHeaders(list, responseHeaders)
  const sent = response.req.method === 'HEAD' ? undefined : body
  if (isHttp2(response.req)) respond(response, status, fields, sent === undefined || sent.length === 0)
  else response.writeHead(status, fields)
  response.end(sent)
  return sent === undefined ? 0 : sent.length
}

/** Answers a request that was to be forwarded. */
export function answerInstead(request: IncomingMessage, reply: AnswerSlot, exchange: Exchange, own: OwnAnswer, lingerMs: number): void {
  reply.hijack()
  linger(request, reply.raw, lingerMs)
  exchange.bytesSent = sendOwnAnswer(reply.raw, exchange, own)
}
