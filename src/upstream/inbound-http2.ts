/**
 * What is different about a client that speaks HTTP/2 (RFC 9113). Requests and answers come as those of `node:http`, by the compatibility
 * layer of `node:http2`; this is for where that layer is not alike.
 */
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import { constants, type Http2ServerResponse, type OutgoingHttpHeaders, type ServerHttp2Stream } from 'node:http2'
import type { ReceivedFields } from './response-headers.ts'

/** Whether a message came by HTTP/2. A request line that only says so is none: it has no stream. */
export function isHttp2(request: Pick<IncomingMessage, 'httpVersionMajor'>): boolean {
  return request.httpVersionMajor === 2 && 'stream' in request
}

/** The stream of an answer to an HTTP/2 client. */
export function streamOf(response: ServerResponse): ServerHttp2Stream {
  return (response as unknown as Http2ServerResponse).stream
}

/**
 * Puts the authority where everybody looks for the host. False when the request names two different ones (RFC 9113 section 8.3.1): whoever
 * comes behind us would see only one of them.
 */
export function adoptAuthority(headers: IncomingHttpHeaders): boolean {
  const authority = headers[':authority'] as string | undefined
  if (authority === undefined) return true
  if (headers.host !== undefined && headers.host.toLowerCase() !== authority.toLowerCase()) return false
  headers.host = authority
  return true
}

/** Names and values in turn as HTTP/1.1 would have them: without pseudo-header fields, the crumbs of a cookie joined (RFC 9113 section 8.2.3). */
export function toPlainFields(rawHeaders: readonly string[]): string[] {
  const fields: string[] = []
  let cookie: string | undefined
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]!
    const value = rawHeaders[at + 1]!
    if (name === 'cookie') cookie = cookie === undefined ? value : `${cookie}; ${value}`
    else if (name.charCodeAt(0) !== 0x3a) fields.push(name, value)
  }
  if (cookie !== undefined) fields.push('cookie', cookie)
  return fields
}

/** Whether the request has content: with HTTP/2, that is when its header section does not end it. */
export function hasContent(request: IncomingMessage): boolean {
  return !(request as unknown as { readonly stream: ServerHttp2Stream }).stream.endAfterHeaders
}

/** Whether what looks like the end of a request's body is the client breaking it off: our side of the stream is still open. */
export function isCutOff(request: IncomingMessage): boolean {
  return isHttp2(request) && (request as unknown as { readonly stream: ServerHttp2Stream }).stream.closed
}

/** Fields that HTTP/2 does not have (RFC 9113 section 8.2.2): `node:http2` throws on them. */
const connectionFields: ReadonlySet<string> = new Set([
  'connection',
  'http2-settings',
  'keep-alive',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'upgrade'
])

/**
 * Writes the head of an answer; `list` holds names in lower case and values in turn. With `endStream` it is the whole answer, as those are
 * that have only trailers in gRPC. @throws when a field or the status cannot be sent
 */
export function respond(response: ServerResponse, status: number, list: readonly string[], endStream: boolean): void {
  const stream = streamOf(response)
  // The client has left: what comes after this is dropped, too.
  if (stream.destroyed || stream.closed) return
  response.statusCode = status
  const headers: OutgoingHttpHeaders = Object.create(null)
  headers[constants.HTTP2_HEADER_STATUS] = status
  for (let at = 0; at < list.length; at += 2) addField(headers, list[at]!, list[at + 1]!)
  stream.respond(headers, { endStream, waitForTrailers: !endStream })
}

function addField(headers: OutgoingHttpHeaders, name: string, value: string): void {
  if (connectionFields.has(name)) return
  const before = headers[name]
  if (before === undefined) headers[name] = value
  else if (Array.isArray(before)) before.push(value)
  else headers[name] = [String(before), value]
}

const token = /^[!#$%&'*+.^_`|~0-9a-z-]+$/

/** Adds the trailers that may be sent. */
export function addTrailers(response: ServerResponse, trailers: readonly (readonly [name: string, value: string])[]): void {
  const fields: Record<string, string | string[]> = {}
  for (const [name, value] of trailers) {
    // They are sent in an event, where a throw would end the process.
    if (connectionFields.has(name) || !token.test(name)) continue
    const before = fields[name]
    if (before === undefined) fields[name] = value
    else fields[name] = [before, value].flat()
  }
  response.addTrailers(fields as NodeJS.Dict<string>)
}

/** Breaks an answer off so that no client can take what it has for the whole: the stream is reset, the others of the connection go on. */
export function breakOff(response: ServerResponse): void {
  streamOf(response).close(constants.NGHTTP2_INTERNAL_ERROR)
}

/** Whether the client did not get the whole answer. For exchanges that are over. */
export function wasBrokenOff(response: ServerResponse): boolean {
  if (!isHttp2(response.req)) return !response.writableFinished
  const stream = streamOf(response)
  return stream.aborted || stream.rstCode !== constants.NGHTTP2_NO_ERROR
}

/** The `ReceivedFields` of a header section of `node:http2`: without pseudo-header fields. */
export function withoutPseudoFields(headers: Readonly<Record<string, unknown>>): ReceivedFields {
  const fields: Record<string, string | string[] | undefined> = {}
  for (const name in headers) if (name.charCodeAt(0) !== 0x3a) fields[name] = headers[name] as string | string[]
  return fields
}
