/** One kept connection that takes one request after the other, with as little of its own in the way as can be. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

export interface HotAnswer {
  readonly status: number
  readonly body: string
}

export class HotConnection {
  readonly #socket: Socket
  #received = ''
  #settle: { resolve(answer: HotAnswer): void; reject(error: Error): void } | undefined

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.setEncoding('latin1')
    socket.on('data', text => this.#take(String(text)))
    socket.on('error', error => this.#fail(error))
    socket.on('close', () => this.#fail(new Error('the connection was closed')))
  }

  static async open(port: number): Promise<HotConnection> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    await once(socket, 'connect')
    return new HotConnection(socket)
  }

  /** Sends a whole request and resolves with its answer, which must say how long it is. One at a time. */
  send(request: string): Promise<HotAnswer> {
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject }
      this.#socket.write(request)
    })
  }

  close(): void {
    this.#socket.destroy()
  }

  #take(text: string): void {
    this.#received += text
    const end = this.#received.indexOf('\r\n\r\n')
    if (end === -1) return
    const head = this.#received.slice(0, end)
    const length = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1])
    if (!Number.isInteger(length)) return this.#fail(new Error(`an answer that does not say how long it is: ${head}`))
    if (this.#received.length < end + 4 + length) return
    const body = this.#received.slice(end + 4)
    this.#received = ''
    const settle = this.#settle
    this.#settle = undefined
    settle?.resolve({ status: Number(head.slice(9, 12)), body })
  }

  #fail(error: Error): void {
    this.#settle?.reject(error)
    this.#settle = undefined
  }
}

/** The bytes of a request. */
export function requestOf(method: string, path: string, body?: unknown): string {
  if (body === undefined) return `${method} ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n`
  const text = JSON.stringify(body)
  return `${method} ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`
}
