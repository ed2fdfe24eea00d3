/** Speaks HTTP to the JSON gateway of etcd (`/v3/…`), with one server at a time and the next one when that fails. */
import { Pool } from 'undici'
import { silenceMs, within } from './deadline.ts'

/** The servers of one etcd, and who logs in. */
export interface EtcdServers {
  /** `http://host:port` each. */
  readonly endpoints: readonly string[]
  /** '' when there is none. */
  readonly username: string
  readonly password: string
}

/** What etcd answered instead of a result. */
export class EtcdError extends Error {
  override readonly name = 'EtcdError'
  /** A status of gRPC. */
  readonly code: number
  constructor(message: string, code: number) {
    super(message)
    this.code = code
  }
}

/** Statuses of gRPC that are told apart. */
export const grpcStatus = { deadlineExceeded: 4, notFound: 5, outOfRange: 11, unavailable: 14 } as const

/** `read`: may be asked of the next server when there is no answer. `write`: only when it was certainly not sent. */
export type CallKind = 'read' | 'write'

export interface EtcdStream {
  /** One for each line. Ends, or throws, when the stream does. */
  readonly messages: AsyncIterable<unknown>
  close(): void
  /** Has the next server asked from now on, when that of the stream is still the one: for when it is found dead. */
  leave(): void
}

const connectionsPerServer = 16
/** A line of a stream longer than this is given up: what it tells is to be read otherwise. */
const maxLineBytes = 64 * 1024 * 1024

export class EtcdClient {
  readonly #address: EtcdServers
  readonly #pools: readonly { readonly name: string; readonly pool: Pool }[]
  #at = 0
  #token: Promise<string> | undefined

  constructor(address: EtcdServers) {
    this.#address = address
    this.#pools = address.endpoints.map(endpoint => ({
      name: new URL(endpoint).host,
      pool: new Pool(endpoint, { connections: connectionsPerServer, connect: { timeout: silenceMs }, headersTimeout: 0, bodyTimeout: 0 })
    }))
  }

  /** The answer to one call. Rejects within a second when there is none, with a message for a person. @throws {EtcdError} */
  async call(path: string, body: object, kind: CallKind): Promise<unknown> {
    return this.#withServer(kind, async (at, ms) => {
      const abort = new AbortController()
      try {
        return await within(ms, 'the server did not answer in time', this.#ask(at, path, body, abort.signal))
      } finally {
        abort.abort()
      }
    })
  }

  /** A call whose answer is a stream of messages. Rejects within a second when it is not begun. @throws {EtcdError} */
  async stream(path: string, body: object): Promise<EtcdStream> {
    return this.#withServer('read', async (at, ms) => {
      const abort = new AbortController()
      try {
        const response = await within(ms, 'the server did not answer in time', this.#send(at, path, body, abort.signal))
        if (response.statusCode !== 200) throw toError(await response.body.text(), response.statusCode)
        return {
          messages: lines(response.body, this.#pools[at]!.name),
          close: () => abort.abort(),
          leave: () => this.#leave(at)
        }
      } catch (error) {
        abort.abort()
        throw error
      }
    })
  }

  async close(): Promise<void> {
    await Promise.all(this.#pools.map(({ pool }) => pool.destroy()))
  }

  #leave(at: number): void {
    if (this.#at === at) this.#at = (at + 1) % this.#pools.length
  }

  async #withServer<T>(kind: CallKind, attempt: (at: number, ms: number) => Promise<T>): Promise<T> {
    const deadline = performance.now() + silenceMs
    for (let left = this.#pools.length; ; left -= 1) {
      const at = this.#at
      try {
        const ms = deadline - performance.now()
        // A silent server must leave time to ask another one.
        return await attempt(at, left > 1 && kind === 'read' ? ms / 2 : ms)
      } catch (error) {
        if (isAnswer(error)) throw error
        this.#leave(at)
        const mayRepeat = kind === 'read' || wasNotSent(error)
        if (!mayRepeat || left === 1 || performance.now() >= deadline) throw withServerName(error, this.#pools[at]!.name)
      }
    }
  }

  async #ask(at: number, path: string, body: object, signal: AbortSignal): Promise<unknown> {
    const { statusCode, body: answer } = await this.#send(at, path, body, signal)
    const text = await answer.text()
    if (statusCode !== 200) throw toError(text, statusCode)
    return JSON.parse(text)
  }

  async #send(at: number, path: string, body: object, signal: AbortSignal): Promise<Awaited<ReturnType<Pool['request']>>> {
    if (this.#address.username === '') return this.#post(at, path, body, signal, {})
    const authorization = await this.#login(at, signal)
    const response = await this.#post(at, path, body, signal, { authorization })
    if (response.statusCode === 200) return response
    const error = toError(await response.body.text(), response.statusCode)
    // Tokens run out, and all of them do when the users are changed.
    if (!/invalid auth token|revision in header is old/.test(error.message)) throw error
    this.#token = undefined
    return this.#post(at, path, body, signal, { authorization: await this.#login(at, signal) })
  }

  #post(at: number, path: string, body: object, signal: AbortSignal, headers: Record<string, string>): ReturnType<Pool['request']> {
    return this.#pools[at]!.pool.request({
      path,
      method: 'POST',
      // A member that lost its leader must say so, and not keep a watch waiting for ever.
      headers: { 'content-type': 'application/json', 'grpc-metadata-hasleader': 'true', ...headers },
      body: JSON.stringify(body),
      signal
    })
  }

  #login(at: number, signal: AbortSignal): Promise<string> {
    const { username: name, password } = this.#address
    this.#token ??= this.#post(at, '/v3/auth/authenticate', { name, password }, signal, {}).then(async ({ statusCode, body }) => {
      const text = await body.text()
      if (statusCode !== 200) throw toError(text, statusCode)
      return String((JSON.parse(text) as { token: unknown }).token)
    })
    this.#token.catch(() => (this.#token = undefined))
    return this.#token
  }
}

async function* lines(body: AsyncIterable<Buffer>, server: string): AsyncGenerator<unknown> {
  let parts: Buffer[] = []
  let length = 0
  try {
    for await (const chunk of body) {
      let from = 0
      for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, from)) {
        const line = Buffer.concat([...parts, chunk.subarray(from, end)])
        parts = []
        length = 0
        from = end + 1
        if (line.length > 0) yield JSON.parse(line.toString())
      }
      parts.push(chunk.subarray(from))
      length += chunk.length - from
      if (length > maxLineBytes) throw new Error('the server sent more than can be followed')
    }
  } catch (error) {
    throw withServerName(error, server)
  }
  throw new Error(`${server}: the server ended the stream`)
}

function toError(text: string, status: number): EtcdError {
  try {
    const { message, error, code } = JSON.parse(text) as { message?: unknown; error?: unknown; code?: unknown }
    return new EtcdError(String(message ?? error), typeof code === 'number' ? code : -1)
  } catch {
    return new EtcdError(`HTTP status ${status}`, -1)
  }
}

/** Whether another server would say the same. */
function isAnswer(error: unknown): boolean {
  const passing: readonly number[] = [grpcStatus.unavailable, grpcStatus.deadlineExceeded, -1]
  return error instanceof EtcdError && !passing.includes(error.code)
}

function wasNotSent(error: unknown): boolean {
  const codes = ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'UND_ERR_CONNECT_TIMEOUT']
  const reasons = error instanceof AggregateError ? error.errors : [error]
  return reasons.every(reason => codes.includes(String((reason as NodeJS.ErrnoException | undefined)?.code)))
}

function withServerName(error: unknown, name: string): Error {
  const reason = error instanceof AggregateError && error.message === '' ? error.errors[0] : error
  const message = reason instanceof Error ? reason.message : String(reason)
  return reason instanceof EtcdError ? new EtcdError(`${name}: ${message}`, reason.code) : new Error(`${name}: ${message}`)
}
