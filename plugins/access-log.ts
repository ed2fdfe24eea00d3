/** One line per request of the proxy, written when the exchange has ended, however it ended. */
import type { FastifyPluginCallback, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { type AccessLine, toText } from '../src/control/access-line.ts'
import { bareCodeOf } from '../src/control/bare-answer.ts'
import { LineBuffer, type LineSink } from '../src/control/line-buffer.ts'
import { statusOf, wasUpgraded } from '../src/upstream/exchange.ts'
import { wasBrokenOff } from '../src/upstream/inbound-http2.ts'
import type { Refusal } from './refusals.ts'

export interface AccessLogOptions {
  /** Takes whole lines of JSON, several at a time: where the log goes, too. */
  readonly sink: LineSink
}

const accessLog: FastifyPluginCallback<AccessLogOptions> = (app, { sink }, done) => {
  const lines = new LineBuffer(sink)
  app.onExchangeEnd((request, reply) => lines.write(toText(toLine(request, reply), Date.now())))
  app.onRefusal(refusal => lines.write(toText(refusedLine(refusal), Date.now())))
  app.addHook('onClose', (_app, next) => {
    lines.flush()
    next()
  })
  done()
}

const protocols: Readonly<Record<string, AccessLine['protocol']>> = { '1.0': 'HTTP/1.0', '1.1': 'HTTP/1.1', '2.0': 'HTTP/2.0' }

function toLine(request: FastifyRequest, { raw: response }: FastifyReply): AccessLine {
  const { exchange, originalUrl } = request
  const { facts } = exchange
  const query = originalUrl.indexOf('?')
  const status = statusOf(response)
  return {
    request_id: exchange.id,
    client_ip: facts?.ip ?? exchange.peer?.ip,
    client: facts?.client?.id,
    method: request.method,
    host: exchange.host === '' ? undefined : exchange.host,
    path: query === -1 ? originalUrl : originalUrl.slice(0, query),
    query: query === -1 ? undefined : originalUrl.slice(query),
    protocol: protocols[request.raw.httpVersion] ?? 'HTTP/1.1',
    status,
    rule: exchange.route?.rule.id,
    service: exchange.service,
    target: exchange.target,
    bytes_sent: exchange.bytesSent,
    bytes_received: wasUpgraded(response) ? exchange.bytesReceived : undefined,
    duration_ms: performance.now() - exchange.startedMs,
    upstream_ms: exchange.upstreamMs,
    attempts: exchange.attempts > 1 ? exchange.attempts : undefined,
    aborted: wasBrokenOff(response) && !wasUpgraded(response) ? true : undefined,
    error: exchange.error ?? request.problem ?? (status < 400 ? undefined : bareCodeOf(response)),
    upstream_error: exchange.upstreamError
  }
}

// Of what was no HTTP nothing is known but who sent it.
function refusedLine({ requestId, clientIp, status, code, bytesSent }: Refusal): AccessLine {
  return {
    request_id: requestId,
    client_ip: clientIp,
    method: undefined,
    host: undefined,
    path: undefined,
    query: undefined,
    protocol: undefined,
    status,
    rule: undefined,
    service: undefined,
    target: undefined,
    bytes_sent: bytesSent,
    duration_ms: 0,
    upstream_ms: undefined,
    attempts: undefined,
    aborted: undefined,
    error: code,
    upstream_error: undefined
  }
}

export default fp(accessLog, { name: 'access-log', fastify: '5.x', dependencies: ['exchange', 'problem', 'refusals'] })
