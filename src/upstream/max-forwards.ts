/** Max-Forwards: how many more hops an OPTIONS or TRACE may take (RFC 9110 section 7.6.2). Other methods may ignore it, and do. */
import type { IncomingMessage } from 'node:http'
import type { CompiledRule } from '../core/route.ts'
import { MethodNotAllowedError } from '../errors.ts'
import type { Exchange } from './exchange.ts'
import type { AnswerSlot } from './forwarding.ts'
import { linger } from './linger.ts'
import { sendOwnAnswer } from './own-answer.ts'

/** The largest number that is passed on: the RFC leaves it to us. */
const largest = 1_000_000

/** How many more hops the request may take; undefined when it does not say, NaN when it says nothing readable. */
export function hopsLeft({ method, headers }: IncomingMessage): number | undefined {
  if (method !== 'OPTIONS' && method !== 'TRACE') return undefined
  const value = headers['max-forwards'] as string | undefined
  if (value === undefined) return undefined
  return /^\d+$/.test(value) ? Math.min(Number(value), largest) : Number.NaN
}

/** The fields for the target, one hop later. `list` holds names in lower case and values in turn. */
export function spendHop(list: readonly string[], left: number): string[] {
  const spent: string[] = []
  for (let at = 0; at < list.length; at += 2) if (list[at] !== 'max-forwards') spent.push(list[at]!, list[at + 1]!)
  spent.push('max-forwards', String(left - 1))
  return spent
}

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
  exchange.bytesSent = sendOwnAnswer(reply.raw, rule, exchange.id, {
    status: 200,
    headers: [['allow', methodsOf(rule).join(', ')]],
    body: ''
  })
}

const usual = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const

function methodsOf({ item }: CompiledRule): readonly string[] {
  return item.methods ?? usual
}
