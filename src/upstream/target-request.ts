/** The request to a target, in the form that undici takes. */
import type { IncomingMessage } from 'node:http'
import type { TLSSocket } from 'node:tls'
import type { Dispatcher } from 'undici'
import type { CompiledTarget } from '../core/route.ts'
import type { Exchange } from './exchange.ts'
import { isHttp2, toPlainFields } from './inbound-http2.ts'
import { hopsLeft, spendHop } from './max-forwards.ts'
import { toTargetHeaders } from './request-headers.ts'
import type { SpecialRequest } from './special-request.ts'

/** A request whose header fields are a list: names (in lower case) and values in turn. */
export type TargetRequest = Dispatcher.DispatchOptions & {
  headers: string[]
  /** What goes beyond undici; only with a body. */
  special: SpecialRequest | undefined
}

/** What `target` is to be asked, without the body. */
export function toTargetRequest(request: IncomingMessage, exchange: Exchange, target: CompiledTarget): TargetRequest {
  const { rule, upstreamPath } = exchange.route!
  const headers = toTargetHeaders(headOf(request, exchange), rule, target)
  const left = hopsLeft(request)
  return {
    path: target.basePath === '' ? upstreamPath : target.basePath + upstreamPath,
    method: request.method!,
    headers: left === undefined ? headers : spendHop(headers, left),
    headersTimeout: rule.timeouts.read,
    bodyTimeout: rule.timeouts.read,
    // Undici would close the connection after each HEAD, for fear of targets that send a body. What they send unasked ends it anyway.
    reset: request.method === 'HEAD' ? false : (null as unknown as boolean),
    body: null,
    special: undefined
  }
}

/** What `toTargetHeaders` asks of a request. */
export function headOf(request: IncomingMessage, exchange: Exchange) {
  const facts = exchange.facts!
  return {
    peer: exchange.peer!,
    clientIp: facts.ip,
    host: exchange.host,
    secure: (request.socket as Partial<TLSSocket>).encrypted === true,
    rawHeaders: isHttp2(request) ? toPlainFields(request.rawHeaders) : request.rawHeaders,
    httpVersion: request.httpVersion,
    requestId: exchange.id
  }
}
