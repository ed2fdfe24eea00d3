/**
 * A link whose target may be lost and found again, for rules with `websocket.reconnect`: `@fastify/http-proxy` connects, pings and connects
 * anew (`wsReconnect`); this sees to it that nothing piles up meanwhile, that the codes of a close are true, and that no client is told of
 * the inside.
 */
import type { ClientRequest } from 'node:http'
import type { ClientOptions, RawData, WebSocket } from 'ws'
import { Flow } from './websocket-flow.ts'
import { connectOptions, socketOptions, type TargetRequest, toHeaders } from './websocket-handshake.ts'
import { type LinkOptions, sizeOf } from './websocket-link.ts'

type Listener = (...args: unknown[]) => void

interface SendOptions {
  readonly binary: boolean
}

/** What `@fastify/http-proxy` reads when a client has come; its names. */
export interface LibraryLinkOptions {
  readonly wsReconnect: Readonly<Record<string, number | boolean>>
  readonly wsHooks: {
    onConnect(context: unknown, source: unknown, target: WebSocket): void
    onReconnect(context: unknown, source: unknown, target: WebSocket): void
    onIncomingMessage(context: unknown, source: unknown, target: unknown, message: { readonly data: RawData }): void
  }
  readonly wsClientOptions: ClientOptions & { rewriteRequestHeaders(): object }
  findUpstream(): URL
}

/** Whether a target that closed with this code meant it. 1001 and 1012 say that it will be back, 1006 that it fell. */
function isFinal(code: number): boolean {
  return code !== 1001 && code !== 1006 && code !== 1012
}

/** "Bad Gateway" in IANA's registry of close codes. */
const targetLost = 1014

/** The client's side as the library sees it: it calls this `source`. */
export class ReconnectingLink {
  readonly received: Flow
  readonly sent: Flow
  /** Written by the library, too: whether a lost target is worth connecting to again. */
  isAlive = true
  readonly #client: WebSocket
  readonly #request: TargetRequest
  readonly #options: LinkOptions
  readonly #targets = new Set<WebSocket>()
  readonly #listeners = new Map<string, Listener>()
  #target: WebSocket | undefined
  // What the client sent while the target was lost: little, as it is not read meanwhile.
  #unsent: [data: RawData, options: SendOptions][] = []
  #idleTimer: NodeJS.Timeout | undefined
  #clientCode: number | undefined
  #targetCode: number | undefined

  constructor(client: WebSocket, request: TargetRequest, options: LinkOptions) {
    this.#client = client
    this.#request = request
    this.#options = options
    this.received = new Flow(client, options.stallMs, () => this.#target?.terminate())
    // Targets come and go: whichever there is, is held back.
    const target = { pause: () => this.#target?.pause(), resume: () => this.#target?.resume() }
    this.sent = new Flow(target, options.stallMs, () => client.terminate())
    const { idleTimeoutMs } = options
    if (idleTimeoutMs !== null) this.#idleTimer = setTimeout(() => this.close(1001, 'idle'), idleTimeoutMs)
    // Until there is a target to send to.
    client.pause()
    client.on('error', () => undefined).on('close', code => this.#leave(code))
  }

  /** How the library is to connect this client. */
  get libraryOptions(): LibraryLinkOptions {
    const { rule, target, fields } = this.#request
    const { attempts, intervalMs, decay, pingIntervalMs } = rule.websocket.reconnect!
    const connectMs = rule.timeouts.connect
    const resume = (_context: unknown, _source: unknown, found: WebSocket): void => this.#resume(found)
    return {
      wsReconnect: {
        pingInterval: pingIntervalMs,
        reconnectInterval: intervalMs,
        reconnectDecay: decay,
        maxReconnectionRetries: attempts,
        connectionTimeout: connectMs,
        reconnectOnClose: true,
        logs: false
      },
      wsHooks: {
        onConnect: resume,
        onReconnect: resume,
        onIncomingMessage: (_context, _source, _target, { data }) => this.#seen(this.received, true, sizeOf(data))
      },
      wsClientOptions: {
        ...socketOptions(rule.websocket),
        ...connectOptions(target),
        handshakeTimeout: connectMs,
        finishRequest: (message, found) => this.#watch(message, found),
        rewriteRequestHeaders: () => toHeaders(fields, [])
      },
      findUpstream: () => new URL(target.origin.replace(/^http/, 'ws'))
    }
  }

  get readyState(): number {
    return this.#client.readyState
  }

  get protocol(): string {
    return this.#client.protocol
  }

  /** For the library's link to a target; it takes the place of that to the target before, whose listeners the library leaves behind. */
  on(name: string, listener: Listener): this {
    const before = this.#listeners.get(name)
    if (before !== undefined) this.#client.off(name, before)
    this.#listeners.set(name, listener)
    this.#client.on(name, listener)
    return this
  }

  off(name: string, listener: Listener): this {
    this.#client.off(name, listener)
    return this
  }

  send(data: RawData, { binary }: SendOptions): void {
    const size = sizeOf(data)
    this.#seen(this.sent, false, size)
    this.sent.write(size, done => this.#client.send(data, { binary }, done))
  }

  ping(data: Buffer): void {
    this.sent.write(data.length, done => this.#client.ping(data, undefined, done))
  }

  pong(data: Buffer): void {
    this.sent.write(data.length, done => this.#client.pong(data, undefined, done))
  }

  /**
   * Called by the library with codes of its own where there was none and with texts of errors, which are not for the client; called by the
   * gateway with what it means.
   */
  close(code?: number, reason?: string | Buffer): void {
    const isOurs = typeof reason === 'string' && code === 1001
    this.isAlive = false
    if (isOurs) this.#target?.close(code, reason)
    if (isOurs || (code !== undefined && code === this.#targetCode)) this.#client.close(code, reason)
    else if (this.#targetCode === 1005) this.#client.close()
    else this.#client.close(targetLost)
    // What is not read cannot answer.
    this.#client.resume()
  }

  terminate(): void {
    this.isAlive = false
    for (const target of this.#targets) target.terminate()
    this.#client.terminate()
  }

  #seen(flow: Flow, fromClient: boolean, size: number): void {
    this.#idleTimer?.refresh()
    flow.count(size)
    this.#options.onMessage(fromClient, size)
  }

  /** A target is being connected to. Comes before the library listens to it. */
  #watch(message: ClientRequest, target: WebSocket): void {
    message.path = this.#request.path
    message.end()
    if (this.#clientCode !== undefined) return target.terminate()
    this.#targets.add(target)
    target.prependListener('close', code => {
      this.#targets.delete(target)
      this.#targetCode = code
      if (isFinal(code)) this.isAlive = false
      else this.#client.pause()
    })
    // The library leaves the answer unread, and the connection with it.
    target.prependListener('unexpected-response', (_request, answer) => {
      answer.on('error', () => undefined)
      target.terminate()
    })
    // It stops to listen to a target that it gave up, and an error that nobody hears would end the process.
    const removeAll = target.removeAllListeners.bind(target)
    target.removeAllListeners = () => {
      this.#targets.delete(target)
      return removeAll().on('error', () => undefined)
    }
    this.#tame(target)
  }

  #tame(target: WebSocket): void {
    const send = target.send.bind(target) as (data: RawData, options: SendOptions, done: () => void) => void
    const toTarget = (data: RawData, options: SendOptions): void => {
      if (target.readyState === target.OPEN) return this.received.write(sizeOf(data), done => send(data, options, done))
      this.#client.pause()
      this.#unsent.push([data, options])
    }
    const close = target.close.bind(target)
    // The library has codes of its own for a close without one (4005) and for none (4006).
    const closeTruly = (code?: number, reason?: string | Buffer): void => {
      if (code === 4005 && this.#clientCode === 1005) close()
      else if (code === 4006 && this.#clientCode === 1006) this.received.flushed(1_000, () => target.terminate())
      else close(code, reason)
    }
    Object.assign(target, { send: toTarget, close: closeTruly })
  }

  #resume(target: WebSocket): void {
    this.#target = target
    this.#targetCode = undefined
    if (this.sent.held) target.pause()
    const unsent = this.#unsent
    this.#unsent = []
    for (const [data, options] of unsent) target.send(data, options)
    if (!this.received.held) this.#client.resume()
  }

  #leave(code: number): void {
    this.#clientCode = code
    this.isAlive = false
    clearTimeout(this.#idleTimer)
    this.received.end()
    this.sent.end()
    this.#options.onEnd()
    for (const target of this.#targets) if (target.readyState === target.CONNECTING) target.terminate()
  }
}
