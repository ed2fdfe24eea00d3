/** An HTTP client that sends exactly the bytes it is told to and shows exactly what came back. */
import { EventEmitter, once } from 'node:events'
import { connect as connectSocket, type Socket } from 'node:net'
import type { Teardown } from './gateway.ts'

export interface RawResponse {
  readonly status: number
  readonly reason: string
  /** In order, names in lower case. */
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: string
  readonly trailers: readonly (readonly [name: string, value: string])[]
  /** All values of a field, joined by `, `; undefined when absent. */
  header(name: string): string | undefined
  /** The body as JSON. */
  json<T = Record<string, unknown>>(): T
}

type Fields = [name: string, value: string][]

export class RawClient {
  readonly socket: Socket
  #received = Buffer.alloc(0)
  #state: 'open' | 'ended' | 'reset' = 'open'
  readonly #changes = new EventEmitter()

  constructor(socket: Socket) {
    this.socket = socket
    const change = (): void => void this.#changes.emit('change')
    socket.on('data', chunk => {
      this.#received = Buffer.concat([this.#received, chunk])
      change()
    })
    socket.on('error', () => {
      this.#state = 'reset'
    })
    socket.on('end', () => {
      if (this.#state === 'open') this.#state = 'ended'
      change()
    })
    socket.on('close', change)
  }

  /** Sends bytes; `\n` alone is written as it is. */
  send(data: string | Buffer): this {
    this.socket.write(data)
    return this
  }

  /** Sends a request with the lines given and a Host, and resolves with its answer. */
  async request(line: string, headers: readonly string[] = [], body = ''): Promise<RawResponse> {
    const hasHost = headers.some(header => /^host:/i.test(header))
    this.send([`${line} HTTP/1.1`, ...(hasHost ? [] : ['Host: example.com']), ...headers, '', body].join('\r\n'))
    return this.response(line.startsWith('HEAD '))
  }

  /** Everything that came and was not yet read as a response. */
  get pending(): string {
    return this.#received.toString('latin1')
  }

  /** Resolves once what came and was not yet read holds `text`. Rejects when the connection ends before. */
  async seen(text: string): Promise<void> {
    await this.#until(() => (this.pending.includes(text) ? true : undefined))
  }

  /** The next response. 1xx are responses of their own. Rejects when the connection ends before it is complete. */
  async response(toHead = false): Promise<RawResponse> {
    return this.#until(() => this.#take(toHead))
  }

  /** Resolves when the server has ended the connection: how, and what was not read. */
  async closed(): Promise<{ how: 'ended' | 'reset'; rest: string }> {
    while (this.#state === 'open' && !this.socket.destroyed) await once(this.#changes, 'change')
    return { how: this.#state === 'reset' ? 'reset' : 'ended', rest: this.pending }
  }

  #take(toHead: boolean): RawResponse | undefined {
    const text = this.#received.toString('latin1')
    const end = text.indexOf('\r\n\r\n')
    if (end === -1) return undefined
    const [statusLine = '', ...lines] = text.slice(0, end).split('\r\n')
    const [, status = '', reason = ''] = /^HTTP\/1\.[01] (\d{3}) ?(.*)$/.exec(statusLine) ?? []
    const headers = lines.map(toField)
    const content = this.#readBody(text.slice(end + 4), Number(status), headers, toHead)
    if (content === undefined) return undefined
    this.#received = this.#received.subarray(end + 4 + content.length)
    return toResponse(Number(status), reason, headers, content)
  }

  #readBody(rest: string, status: number, headers: Fields, toHead: boolean): Content | undefined {
    const header = (name: string) => headers.find(([key]) => key === name)?.[1]
    if (toHead || status < 200 || status === 204 || status === 304) return { body: '', trailers: [], length: 0 }
    if (header('transfer-encoding') === 'chunked') return dechunk(rest)
    const length = header('content-length')
    if (length !== undefined) return rest.length < Number(length) ? undefined : plain(rest.slice(0, Number(length)))
    return this.#state === 'open' ? undefined : plain(rest)
  }

  async #until<T>(look: () => T | undefined): Promise<T> {
    for (;;) {
      const found = look()
      if (found !== undefined) return found
      if (this.#state !== 'open' || this.socket.destroyed) throw new Error(`the connection ${this.#state} after: ${this.pending}`)
      await once(this.#changes, 'change')
    }
  }
}

interface Content {
  readonly body: string
  readonly trailers: Fields
  /** On the wire. */
  readonly length: number
}

function plain(body: string): Content {
  return { body, trailers: [], length: body.length }
}

function dechunk(text: string): Content | undefined {
  let at = 0
  let body = ''
  for (;;) {
    const lineEnd = text.indexOf('\r\n', at)
    if (lineEnd === -1) return undefined
    const size = Number.parseInt(text.slice(at, lineEnd), 16)
    at = lineEnd + 2
    if (size === 0) break
    if (text.length < at + size + 2) return undefined
    body += text.slice(at, at + size)
    at += size + 2
  }
  const trailers: Fields = []
  for (;;) {
    const lineEnd = text.indexOf('\r\n', at)
    if (lineEnd === -1) return undefined
    const line = text.slice(at, lineEnd)
    at = lineEnd + 2
    if (line === '') return { body, trailers, length: at }
    trailers.push(toField(line))
  }
}

function toField(line: string): [name: string, value: string] {
  const colon = line.indexOf(':')
  return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
}

function toResponse(status: number, reason: string, headers: Fields, { body, trailers }: Content): RawResponse {
  return {
    status,
    reason,
    headers,
    body,
    trailers,
    header: name => {
      const values = headers.filter(([key]) => key === name).map(([, value]) => value)
      return values.length === 0 ? undefined : values.join(', ')
    },
    json: () => JSON.parse(body)
  }
}

/** Connects; the connection ends with the test. */
export async function connect(t: Teardown, port: number, host = '127.0.0.1'): Promise<RawClient> {
  const socket = connectSocket({ port, host })
  const client = new RawClient(socket)
  t.teardown(() => socket.destroy())
  await once(socket, 'connect')
  return client
}
