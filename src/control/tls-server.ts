/** The server behind the TLS listener: HTTP/2 and HTTP/1.1, as the client chooses by ALPN (RFC 7301). */
import type { RequestListener } from 'node:http'
import { createSecureServer, type Http2SecureServer, type ServerHttp2Session } from 'node:http2'
import type { Socket } from 'node:net'
import type { SecureContext } from 'node:tls'
import { minTlsVersion } from './key-pair.ts'

/** Where the listener's certificates come from. */
export interface CertificateSource {
  /** PEM texts for clients that name no host, or one that has no certificate of its own; undefined when there are none. */
  readonly fallback: { readonly cert: string; readonly key: string } | undefined
  /** The certificate for a host (in lower case); undefined: the fallback. */
  contextFor(host: string): SecureContext | undefined
  /** Calls `listener` whenever the fallback changes. */
  onFallback(listener: () => void): void
}

export interface TlsServerOptions {
  readonly certificates: CertificateSource
  /** How long a client may take over the header section of a request, in milliseconds. */
  readonly headersTimeoutMs: number
}

/** What clients may do on one HTTP/2 connection. */
export const sessionLimits = {
  maxConcurrentStreams: 128,
  maxHeaderListPairs: 128,
  maxHeaderListBytes: 16_384,
  /** What a client may send ahead on one stream, in bytes. */
  streamWindowBytes: 128 * 1024
} as const

/** Longer than the idle timeout of usual load balancers (60 s), so that they close first. */
const idleMs = 75_000
const minVersion = minTlsVersion

const http1Options = { keepAliveTimeout: idleMs, requestTimeout: 0, requireHostHeader: false, optimizeEmptyRequests: true } as const

const http2Options = {
  settings: {
    maxConcurrentStreams: sessionLimits.maxConcurrentStreams,
    maxHeaderListSize: sessionLimits.maxHeaderListBytes,
    initialWindowSize: sessionLimits.streamWindowBytes
  },
  maxHeaderListPairs: sessionLimits.maxHeaderListPairs,
  // Against floods of frames that cost us more than the client: resets (CVE-2023-44487), settings, pings, invalid frames.
  streamResetBurst: 1_000,
  streamResetRate: 33,
  maxSessionInvalidFrames: 100,
  maxSessionRejectedStreams: 100,
  maxSettings: 32,
  // In megabytes: what one connection may make us hold. With 128 streams that move bodies both ways the default (10) is too little.
  maxSessionMemory: 32,
  // What targets repeat is for the client to judge, as with HTTP/1.1.
  strictSingleValueFields: false
} as const

/** A server that knows its connections. */
export interface TlsServer extends Http2SecureServer {
  /** Ends connections without a request under way, and lets HTTP/2 connections take no further one. */
  closeIdleConnections(): void
  /** Ends every connection at once. */
  closeAllConnections(): void
}

/** The server; it does not listen yet. @throws when the fallback certificate cannot be used */
export function createTlsServer({ certificates, headersTimeoutMs }: TlsServerOptions, listener: RequestListener): TlsServer {
  const toFallback = () => ({ ...certificates.fallback, minVersion }) as const
  const options = {
    ...http1Options,
    ...http2Options,
    ...toFallback(),
    headersTimeout: headersTimeoutMs,
    connectionsCheckingInterval: Math.ceil(headersTimeoutMs / 4),
    allowHTTP1: true,
    handshakeTimeout: 10_000,
    SNICallback: (host: string, callback: (error: Error | null, context?: SecureContext) => void) =>
      callback(null, certificates.contextFor(host.toLowerCase()))
  }
  const server = createSecureServer(options, listener as unknown as Parameters<typeof createSecureServer>[1])
  // Handshakes to come; connections keep what they have.
  certificates.onFallback(() => server.setSecureContext(toFallback()))
  return withConnections(server)
}

function withConnections(server: Http2SecureServer): TlsServer {
  const sockets = new Set<Socket>()
  const sessions = new Set<ServerHttp2Session>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  server.on('session', session => {
    sessions.add(session)
    session.once('close', () => sessions.delete(session))
    // GOAWAY: streams that are open may take their time.
    session.setTimeout(idleMs, () => session.close())
  })
  const closeIdle = (server as TlsServer).closeIdleConnections
  return Object.assign(server, {
    closeIdleConnections(): void {
      closeIdle.call(server)
      for (const session of sessions) if (!session.closed) session.close()
    },
    closeAllConnections(): void {
      for (const socket of sockets) socket.destroy()
    }
  })
}
