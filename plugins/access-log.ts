/** One line per request of the proxy, written when the exchange has ended, however it ended. */
import type { FastifyPluginCallback, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { type AccessLine, toText } from '../src/control/access-line.ts'
import { LineBuffer, type LineSink } from '../src/control/line-buffer.ts'
import { statusOf } from '../src/upstream/exchange.ts'

export interface AccessLogOptions {
  /** Takes whole lines of JSON, several at a time: where the log goes, too. */
  readonly sink: LineSink
}

const accessLog: FastifyPluginCallback<AccessLogOptions> = (app, { sink }, done) => {
  const lines = new LineBuffer(sink)
  app.onExchangeEnd((request, reply) => lines.write(toText(toLine(request, reply), Date.now())))
  app.addHook('onClose', (_app, next) => {
    lines.flush()
    next()
  })
  done()
}

function toLine(request: FastifyRequest, { raw: response }: FastifyReply): AccessLine {
  const { exchange, originalUrl } = request
  const { facts } = exchange
  const query = originalUrl.indexOf('?')
  return {
    request_id: exchange.id,
    client_ip: facts?.ip ?? exchange.peer?.ip,
    method: request.method,
    host: exchange.host === '' ? undefined : exchange.host,
    path: query === -1 ? originalUrl : originalUrl.slice(0, query),
    query: query === -1 ? undefined : originalUrl.slice(query),
    protocol: request.raw.httpVersionMinor === 1 ? 'HTTP/1.1' : 'HTTP/1.0',
    status: statusOf(response),
    rule: exchange.route?.rule.id,
    service: exchange.service,
    target: exchange.target,
    bytes_sent: exchange.bytesSent,
    duration_ms: performance.now() - exchange.startedMs,
    upstream_ms: exchange.upstreamMs,
    aborted: response.writableFinished ? undefined : true,
    error: exchange.error ?? request.problem,
    upstream_error: exchange.upstreamError
  }
}

export default fp(accessLog, { name: 'access-log', fastify: '5.x', dependencies: ['exchange', 'problem'] })
