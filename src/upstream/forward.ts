/** Forwards one request to a target and its answer to the client, streaming both ways. */
import type { IncomingMessage } from 'node:http'
import type { TLSSocket } from 'node:tls'
import type { Dispatcher } from 'undici'
import type { CompiledRule, CompiledTarget } from '../core/route.ts'
import { BadRequestError, BodyTooLargeError } from '../errors.ts'
import type { Exchange } from './exchange.ts'
import { type AnswerSlot, type ForwardContext, Forwarding } from './forwarding.ts'
import type { Pools } from './pools.ts'
import { RequestBody } from './request-body.ts'
import { toTargetHeaders } from './request-headers.ts'

/** Starts to forward; everything else happens in events. Never throws: what goes wrong is sent to `reply`. */
export function forward(
  pools: Pools,
  context: ForwardContext,
  request: IncomingMessage,
  reply: AnswerSlot,
  exchange: Exchange,
  target: CompiledTarget
): void {
  const { rule, upstreamPath } = exchange.route!
  const refused = refusalOf(request, rule)
  if (refused !== undefined) return void reply.send(refused)
  const headers = toTargetHeaders(headOf(request, exchange), rule, target)
  if (headers === undefined) return void reply.send(new BadRequestError('More than one Host field'))
  exchange.target = target.url
  const { timeouts } = rule
  const forwarding = new Forwarding(request, reply, exchange, context)
  exchange.upstream = forwarding
  const options: Dispatcher.DispatchOptions = {
    path: target.basePath === '' ? upstreamPath : target.basePath + upstreamPath,
    method: request.method!,
    headers,
    headersTimeout: timeouts.read,
    bodyTimeout: timeouts.read,
    body: null
  }
  if (hasBody(request)) {
    const bodyLimits = { maxBytes: rule.maxBodyBytes, sendMs: timeouts.send, clientStallMs: context.clientStallMs }
    options.body = new RequestBody(request, bodyLimits, fault => forwarding.failBody(fault)).asStream()
  }
  forwarding.start(pools.get(target.origin, timeouts.connect), options, timeouts.total)
}

function headOf(request: IncomingMessage, exchange: Exchange) {
  const facts = exchange.facts!
  return {
    peer: exchange.peer!,
    clientIp: facts.ip,
    host: exchange.host,
    secure: (request.socket as Partial<TLSSocket>).encrypted === true,
    rawHeaders: request.rawHeaders,
    httpVersion: request.httpVersion,
    requestId: exchange.id
  }
}

/** Whether the request has content (RFC 9112 section 6.3): its method does not matter. */
function hasBody({ headers }: IncomingMessage): boolean {
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
