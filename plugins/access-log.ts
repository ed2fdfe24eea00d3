/** One line per request of the proxy, written when the exchange has ended, however it ended. */
import type { FastifyPluginCallback, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { statusOf } from '../src/upstream/exchange.ts'

/** What is logged. Fields that do not apply are left out. */
export interface AccessLine {
  readonly request_id: string
  /** The client's address after trusted proxies. */
  readonly client_ip: string | undefined
  readonly method: string
  /** Host and port as the client named them. */
  readonly host: string | undefined
  /** As sent, without the query. */
  readonly path: string
  /** With its `?`, as sent. */
  readonly query: string | undefined
  /** `HTTP/1.1` */
  readonly protocol: string
  /** 499 when the client left before there was an answer. */
  readonly status: number
  readonly rule: string | undefined
  readonly service: string | undefined
  /** The target's URL, as the operator wrote it. */
  readonly target: string | undefined
  /** Of the answer's body. */
  readonly bytes_sent: number
  /** From the request's header section to the end of the exchange. */
  readonly duration_ms: number
  /** From sending the request to the head of the target's answer. */
  readonly upstream_ms: number | undefined
  /** The answer did not reach the client as a whole. */
  readonly aborted: true | undefined
  /** The code of the problem that was answered or that broke the answer off. */
  readonly error: string | undefined
  /** What the target's connection said, such as `ECONNREFUSED`. */
  readonly upstream_error: string | undefined
}

export interface AccessLogOptions {
  readonly logger: { info(line: AccessLine, message: string): void }
}

const accessLog: FastifyPluginCallback<AccessLogOptions> = (app, { logger }, done) => {
  app.onExchangeEnd((request, reply) => logger.info(toLine(request, reply), 'request'))
  done()
}

function toLine(request: FastifyRequest, { raw: response }: FastifyReply): AccessLine {
  const { exchange, originalUrl } = request
  const query = originalUrl.indexOf('?')
  const { upstreamMs } = exchange
  return {
    request_id: exchange.id,
    client_ip: exchange.facts?.ip ?? exchange.peer?.ip,
    method: request.method,
    host: exchange.host === '' ? undefined : exchange.host,
    path: query === -1 ? originalUrl : originalUrl.slice(0, query),
    query: query === -1 ? undefined : originalUrl.slice(query),
    protocol: request.raw.httpVersion === '1.1' ? 'HTTP/1.1' : 'HTTP/1.0',
    status: statusOf(response),
    rule: exchange.route?.rule.id,
    service: exchange.service,
    target: exchange.target,
    bytes_sent: exchange.bytesSent,
    duration_ms: toMicroseconds(performance.now() - exchange.startedMs),
    upstream_ms: upstreamMs === undefined ? undefined : toMicroseconds(upstreamMs),
    aborted: response.writableFinished ? undefined : true,
    error: exchange.error ?? request.problem,
    upstream_error: exchange.upstreamError
  }
}

function toMicroseconds(ms: number): number {
  return Math.round(ms * 1_000) / 1_000
}

export default fp(accessLog, { name: 'access-log', fastify: '5.x', dependencies: ['exchange', 'problem'] })
