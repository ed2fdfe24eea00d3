/** A target that does what the row at hand says and records every byte it gets. */
import { EventEmitter, once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { reset } from '../../helpers/reset.ts'
import type { Doing } from './row.ts'
import { type Message, readRequests, WireFault } from './strict-reader.ts'

/** The path of requests that belong to no row. */
export const sentinelPath = '/sentinel'
export const sentinelBody = 'sentinel'
const sentinelAnswer = `HTTP/1.1 200 OK\r\nX-From: target\r\nContent-Length: ${sentinelBody.length}\r\n\r\n${sentinelBody}`

/** One connection that the proxy made. */
export class WireConnection {
  readonly socket: Socket
  #received = ''
  // Where the first request begins that is not yet taken, and where the row at hand began.
  #taken = 0
  #mark = 0
  readonly #changes = new EventEmitter()

  constructor(socket: Socket) {
    this.socket = socket
    socket.setEncoding('latin1').setNoDelay(true)
    socket.on('data', (chunk: string) => {
      this.#received += chunk
      this.#changes.emit('change')
    })
    socket.on('error', () => undefined)
    for (const event of ['end', 'close']) socket.on(event, () => this.#changes.emit('change'))
  }

  /** What came since the row began. */
  get bytes(): string {
    return this.#received.slice(this.#mark)
  }

  mark(): void {
    this.#mark = this.#received.length
    this.#taken = this.#received.length
  }

  /** Resolves with the head of the request at hand. */
  async head(): Promise<string> {
    await this.seen('\r\n\r\n')
    return this.#waiting.slice(0, this.#waiting.indexOf('\r\n\r\n') + 4)
  }

  /** Resolves once what came of the request at hand holds `text`. Rejects when the proxy leaves before. */
  seen(text: string): Promise<void> {
    return this.#until(() => this.#waiting.includes(text))
  }

  /** Resolves with the request at hand once it is complete. Rejects when the proxy leaves before. @throws {WireFault} */
  async request(): Promise<Message> {
    await this.#until(() => readRequests(this.#waiting).messages.length > 0)
    return readRequests(this.#waiting).messages[0]!
  }

  /** Whatever came is done with: the next bytes are the next request's. */
  take(): void {
    this.#taken = this.#received.length
  }

  send(text: string): this {
    if (this.socket.writable) this.socket.write(text, 'latin1')
    return this
  }

  /** Ends the connection in good order, after what was sent. */
  end(): void {
    this.socket.end()
  }

  /** Ends the connection with RST. */
  reset(): void {
    reset(this.socket)
  }

  /** Resolves when the proxy has left. */
  async gone(): Promise<void> {
    while (!this.socket.readableEnded && !this.socket.destroyed) await once(this.#changes, 'change')
  }

  get #waiting(): string {
    return this.#received.slice(this.#taken)
  }

  async #until(holds: () => boolean): Promise<void> {
    while (!holds()) {
      if (this.socket.readableEnded || this.socket.destroyed) throw new Error('the proxy has left')
      await once(this.#changes, 'change')
    }
  }
}

/** What the target got while a row ran. */
export interface Record {
  readonly received: readonly Message[]
  readonly partial: readonly Message[]
  /** What was wrong with it; undefined when all is well-formed. */
  readonly fault: string | undefined
  /** Whether a connection had to be closed that the proxy may have taken for idle. */
  readonly closed: boolean
}

export class WireTarget {
  readonly #server: Server
  readonly #connections = new Set<WireConnection>()
  readonly #working = new Set<WireConnection>()
  #doing: Doing = () => undefined

  constructor(server: Server) {
    this.#server = server
    server.on('connection', socket => void this.#serve(new WireConnection(socket)))
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** From here on requests are those of one row. */
  begin(doing: Doing): void {
    this.#doing = doing
    for (const connection of this.#connections) {
      if (connection.socket.destroyed) this.#connections.delete(connection)
      connection.mark()
    }
  }

  /** The row is over: what it got. Connections that are in the middle of something are closed. */
  record(): Record {
    const received: Message[] = []
    const partial: Message[] = []
    let fault: string | undefined
    let closed = false
    for (const connection of this.#connections) {
      try {
        const { messages, part } = readRequests(connection.bytes)
        received.push(...messages.filter(({ target }) => target !== sentinelPath))
        if (part !== undefined) partial.push(part)
      } catch (error) {
        if (!(error instanceof WireFault)) throw error
        fault ??= `${error.message}, in ${JSON.stringify(connection.bytes.slice(0, 400))}`
      }
      if (fault === undefined && !this.#working.has(connection)) continue
      closed ||= !connection.socket.destroyed
      connection.socket.destroy()
    }
    return { received, partial, fault, closed }
  }

  async close(): Promise<void> {
    for (const { socket } of this.#connections) socket.destroy()
    this.#server.close()
    await once(this.#server, 'close')
  }

  async #serve(connection: WireConnection): Promise<void> {
    this.#connections.add(connection)
    try {
      for (;;) {
        const head = await connection.head()
        this.#working.add(connection)
        if (head.startsWith(`GET ${sentinelPath} `)) connection.send(sentinelAnswer)
        else await this.#doing(connection)
        connection.take()
        this.#working.delete(connection)
      }
    } catch {
      // The proxy left, as it may at any time, or sent what no server takes: `record` says which.
      connection.socket.destroy()
    }
  }
}

/** Listens on `port` of 127.0.0.1; 0 is any free one. */
export async function startWireTarget(port = 0): Promise<WireTarget> {
  const server = createServer({ allowHalfOpen: true })
  const target = new WireTarget(server)
  await once(server.listen(port, '127.0.0.1'), 'listening')
  return target
}
