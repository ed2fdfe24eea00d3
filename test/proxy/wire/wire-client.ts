/** A client that sends bytes and records bytes. */
import { EventEmitter, once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { type Asked, type Reading, readResponses, WireFault } from './strict-reader.ts'

export class WireClient {
  readonly socket: Socket
  readonly #asked: Asked[]
  #received = ''
  #end: 'open' | 'ended' | 'reset' = 'open'
  readonly #changes = new EventEmitter()

  constructor(socket: Socket, asked: readonly Asked[]) {
    this.socket = socket
    this.#asked = [...asked]
    socket.setEncoding('latin1').setNoDelay(true)
    socket.on('data', (chunk: string) => {
      this.#received += chunk
      this.#changes.emit('change')
    })
    socket.on('error', () => {
      this.#end = 'reset'
    })
    socket.on('end', () => {
      if (this.#end === 'open') this.#end = 'ended'
      this.#changes.emit('change')
    })
    socket.on('close', () => {
      if (this.#end === 'open') this.#end = 'ended'
      this.#changes.emit('change')
    })
  }

  /** What came, one character per byte. */
  get received(): string {
    return this.#received
  }

  /** How the proxy ended the connection. */
  get end(): 'open' | 'ended' | 'reset' {
    return this.#end
  }

  /** Sends `text`, one byte per character. */
  send(text: string): this {
    if (this.socket.writable) this.socket.write(text, 'latin1')
    return this
  }

  /** Sends one more request than was announced. */
  ask(text: string, asked: Asked): void {
    this.#asked.push(asked)
    this.send(text)
  }

  /** Ends its own direction only. */
  halfClose(): void {
    this.socket.end()
  }

  reset(): void {
    this.socket.resetAndDestroy()
  }

  /** What came, read as answers. @throws {WireFault} */
  reading(): Reading {
    return readResponses(this.#received, this.#asked, this.#end === 'ended')
  }

  /** Resolves once `count` final answers came, or the connection ended, or what came is no HTTP. */
  answers(count: number): Promise<void> {
    return this.#until(() => countFinal(() => this.reading()) >= count)
  }

  /** Resolves once `text` came, or the connection ended. */
  seen(text: string): Promise<void> {
    return this.#until(() => this.#received.includes(text))
  }

  /** Resolves when the connection has ended. */
  ended(): Promise<void> {
    return this.#until(() => false)
  }

  async #until(holds: () => boolean): Promise<void> {
    while (this.#end === 'open' && !holds()) await once(this.#changes, 'change')
  }
}

function countFinal(read: () => Reading): number {
  try {
    return read().messages.filter(({ status }) => status >= 200).length
  } catch (error) {
    if (error instanceof WireFault) return Number.POSITIVE_INFINITY
    throw error
  }
}

export async function connectClient(port: number, asked: readonly Asked[]): Promise<WireClient> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  const client = new WireClient(socket, asked)
  await once(socket, 'connect')
  return client
}
