/**
 * Connections to one origin for the requests that undici cannot send: those that wait for 100 (Continue), and those with trailers. They
 * go over `node:http` and are told to the same handlers as undici's.
 */
import { Agent } from 'node:http'
import type { Duplex } from 'node:stream'
import type { buildConnector, Dispatcher } from 'undici'
import { NodeExchange, type NodeExchangeOptions } from './node-exchange.ts'

// As with undici's connections: below what servers commonly use (5 s). When a target names a shorter time, node:http keeps to that.
const idleMs = 4_000

export class NodePool {
  readonly #origin: string
  readonly #connect: buildConnector.connector
  readonly #agent: OriginAgent
  readonly #waiting: (() => void)[] = []
  #running = 0
  #isOld = false
  #onFreshConnection = false

  /** `connect` makes the connections: what it does about TLS and time holds here, too. */
  constructor(origin: string, connect: buildConnector.connector) {
    this.#origin = origin
    this.#connect = connect
    this.#agent = new OriginAgent(origin, connect, true)
  }

  /** Sends one request. Never throws: what goes wrong is told to `handler`. */
  dispatch(options: NodeExchangeOptions, handler: Dispatcher.DispatchHandler): void {
    this.#send(this.#agent, options, handler)
  }

  /** Sends one request on a connection made for it alone. */
  dispatchOnce(options: NodeExchangeOptions, handler: Dispatcher.DispatchHandler): void {
    this.#send(new OriginAgent(this.#origin, this.#connect, false), options, handler)
  }

  #send(agent: OriginAgent, options: NodeExchangeOptions, handler: Dispatcher.DispatchHandler): void {
    this.#running++
    const exchange = new NodeExchange(options, handler, {
      onConnected: isFresh => {
        this.#onFreshConnection = isFresh
      },
      onEnd: isOld => {
        this.#isOld = isOld
        this.#running--
        if (this.#running === 0) for (const resolve of this.#waiting.splice(0)) resolve()
      }
    })
    // RFC 9110 section 10.1.1: a target known to speak HTTP/1.0 only is not asked; it would not answer.
    exchange.start(agent, options.expectContinue && !this.#isOld)
  }

  /** Read in `onRequestStart`: whether the request is the first one on its connection, or else whether it came from the idle ones. */
  get onFreshConnection(): boolean {
    return this.#onFreshConnection
  }

  /** How many requests are under way. */
  get running(): number {
    return this.#running
  }

  /** Lets the requests under way end, then closes. */
  async close(): Promise<void> {
    if (this.#running > 0) await new Promise<void>(resolve => this.#waiting.push(resolve))
    this.#agent.destroy()
  }
}

/** Keeps connections by undici's connector, so that both ways to a target have the same rules for names, certificates and time. */
class OriginAgent extends Agent {
  readonly #connect: buildConnector.connector
  readonly #to: buildConnector.Options

  constructor(origin: string, connect: buildConnector.connector, keepAlive: boolean) {
    super({ keepAlive, timeout: idleMs })
    const { protocol, host, hostname, port } = new URL(origin)
    this.#connect = connect
    this.#to = { protocol, host, port, hostname: hostname.replace(/^\[|\]$/g, '') }
  }

  override createConnection(_options: unknown, callback: (error: Error | null, socket: Duplex) => void): undefined {
    this.#connect(this.#to, callback as buildConnector.Callback)
  }

  override keepSocketAlive(socket: Duplex): boolean {
    // It says whether the connection is kept; its type does not.
    const isKept = (super.keepSocketAlive(socket) as unknown) !== false
    if (isKept) socket.on('data', destroyUnasked)
    return isKept
  }

  override reuseSocket(socket: Duplex, request: Parameters<Agent['reuseSocket']>[1]): void {
    socket.off('data', destroyUnasked)
    super.reuseSocket(socket, request)
  }
}

// What a target sends on an idle connection would be taken for the answer to the next request.
function destroyUnasked(this: Duplex): void {
  this.destroy()
}
