/** WebSocket targets and clients for tests, with the real `ws` package. */
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type ClientOptions, type ServerOptions, WebSocket, WebSocketServer } from 'ws'
import type { Teardown } from './gateway.ts'

export interface WebSocketTarget {
  /** `http://127.0.0.1:port` */
  readonly url: string
  readonly port: number
  /** The sockets that are open. */
  readonly open: ReadonlySet<WebSocket>
  /** The next socket that is opened, with its request. */
  next(): Promise<{ socket: WebSocket; request: IncomingMessage }>
}

/** A target that takes WebSockets and hands each to `onSocket`; by default what comes is sent back. */
export async function startWebSocketTarget(
  t: Teardown,
  onSocket: (socket: WebSocket, request: IncomingMessage) => void = echo,
  options: ServerOptions = {},
  port = 0
): Promise<WebSocketTarget> {
  const server = createServer()
  const sockets = new WebSocketServer({ ...options, server })
  sockets.on('connection', (socket, request) => {
    socket.on('error', () => undefined)
    onSocket(socket, request)
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    for (const socket of sockets.clients) socket.terminate()
    sockets.close()
    server.close()
    server.closeAllConnections()
  })
  const address = server.address() as AddressInfo
  const next = async () => {
    const [socket, request] = await once(sockets, 'connection')
    return { socket, request }
  }
  return { url: `http://127.0.0.1:${address.port}`, port: address.port, open: sockets.clients, next }
}

export function echo(socket: WebSocket): void {
  socket.on('message', (data, binary) => socket.send(data, { binary }))
}

/** An open client. Rejects with `RefusedError` when the handshake was answered otherwise. */
export async function openWebSocket(t: Teardown, url: string, protocols: string[] = [], options: ClientOptions = {}): Promise<WebSocket> {
  const socket = new WebSocket(url.replace(/^http/, 'ws'), protocols, options)
  t.teardown(() => socket.terminate())
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve)
    socket.once('error', reject)
    socket.once('unexpected-response', (_request, response) => void readRefusal(response).then(reject))
  })
  socket.on('error', () => undefined)
  return socket
}

/** How a handshake was refused. */
export class RefusedError extends Error {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string

  constructor(status: number, headers: IncomingHttpHeaders, body: string) {
    super(`refused with ${status}: ${body}`)
    this.status = status
    this.headers = headers
    this.body = body
  }

  /** Of the problem. */
  get code(): unknown {
    return JSON.parse(this.body).code
  }
}

async function readRefusal(response: IncomingMessage): Promise<RefusedError> {
  let body = ''
  for await (const chunk of response.setEncoding('utf8')) body += chunk
  return new RefusedError(response.statusCode!, response.headers, body)
}

/** How the handshake is refused. Rejects when it is not. */
export async function refusal(t: Teardown, url: string, protocols: string[] = [], options: ClientOptions = {}): Promise<RefusedError> {
  try {
    await openWebSocket(t, url, protocols, options)
  } catch (error) {
    if (error instanceof RefusedError) return error
    throw error
  }
  throw new Error('the WebSocket was opened')
}

/** The next message, as text. */
export async function nextMessage(socket: WebSocket): Promise<string> {
  const [data] = await once(socket, 'message')
  return String(data)
}

/** How the socket was closed. */
export async function closeOf(socket: WebSocket): Promise<[code: number, reason: string]> {
  const [code, reason] = await once(socket, 'close')
  return [code, String(reason)]
}
