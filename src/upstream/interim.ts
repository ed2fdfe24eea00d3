/** Interim answers (1xx) on their way to the client (RFC 9110 section 15.2). */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { nominatedBy, responseHopByHop } from './fields.ts'
import { isHttp2, streamOf } from './inbound-http2.ts'
import type { ReceivedFields } from './response-headers.ts'
import { unaskedContinue } from './unasked-continue.ts'

/**
 * Passes an interim answer on. Not to HTTP/1.0, which has none, and not to a client that does not keep up: nothing but memory would hold
 * them back. Never throws; 101 (Switching Protocols) is none of ours.
 */
export function sendInterim(request: IncomingMessage, response: ServerResponse, status: number, fields: ReceivedFields): void {
  if (request.httpVersion === '1.0' || status === 101 || response.headersSent) return
  if (response.writableLength > response.writableHighWaterMark) return
  const list = toInterimHeaders(fields)
  try {
    if (isHttp2(request)) streamOf(response).additionalHeaders({ ':status': Math.floor(status), ...Object.fromEntries(list) })
    else if (status === 100 || status === unaskedContinue) response.writeContinue()
    else if (typeof response.writeInformation === 'function') response.writeInformation(status, list.flat())
    else sendOld(response, status, fields)
  } catch {
    // A field that node:http does not write. What is interim may be dropped.
  }
}

// Before Node.js 24.18 only these two can be written.
function sendOld(response: ServerResponse, status: number, { link }: ReceivedFields): void {
  if (status === 102) response.writeProcessing()
  else if (status === 103 && link !== undefined) response.writeEarlyHints({ link })
}

/** The target's end-to-end fields and ours, as pairs. Those that are repeated are joined: what is repeated in practice is `link`. */
function toInterimHeaders(fields: ReceivedFields): [name: string, value: string][] {
  const connection = fields['connection']
  const nominated = connection === undefined ? undefined : nominatedBy(String(connection))
  const list: [string, string][] = []
  for (const name in fields) {
    if (responseHopByHop.has(name) || name === 'content-length' || name === 'via' || nominated?.has(name)) continue
    const value = fields[name]!
    list.push([name, typeof value === 'string' ? value : value.join(', ')])
  }
  const { via } = fields
  list.push(['via', via === undefined ? '1.1 sluice' : `${String(via)}, 1.1 sluice`])
  return list
}
