/** Forwards one request to a target and its answer to the client, streaming both ways. */
import type { IncomingMessage } from 'node:http'
import type { CompiledRule, CompiledTarget } from '../core/route.ts'
import { BadRequestError, BodyTooLargeError } from '../errors.ts'
import { Attempts } from './attempts.ts'
import type { Exchange } from './exchange.ts'
import type { AnswerSlot, ForwardContext } from './forward-context.ts'
import { Forwarding } from './forwarding.ts'
import { hasContent, isHttp2 } from './inbound-http2.ts'
import { sendInterim } from './interim.ts'
import { answerAsLast } from './last-recipient.ts'
import { hopsLeft } from './max-forwards.ts'
import type { Pools } from './pools.ts'
import { RepeatableBody } from './repeatable-body.ts'
import { RequestBody } from './request-body.ts'
import { specialOf } from './special-request.ts'
import { type TargetRequest, toTargetRequest } from './target-request.ts'

/** Starts to forward; everything else happens in events. Never throws: what goes wrong is sent to `reply`. */
export function forward(
  pools: Pools,
  context: ForwardContext,
  request: IncomingMessage,
  reply: AnswerSlot,
  exchange: Exchange,
  target: CompiledTarget
): void {
  const { rule } = exchange.route!
  const refused = refusalOf(request, rule)
  if (refused !== undefined) return void reply.send(refused)
  const left = hopsLeft(request)
  if (left === 0) return answerAsLast(request, reply, exchange, context.lingerMs)
  if (Number.isNaN(left)) return void reply.send(new BadRequestError('Max-Forwards must be a number'))
  const options = toTargetRequest(request, exchange, target)
  exchange.target = target.url
  const forwarding = new Forwarding(request, reply, exchange, context)
  exchange.upstream = forwarding
  const withBody = hasBody(request)
  if (rule.mirror !== undefined) context.mirrors.copy(request, exchange, withBody)
  const body = withBody ? toBody(request, rule, context, forwarding) : undefined
  if (withBody) options.special = specialOf(request, rule)
  // Over HTTP/2 the target is not asked: the client is, by us.
  if (options.special?.expectContinue && target.transport?.http2) sendInterim(request, reply.raw, 100, {})
  if (rule.retry !== undefined) return forwardWithRetries({ pools, context, request, exchange, forwarding, body }, target, options)
  if (body !== undefined) options.body = body.asStream()
  forwarding.start(pools.get(target.origin, rule.timeouts.connect, target.transport), options, rule.timeouts.total)
}

interface Retriable {
  readonly pools: Pools
  readonly context: ForwardContext
  readonly request: IncomingMessage
  readonly exchange: Exchange
  readonly forwarding: Forwarding
  readonly body: RequestBody | undefined
}

/** @param first the request to `target`, which is the first one */
function forwardWithRetries(
  { pools, context, request, exchange, forwarding, body }: Retriable,
  target: CompiledTarget,
  first: TargetRequest
): void {
  const { retry, timeouts } = exchange.route!.rule
  const attempts = new Attempts({
    context,
    exchange,
    forwarding,
    policy: retry!,
    budget: context.retryBudgets.of(exchange.service ?? target.url),
    method: request.method!,
    totalMs: timeouts.total,
    body: body === undefined ? undefined : new RepeatableBody(body),
    prepare: next => ({
      pool: pools.get(next.origin, timeouts.connect, next.transport),
      request: next === target ? { ...first } : { ...toTargetRequest(request, exchange, next), special: first.special }
    })
  })
  forwarding.startAttempts(attempts, timeouts.total)
  attempts.start({ target, state: exchange.targetState, call: exchange.breakerCall })
}

function toBody(request: IncomingMessage, rule: CompiledRule, context: ForwardContext, forwarding: Forwarding): RequestBody {
  const limits = {
    maxBytes: rule.maxBodyBytes,
    sendMs: rule.timeouts.send,
    clientStallMs: context.clientStallMs,
    clientRate: context.clientRate
  }
  return new RequestBody(request, limits, fault => forwarding.failBody(fault))
}

/** Whether the request has content (RFC 9112 section 6.3): its method does not matter. */
function hasBody(request: IncomingMessage): boolean {
  if (isHttp2(request)) return hasContent(request)
  const { headers } = request
  const length = headers['content-length']
  return (length !== undefined && length !== '0') || headers['transfer-encoding'] !== undefined
}

function refusalOf({ headers, httpVersion }: IncomingMessage, { maxBodyBytes }: CompiledRule): Error | undefined {
  const coding = headers['transfer-encoding']
  if (coding !== undefined && (coding.toLowerCase() !== 'chunked' || httpVersion === '1.0')) {
    // RFC 9112 sections 6.1 and 7: a coding we cannot undo, or framing that HTTP/1.0 does not have.
    return new BadRequestError('Transfer-Encoding must be chunked, in HTTP/1.1')
  }
  const length = headers['content-length']
  return maxBodyBytes !== null && length !== undefined && Number(length) > maxBodyBytes ? new BodyTooLargeError() : undefined
}
