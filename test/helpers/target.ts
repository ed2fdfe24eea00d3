/** Scripted targets: what a server may do wrong, done on purpose. */
import { EventEmitter, once } from 'node:events'
import { createServer as createHttpServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import type { Teardown } from './gateway.ts'
import { reset } from './reset.ts'

/** One connection that the gateway made. */
export class TargetConnection {
  readonly socket: Socket
  #received = ''
  readonly #changes = new EventEmitter()

  constructor(socket: Socket) {
    this.socket = socket
    socket.setEncoding('latin1')
    socket.on('data', (chunk: string) => {
      this.#received += chunk
      this.#changes.emit('change')
    })
    socket.on('close', () => this.#changes.emit('change'))
    socket.on('error', () => undefined)
  }

  /** Resolves with all that came, once it holds `text`. */
  async seen(text: string): Promise<string> {
    while (!this.#received.includes(text)) {
      if (this.socket.destroyed) throw new Error(`the gateway closed after: ${this.#received}`)
      await once(this.#changes, 'change')
    }
    return this.#received
  }

  /** Resolves with the header section of the next request and forgets it. */
  async head(): Promise<string> {
    const received = await this.seen('\r\n\r\n')
    const end = received.indexOf('\r\n\r\n') + 4
    this.#received = received.slice(end)
    return received.slice(0, end)
  }

  send(text: string): this {
    this.socket.write(text, 'latin1')
    return this
  }

  /** Ends the connection with RST. */
  reset(): void {
    this.socket.resetAndDestroy()
  }

  /** Resolves when the connection is gone. */
  async closed(): Promise<void> {
    if (!this.socket.destroyed) await once(this.socket, 'close')
  }
}

export interface RawTarget {
  readonly url: string
  readonly port: number
  /** How many connections there were. */
  readonly connections: number
  /** Stops to listen, and resets what is open. */
  stop(): Promise<void>
}

type Script = (connection: TargetConnection, index: number) => unknown

/** A target that runs `script` for each connection. What it throws ends the connection only: the gateway may leave at any time. */
export async function startRawTarget(t: Teardown, script: Script): Promise<RawTarget> {
  const sockets = new Set<Socket>()
  let connections = 0
  const server = createServer(socket => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    const index = connections++
    Promise.resolve(script(new TargetConnection(socket), index)).catch(() => socket.destroy())
  })
  const port = await listen(server)
  const stop = async (): Promise<void> => {
    if (!server.listening) return
    for (const socket of sockets) reset(socket)
    server.close()
    await once(server, 'close')
  }
  t.teardown(stop)
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    get connections() {
      return connections
    },
    stop
  }
}

export interface SeenRequest {
  readonly request: IncomingMessage
  readonly response: ServerResponse
}

export interface HttpTarget {
  readonly url: string
  readonly port: number
  /** Resolves with the next request that the target gets. */
  next(): Promise<SeenRequest>
}

/** A target on `node:http`; without a listener it answers 200 with an empty body. */
export async function startTarget(t: Teardown, listener: RequestListener = answerEmpty): Promise<HttpTarget> {
  const events = new EventEmitter()
  const server = createHttpServer((request, response) => {
    events.emit('request', { request, response })
    listener(request, response)
  })
  const port = await listen(server)
  t.teardown(() => {
    server.close()
    server.closeAllConnections()
  })
  return { url: `http://127.0.0.1:${port}`, port, next: async () => (await once(events, 'request'))[0] }
}

function answerEmpty(request: IncomingMessage, response: ServerResponse): void {
  request.resume()
  response.end()
}

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}
