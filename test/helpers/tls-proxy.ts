/** A TLS listener in this process, and clients of it that speak HTTP/2. */
import { EventEmitter, once } from 'node:events'
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect as connectHttp2,
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Stream
} from 'node:http2'
import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { pino } from 'pino'
import type { AccessLine } from '../../src/control/access-line.ts'
import { createMetrics } from '../../src/control/metrics.ts'
import type { CertificateSource } from '../../src/control/tls-server.ts'
import { CidrSet } from '../../src/core/ip.ts'
import type { Snapshot } from '../../src/core/snapshot.ts'
import { buildProxies, type ProxyAppOptions } from '../../src/proxy-app.ts'
import { certificate, privateKey } from './certificate.ts'
import type { Teardown } from './gateway.ts'
import { type Items, toSnapshot } from './proxy-app.ts'

export interface TlsProxy {
  /** The app with TLS. */
  readonly app: FastifyInstance
  readonly port: number
  readonly live: { snapshot: Snapshot | undefined }
  /** Access lines and errors so far. */
  readonly log: readonly Record<string, unknown>[]
  /** Resolves with the next access line. */
  nextLine(): Promise<AccessLine>
  /** A new HTTP/2 connection. */
  connect(): ClientHttp2Session
}

/** The certificate of the tests for every name. */
export const testCertificates: CertificateSource = {
  fallback: { cert: certificate, key: privateKey },
  contextFor: () => undefined,
  onFallback: () => {}
}

type Overrides = Partial<Omit<ProxyAppOptions, 'live' | 'trustedProxies'>> & { readonly certificates?: CertificateSource }

/** Starts a TLS listener that follows `items`. */
export async function startTlsProxy(
  t: Teardown,
  items: Items,
  { certificates = testCertificates, ...overrides }: Overrides = {}
): Promise<TlsProxy> {
  const log: Record<string, unknown>[] = []
  const events = new EventEmitter()
  const write = (text: string): void => {
    for (const part of text.trimEnd().split('\n')) {
      const line = JSON.parse(part) as Record<string, unknown>
      log.push(line)
      if (line.msg === 'request') events.emit('line', line)
    }
  }
  const live = { snapshot: toSnapshot(items) }
  const [plain, app] = buildProxies(
    {
      live,
      metrics: createMetrics({ measureProcess: false }),
      logger: pino({ level: 'error', base: null }, { write }),
      accessLog: true,
      isReady: () => true,
      trustedProxies: CidrSet.parse([]),
      ...overrides
    },
    certificates
  )
  await plain.ready()
  await app.listen({ port: 0, host: '127.0.0.1' })
  t.teardown(async () => {
    app.server.closeAllConnections()
    await Promise.all([plain.close(), app.close()])
  })
  const { port } = app.server.address() as AddressInfo
  const connect = (): ClientHttp2Session => connectTo(t, `https://localhost:${port}`)
  return { app, port, live, log, nextLine: async () => (await once(events, 'line'))[0], connect }
}

/** An HTTP/2 connection that ends with the test. */
export function connectTo(t: Teardown, url: string): ClientHttp2Session {
  const session = connectHttp2(url, { ca: certificate })
  session.on('error', () => undefined)
  t.teardown(() => session.destroy())
  return session
}

export interface Http2Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
  readonly trailers: Record<string, unknown>
  /** Of RST_STREAM; 0 when the answer ended well. */
  readonly rstCode: number
  /** Whether the head said that nothing follows. */
  readonly endsWithHead: boolean
}

/** Sends a request with an optional body and resolves when its stream has closed. */
export function ask(session: ClientHttp2Session, headers: OutgoingHttpHeaders, body?: string): Promise<Http2Answer> {
  const stream = session.request(headers, { endStream: body === undefined })
  if (body !== undefined) stream.end(body)
  return answerOf(stream)
}

/** Resolves when the stream has closed, however it did. */
export async function answerOf(stream: ClientHttp2Stream): Promise<Http2Answer> {
  let headers: IncomingHttpHeaders = {}
  let trailers: Record<string, unknown> = {}
  let body = ''
  let endsWithHead = false
  stream.on('response', (fields, flags) => {
    headers = fields
    endsWithHead = (flags & 1) !== 0
  })
  stream.on('trailers', fields => {
    trailers = { ...fields }
  })
  stream.setEncoding('utf8').on('data', chunk => {
    body += chunk
  })
  stream.on('error', () => undefined)
  await new Promise(resolve => stream.once('close', resolve))
  return { status: Number(headers[':status'] ?? 0), headers, body, trailers, rstCode: stream.rstCode ?? 0, endsWithHead }
}

export interface Http2Target {
  readonly url: string
  readonly port: number
  readonly server: Http2Server
  /** How many connections there were. */
  readonly sessions: number
}

/** A target that speaks HTTP/2 without TLS. */
export async function startHttp2Target(
  t: Teardown,
  listener: (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void
): Promise<Http2Target> {
  const server = createServer()
  const open = new Set<{ destroy(): void }>()
  let sessions = 0
  server.on('session', session => {
    sessions++
    open.add(session)
    session.on('error', () => undefined)
    session.on('close', () => open.delete(session))
  })
  server.on('stream', (stream, headers) => {
    stream.on('error', () => undefined)
    listener(stream, headers)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    for (const session of open) session.destroy()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    server,
    get sessions() {
      return sessions
    }
  }
}
