/** Joins the WebSocket of a client with that of a target, so that each hears what the other says, as the other says it. */
import type { RawData, WebSocket } from 'ws'
import { Flow } from './websocket-flow.ts'

/** How long a side may take to answer a close before its connection is ended, in milliseconds. */
export const closeTimeoutMs = 5_000

export interface LinkOptions {
  /** Null is no limit. */
  readonly idleTimeoutMs: number | null
  /** How long a side may take nothing while the other waits for it, in milliseconds. */
  readonly stallMs: number
  /** Called for each message: true when it came from the client. */
  readonly onMessage: (fromClient: boolean, size: number) => void
  /** Called once, when both sides are closed. */
  readonly onEnd: () => void
}

/** A side of a link, and the flow that it writes from. */
interface Side {
  readonly socket: WebSocket
  /** Towards this side. */
  readonly flow: Flow
  /** What the other side is told when this one breaks the rules of the protocol. */
  readonly faultCode: number
  closed: boolean
}

export class WebSocketLink {
  /** From the client to the target. */
  readonly received: Flow
  /** From the target to the client. */
  readonly sent: Flow
  readonly #client: Side
  readonly #target: Side
  readonly #options: LinkOptions
  #idleTimer: NodeJS.Timeout | undefined

  /** Both sides are open; the target's is paused and is read from here on. */
  constructor(client: WebSocket, target: WebSocket, options: LinkOptions) {
    this.#options = options
    this.received = new Flow(client, options.stallMs, () => target.terminate())
    this.sent = new Flow(target, options.stallMs, () => client.terminate())
    // 1001: the client "went away". 1011: the target met "an unexpected condition" (RFC 6455 section 7.4.1).
    this.#client = { socket: client, flow: this.sent, faultCode: 1001, closed: false }
    this.#target = { socket: target, flow: this.received, faultCode: 1011, closed: false }
    if (options.idleTimeoutMs !== null) this.#idleTimer = setTimeout(() => this.close(1001, 'idle'), options.idleTimeoutMs)
    this.#join(this.#client, this.#target)
    this.#join(this.#target, this.#client)
    target.resume()
  }

  /** Begins the closing handshake with both sides. */
  close(code: number, reason: string): void {
    for (const { socket } of [this.#client, this.#target]) {
      socket.close(code, reason)
      // What is not read cannot answer.
      socket.resume()
    }
  }

  terminate(): void {
    this.#client.socket.terminate()
    this.#target.socket.terminate()
  }

  #join(from: Side, to: Side): void {
    const { socket } = from
    const fromClient = from === this.#client
    let isFaulty = false
    socket.on('message', (data, binary) => {
      this.#idleTimer?.refresh()
      const size = sizeOf(data)
      to.flow.count(size)
      this.#options.onMessage(fromClient, size)
      to.flow.write(size, done => to.socket.send(data, { binary }, done))
    })
    // Neither side answers pings of itself (`autoPong` is off): they are the other's to answer.
    socket.on('ping', data => {
      this.#idleTimer?.refresh()
      to.flow.write(data.length, done => to.socket.ping(data, undefined, done))
    })
    socket.on('pong', data => {
      this.#idleTimer?.refresh()
      to.flow.write(data.length, done => to.socket.pong(data, undefined, done))
    })
    // The side that broke the rules is told so by `ws`; `close` follows.
    socket.on('error', () => {
      isFaulty = true
    })
    socket.on('close', (code, reason) => {
      from.closed = true
      passOnClose(to, isFaulty ? from.faultCode : code, reason)
      if (to.closed) this.#end()
    })
  }

  #end(): void {
    clearTimeout(this.#idleTimer)
    this.received.end()
    this.sent.end()
    this.#options.onEnd()
  }
}

/** Closes a side as the other was closed. */
function passOnClose({ socket, flow, closed }: Side, code: number, reason: Buffer): void {
  if (closed) return
  // Without a close frame: the connection was cut, and so is this one, once what came before has left (RFC 6455 section 7.1.5).
  if (code === 1006) flow.flushed(closeTimeoutMs, () => socket.terminate())
  // A close frame without a code.
  else if (code === 1005) socket.close()
  else socket.close(code, reason)
  socket.resume()
}

/** Of a message, in bytes. */
export function sizeOf(data: RawData): number {
  if (Array.isArray(data)) return data.reduce((sum, part) => sum + part.length, 0)
  return data.byteLength
}
