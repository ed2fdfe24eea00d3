/** One request to a target over `node:http`, told to a handler as undici would. */
import { type Agent, type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http'
import { type Dispatcher, errors } from 'undici'
import type { ReceivedFields } from './response-headers.ts'

/** What the body of a request has of a stream: `RequestBody` is one. */
export interface BodySource {
  on(event: 'data', listener: (chunk: Buffer) => void): unknown
  on(event: 'end', listener: () => void): unknown
  pause(): unknown
  /** Nothing is read of the client before this is called. */
  resume(): unknown
  destroy(): unknown
}

export interface NodeExchangeOptions {
  readonly path: string
  readonly method: string
  /** Names in lower case and values in turn, with what frames the body; without `expect` and `connection`. */
  readonly headers: readonly string[]
  readonly body: BodySource
  /** How long the target may take to answer once it has the request, in milliseconds. */
  readonly headersTimeout: number
  /** How long the target may pause in its answer, in milliseconds. */
  readonly bodyTimeout: number
  /** Whether the target is asked before the body is: `Expect: 100-continue`. */
  readonly expectContinue: boolean
  /** The trailers, asked for when the body has ended. Only with a chunked body. */
  readonly trailers?: (() => readonly [name: string, value: string][]) | undefined
}

/** What the exchange says about its connection. */
export interface NodeExchangeListener {
  /** It has one: its first, or one that was idle. Followed by `onRequestStart` of the handler. */
  onConnected(isFresh: boolean): void
  /** It is over, with or without an answer. `isOld`: the answer was one of HTTP/1.0. Called once. */
  onEnd(isOld: boolean): void
}

/** How long a target may leave the question open, in milliseconds: then it gets the body unasked (RFC 9110 section 10.1.1). */
const continueMs = 1_000

export class NodeExchange implements Dispatcher.DispatchController {
  readonly #options: NodeExchangeOptions
  readonly #handler: Dispatcher.DispatchHandler
  readonly #listener: NodeExchangeListener
  #request: ClientRequest | undefined
  #response: IncomingMessage | undefined
  #timer: NodeJS.Timeout | undefined
  #isAsking = false
  #ended = false
  aborted = false
  paused = false
  reason: Error | null = null
  rawHeaders: string[] | null = null
  rawTrailers: string[] | null = null

  constructor(options: NodeExchangeOptions, handler: Dispatcher.DispatchHandler, listener: NodeExchangeListener) {
    this.#options = options
    this.#handler = handler
    this.#listener = listener
  }

  /** Sends the header section, then the body: at once, or when the target has asked for it. */
  start(agent: Agent, asksFirst: boolean): void {
    const { path, method, headers } = this.#options
    try {
      const list = asksFirst ? [...headers, 'expect', '100-continue'] : headers
      this.#request = httpRequest({ agent, path, method, headers: list, setHost: false })
    } catch (error) {
      return this.#fail(error as Error)
    }
    this.#request
      .on('error', error => this.#fail(error))
      .on('information', ({ statusCode, rawHeaders }) => this.#inform(statusCode, rawHeaders))
      .on('response', response => this.#receive(response))
      // Not every end is told as an error, an upgrade that nobody asked for for one.
      .on('close', () => this.#response ?? this.#fail(new errors.SocketError('closed')))
      .once('socket', () => this.#onConnected(asksFirst))
      .flushHeaders()
  }

  abort(reason: Error): void {
    this.aborted = true
    this.reason = reason
    this.#fail(reason)
  }

  pause(): void {
    this.paused = true
    this.#response?.pause()
    clearTimeout(this.#timer)
  }

  resume(): void {
    this.paused = false
    this.#response?.resume()
    if (!this.#ended) this.#limit(this.#options.bodyTimeout, errors.BodyTimeoutError)
  }

  #onConnected(asksFirst: boolean): void {
    this.#listener.onConnected(!this.#request!.reusedSocket)
    this.#tell(() => this.#handler.onRequestStart?.(this, null))
    if (this.#ended) return
    this.#isAsking = asksFirst
    if (asksFirst) this.#timer = setTimeout(() => this.#ask(), continueMs)
    else if (this.#options.expectContinue) this.#ask()
    else this.#sendBody()
  }

  /** The target said nothing: the client is asked by us. */
  #ask(): void {
    this.#isAsking = false
    this.#tell(() => this.#handler.onResponseStart?.(this, 100, {}, ''))
    this.#sendBody()
  }

  #inform(status: number, rawHeaders: readonly string[]): void {
    if (this.#ended) return
    const isAnswer = status === 100 && this.#isAsking
    // A target that answers late: the client has been asked already.
    if (status === 100 && this.#options.expectContinue && !isAnswer) return
    this.#tell(() => this.#handler.onResponseStart?.(this, status, toFields(rawHeaders), ''))
    if (!isAnswer) return
    this.#isAsking = false
    clearTimeout(this.#timer)
    this.#sendBody()
  }

  #sendBody(): void {
    const { body, trailers, headersTimeout } = this.#options
    const request = this.#request!
    if (this.#ended || this.#response !== undefined) return
    request.on('drain', () => {
      if (!this.#ended) body.resume()
    })
    body.on('data', chunk => {
      if (!this.#ended && !request.write(chunk)) body.pause()
    })
    body.on('end', () => {
      if (this.#ended) return
      const list = trailers?.() ?? []
      if (list.length > 0) request.addTrailers(list)
      request.end()
      if (this.#response === undefined) this.#limit(headersTimeout, errors.HeadersTimeoutError)
    })
    body.resume()
  }

  #receive(response: IncomingMessage): void {
    if (this.#ended) return
    this.#response = response
    this.#isAsking = false
    this.rawHeaders = response.rawHeaders
    const status = response.statusCode!
    // A body where there can be none would be taken for the next answer.
    if (this.#options.method === 'HEAD' || status === 204 || status === 304) this.#request!.shouldKeepAlive = false
    this.#limit(this.#options.bodyTimeout, errors.BodyTimeoutError)
    response
      .on('error', error => this.#fail(error))
      .on('data', chunk => {
        this.#timer?.refresh()
        if (!this.#ended) this.#tell(() => this.#handler.onResponseData?.(this, chunk))
      })
      .on('end', () => this.#finish())
    this.#tell(() => this.#handler.onResponseStart?.(this, status, toFields(response.rawHeaders), response.statusMessage))
  }

  #finish(): void {
    if (this.#ended) return
    const response = this.#response!
    if (!response.complete) return this.#fail(new errors.SocketError('other side closed'))
    this.rawTrailers = response.rawTrailers
    this.#end()
    // The rest of a body that the target did not wait for would be read as the next request.
    if (!this.#request!.writableEnded) this.#request!.destroy()
    this.#handler.onResponseEnd?.(this, toFields(response.rawTrailers))
  }

  // As with undici: what the handler throws ends the exchange, and is told to it.
  #tell(call: () => void): void {
    try {
      call()
    } catch (error) {
      this.#fail(error as Error)
    }
  }

  #fail(error: Error): void {
    if (this.#ended) return
    this.#end()
    this.#request?.destroy()
    this.#handler.onResponseError?.(this, error)
  }

  #end(): void {
    this.#ended = true
    clearTimeout(this.#timer)
    this.#options.body.destroy()
    this.#listener.onEnd(this.#response?.httpVersionMinor === 0)
  }

  #limit(ms: number, Timeout: new () => Error): void {
    clearTimeout(this.#timer)
    this.#timer = ms === 0 ? undefined : setTimeout(() => this.#fail(new Timeout()), ms)
  }
}

/** Names in lower case; repeated fields as a list, none of them dropped. */
function toFields(raw: readonly string[]): ReceivedFields {
  const fields: Record<string, string | string[]> = Object.create(null)
  for (let at = 0; at < raw.length; at += 2) {
    const name = raw[at]!.toLowerCase()
    const value = raw[at + 1]!
    const before = fields[name]
    if (before === undefined) fields[name] = value
    else if (typeof before === 'string') fields[name] = [before, value]
    else before.push(value)
  }
  return fields as ReceivedFields
}
