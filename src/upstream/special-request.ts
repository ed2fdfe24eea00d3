/** What a request may have that undici cannot send: an expectation, trailers, and a header section ahead of its body. */
import type { IncomingMessage } from 'node:http'
import type { Dispatcher } from 'undici'
import type { CompiledRule } from '../core/route.ts'
import type { BodySource, NodeExchangeOptions } from './node-exchange.ts'
import { announcedTrailers, type TrailerRules, toTargetTrailers } from './request-trailers.ts'

export interface SpecialRequest {
  /** Whether the client waits for 100 (Continue) before it sends the body. */
  readonly expectContinue: boolean
  /** Whether the body has no length: then its beginning may wait for the answer's, and trailers may follow. */
  readonly isChunked: boolean
  /** The value of the Trailer field for the target; `''` when no trailers were announced. */
  readonly trailer: string
  readonly trailerRules: TrailerRules
}

/** The body of a request with its trailers. */
type Body = BodySource & { readonly rawTrailers: readonly string[] }

/** What is special about a request that has a body; undefined: nothing. */
export function specialOf(request: IncomingMessage, rule: CompiledRule): SpecialRequest | undefined {
  const { expect, trailer, connection, 'content-length': length } = request.headers
  if (expect === undefined && length !== undefined) return undefined
  // RFC 9110 section 10.1.1: HTTP/1.0 has no expectations. Others than this one have been refused.
  const expectContinue = expect !== undefined && request.httpVersion !== '1.0'
  const isChunked = length === undefined
  const trailerRules = { connection, edits: rule.requestHeaders }
  const announced = trailer === undefined || !isChunked ? '' : announcedTrailers(String(trailer), trailerRules)
  return expectContinue || isChunked ? { expectContinue, isChunked, trailer: announced, trailerRules } : undefined
}

/** The request as `NodePool` takes it. */
export function toNodeOptions(request: Dispatcher.DispatchOptions, special: SpecialRequest): NodeExchangeOptions {
  const { path, method, headersTimeout, bodyTimeout } = request
  const { expectContinue, isChunked, trailer, trailerRules } = special
  const body = request.body as unknown as Body
  const headers = [...(request.headers as readonly string[])]
  if (isChunked) headers.push('transfer-encoding', 'chunked')
  if (trailer !== '') headers.push('trailer', trailer)
  return {
    path,
    method,
    headers,
    body,
    headersTimeout: headersTimeout ?? 0,
    bodyTimeout: bodyTimeout ?? 0,
    expectContinue,
    trailers: isChunked ? () => toTargetTrailers(body.rawTrailers, trailerRules) : undefined
  }
}
