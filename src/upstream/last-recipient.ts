/** Answers to requests that may go no further: their Max-Forwards is 0 (RFC 9110 section 7.6.2). */
import type { IncomingMessage } from 'node:http'
import type { CompiledRule } from '../core/route.ts'
import { MethodNotAllowedError } from '../errors.ts'
import type { Exchange } from './exchange.ts'
import type { AnswerSlot } from './forward-context.ts'
import { linger } from './linger.ts'
import { sendOwnAnswer } from './own-answer.ts'

/**
 * Answers as the last recipient. OPTIONS gets what the rule takes. TRACE is not reflected: its answer would show a script in a browser the
 * fields that it must not read.
 */
export function answerAsLast(request: IncomingMessage, reply: AnswerSlot, exchange: Exchange, lingerMs: number): void {
  const { rule } = exchange.route!
  if (request.method === 'TRACE') {
    reply.raw.setHeader(
      'allow',
      methodsOf(rule)
        .filter(method => method !== 'TRACE')
        .join(', ')
    )
    return void reply.send(new MethodNotAllowedError('TRACE'))
  }
  reply.hijack()
  linger(request, reply.raw, lingerMs)
  exchange.bytesSent = sendOwnAnswer(reply.raw, exchange, {
    status: 200,
    headers: [['allow', methodsOf(rule).join(', ')]],
    body: ''
  })
}

/** The value of Allow where no rule says otherwise. */
export const usualMethods = 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS'

function methodsOf({ item }: CompiledRule): readonly string[] {
  return item.methods ?? usualMethods.split(', ')
}
