/** Connections to one target that speaks HTTP/2: one, that carries many requests at once, and more only while it can take no more. */
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2'
import { connect as connectPlain, isIP, type Socket } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import type { Dispatcher } from 'undici'
import type { CompiledTls } from '../core/route.ts'
import { Http2Exchange, withCode } from './http2-dispatch.ts'
import type { TargetPool } from './target-pool.ts'
import { toTlsOptions } from './target-tls.ts'

/** Probes of the operating system, for peers that are gone without a word. */
const tcpKeepAliveMs = 15_000
/** How long the target may take to answer a ping, in milliseconds. */
const pongMs = 5_000
/** What a target may send ahead on one stream, and on one connection. */
const streamWindowBytes = 256 * 1024
const connectionWindowBytes = 1024 * 1024
/** RFC 9113 section 6.5.2: no fewer than this should be allowed; more than this many wait for nobody. */
const maxStreams = 1_000

const sessionOptions = {
  settings: { enablePush: false, initialWindowSize: streamWindowBytes },
  maxReservedRemoteStreams: 0,
  // What an HTTP/1.1 client repeats is the target's to judge. Node 24 knows it, its types do not.
  strictSingleValueFields: false
} as const

interface Waiting {
  readonly options: Dispatcher.DispatchOptions
  readonly handler: Dispatcher.DispatchHandler
}

/** One connection and what is under way on it. */
class Http2Connection {
  readonly session: ClientHttp2Session
  #streams = 0
  #suspect = false
  #retired = false
  readonly #onIdle: () => void

  constructor(session: ClientHttp2Session, onIdle: () => void) {
    this.session = session
    this.#onIdle = onIdle
    session.setLocalWindowSize(connectionWindowBytes)
    session.on('goaway', () => this.retire())
    // Each stream hears of it by itself.
    session.on('error', () => undefined)
  }

  get streams(): number {
    return this.#streams
  }

  /** Whether one more request may go this way. */
  get hasRoom(): boolean {
    const { session } = this
    if (this.#retired || this.#suspect || session.closed || session.destroyed) return false
    return this.#streams < Math.min(session.remoteSettings.maxConcurrentStreams ?? maxStreams, maxStreams)
  }

  send({ options, handler }: Waiting): void {
    this.#streams++
    const onClosed = (): void => {
      this.#streams--
      this.#onIdle()
    }
    new Http2Exchange(handler, { onClosed, onSilence: () => this.#probe() }).start(this.session, options)
  }

  /** Takes no more requests, and closes when those under way have ended. */
  retire(): void {
    this.#retired = true
    if (!this.session.closed) this.session.close()
  }

  // One request without an answer may be the target's business; a connection that does not answer a ping is dead.
  #probe(): void {
    const { session } = this
    if (this.#suspect || session.destroyed) return
    this.#suspect = true
    const dead = setTimeout(() => session.destroy(withCode('ECONNRESET', 'the target does not answer a ping')), pongMs)
    session.once('close', () => clearTimeout(dead))
    try {
      session.ping(() => {
        clearTimeout(dead)
        this.#suspect = false
      })
    } catch {
      // A ping is under way already, or the session has just ended: the timer decides.
    }
  }
}

/** The pool of one target. */
export class Http2Pool implements TargetPool {
  readonly connectMs: number
  readonly #origin: URL
  readonly #tls: CompiledTls | undefined
  readonly #connections = new Set<Http2Connection>()
  #waiting: Waiting[] = []
  #connecting = false
  #fresh = false
  #lastUsedMs = 0
  #closed: (() => void) | undefined

  constructor(origin: string, connectMs: number, tls?: CompiledTls) {
    this.connectMs = connectMs
    this.#origin = new URL(origin)
    this.#tls = tls
  }

  dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler, nowMs: number): void {
    this.#lastUsedMs = nowMs
    for (const connection of this.#connections) {
      if (connection.hasRoom) return connection.send({ options, handler })
    }
    this.#waiting.push({ options, handler })
    if (!this.#connecting) this.#connect()
  }

  get onFreshConnection(): boolean {
    return this.#fresh
  }

  dispatchOnce(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): void {
    this.dispatch(options, handler, this.#lastUsedMs)
  }

  isIdle(sinceMs: number): boolean {
    if (this.#lastUsedMs >= sinceMs || this.#connecting || this.#waiting.length > 0) return false
    return [...this.#connections].every(({ streams }) => streams === 0)
  }

  close(): Promise<void> {
    for (const connection of this.#connections) connection.retire()
    return new Promise(resolve => {
      this.#closed = resolve
      this.#checkClosed()
    })
  }

  #connect(): void {
    this.#connecting = true
    const socket = this.#open()
    const timer = setTimeout(() => socket.destroy(withCode('UND_ERR_CONNECT_TIMEOUT', 'no connection in time')), this.connectMs)
    const settle = (error?: Error): void => {
      clearTimeout(timer)
      socket.off('error', settle)
      this.#connecting = false
      if (error === undefined) this.#use(socket)
      else this.#failWaiting(error)
    }
    socket.once('error', settle)
    socket.once(this.#isTls ? 'secureConnect' : 'connect', () => {
      if (!this.#isTls || (socket as TLSSocket).alpnProtocol === 'h2') return settle()
      socket.destroy(withCode('ERR_HTTP2_NOT_OFFERED', 'the target does not speak HTTP/2'))
    })
  }

  get #isTls(): boolean {
    return this.#origin.protocol === 'https:'
  }

  #open(): Socket {
    const host = this.#origin.hostname.replace(/^\[|\]$/g, '')
    const address = {
      host,
      port: Number(this.#origin.port) || (this.#isTls ? 443 : 80),
      keepAlive: true,
      keepAliveInitialDelay: tcpKeepAliveMs
    }
    if (!this.#isTls) return connectPlain({ ...address, noDelay: true })
    // An address is no name for SNI (RFC 6066 section 3).
    const servername = this.#tls?.serverName ?? (isIP(host) === 0 ? host : '')
    const socket = connectTls({ ...address, servername, ALPNProtocols: ['h2'], ...toTlsOptions(this.#tls) })
    return socket.setNoDelay(true)
  }

  #use(socket: Socket): void {
    const session = connectHttp2(this.#origin, { ...sessionOptions, createConnection: () => socket })
    const connection = new Http2Connection(session, () => this.#checkClosed())
    this.#connections.add(connection)
    session.once('close', () => {
      this.#connections.delete(connection)
      this.#checkClosed()
    })
    this.#sendWaiting(connection)
  }

  #sendWaiting(connection: Http2Connection): void {
    const waiting = this.#waiting
    this.#waiting = []
    this.#fresh = true
    for (const one of waiting) {
      if (connection.hasRoom) connection.send(one)
      else this.#waiting.push(one)
    }
    this.#fresh = false
    if (this.#closed !== undefined) connection.retire()
    else if (this.#waiting.length > 0) this.#connect()
  }

  #failWaiting(error: Error): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const { handler } of waiting) handler.onResponseError?.(undefined as unknown as Dispatcher.DispatchController, error)
    this.#checkClosed()
  }

  #checkClosed(): void {
    if (this.#closed === undefined || this.#connecting || this.#connections.size > 0) return
    this.#closed()
  }
}
