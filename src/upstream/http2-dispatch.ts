/** One request to a target that speaks HTTP/2, as undici would tell it. */
import { type ClientHttp2Session, type ClientHttp2Stream, constants, type OutgoingHttpHeaders } from 'node:http2'
import type { Dispatcher } from 'undici'
import { withoutPseudoFields } from './inbound-http2.ts'
import { toTargetTrailers } from './request-trailers.ts'
import type { ReceivedFields } from './response-headers.ts'
import type { TargetRequest } from './target-request.ts'

/** What the body of a request has of a stream: `RequestBody` is one. */
export interface Http2Body {
  readonly destroyed: boolean
  /** Names and values in turn. Complete with `end`. */
  readonly rawTrailers: readonly string[]
  on(event: 'data', listener: (chunk: Buffer) => void): unknown
  on(event: 'end', listener: () => void): unknown
  pause(): unknown
  resume(): unknown
  destroy(): unknown
}

/** What the exchange says about the connection. */
export interface Http2Listener {
  /** The target kept silent for too long: the connection may be dead. */
  onSilence(): void
  /** The exchange is over, however it ended. Called once. */
  onClosed(): void
}

/** An error with a code that `failures.ts` knows. */
export function withCode(code: string, message: string, cause?: Error): NodeJS.ErrnoException {
  return Object.assign(new Error(message, { cause }), { code })
}

/** A stream of an HTTP/2 connection, in the interface of undici's controllers and handlers. */
export class Http2Exchange implements Dispatcher.DispatchController {
  readonly #handler: Dispatcher.DispatchHandler
  readonly #listener: Http2Listener
  #stream: ClientHttp2Stream | undefined
  #timer: NodeJS.Timeout | undefined
  #trailers: ReceivedFields = {}
  #reason: Error | null = null
  #paused = false
  #begun = false
  #wholeAnswer = false
  #isBodiless = false
  // Bytes of the answer's body that are still to come; NaN when only its end will tell.
  #missing = Number.NaN
  #done = false
  /** Whether the header section is the whole answer, as that of a gRPC call that failed. */
  endsWithHead = false

  constructor(handler: Dispatcher.DispatchHandler, listener: Http2Listener) {
    this.#handler = handler
    this.#listener = listener
  }

  /** Sends the request, unless the handler ends the exchange as it hears of it. What goes wrong is told to the handler. */
  start(session: ClientHttp2Session, options: Dispatcher.DispatchOptions): void {
    this.#handler.onRequestStart?.(this, {})
    if (this.#done) return this.#listener.onClosed()
    this.#isBodiless = options.method === 'HEAD'
    const body = (options.body ?? undefined) as Http2Body | undefined
    try {
      this.#stream = session.request(toHttp2Headers(options), { endStream: body === undefined, waitForTrailers: body !== undefined })
    } catch (error) {
      this.#fail(error as Error)
      return this.#listener.onClosed()
    }
    this.#listen(this.#stream)
    const silentMs = options.headersTimeout ?? 0
    if (silentMs > 0) this.#timer = setTimeout(() => this.#silent(), silentMs)
    if (body === undefined) this.#handler.onRequestSent?.()
    else this.#send(this.#stream, body, options)
  }

  get aborted(): boolean {
    return this.#reason !== null
  }

  get reason(): Error | null {
    return this.#reason
  }

  get paused(): boolean {
    return this.#paused
  }

  pause(): void {
    this.#paused = true
    this.#stream?.pause()
  }

  resume(): void {
    this.#paused = false
    this.#timer?.refresh()
    this.#stream?.resume()
  }

  abort(reason: Error): void {
    if (this.aborted || this.#done) return
    this.#reason = reason
    this.#fail(reason)
  }

  #listen(stream: ClientHttp2Stream): void {
    this.#watchEnd(stream)
    stream.on('headers', fields => this.#inform(fields))
    stream.on('response', (fields, flags) => this.#begin(stream, fields, flags))
    stream.on('trailers', fields => {
      this.#trailers = withoutPseudoFields(fields)
    })
    stream.on('error', error => this.#fail(toFailure(error, stream)))
    stream.on('close', () => {
      this.#fail(toFailure(undefined, stream))
      this.#listener.onClosed()
    })
  }

  #send(stream: ClientHttp2Stream, body: Http2Body, options: Dispatcher.DispatchOptions): void {
    body.on('data', (chunk: Buffer) => {
      this.#timer?.refresh()
      if (!stream.writable) return
      if (!stream.write(chunk)) body.pause()
    })
    body.on('end', () => {
      stream.end()
      this.#handler.onRequestSent?.()
    })
    stream.on('drain', () => {
      this.#timer?.refresh()
      if (!body.destroyed) body.resume()
    })
    // Also asked for by a stream that is reset before its end: node:http2 ends it first, and the target would take that for the whole.
    stream.on('wantTrailers', () => {
      if (!stream.closed) stream.sendTrailers(toTrailers(body, options as Partial<TargetRequest>))
    })
    // What is left of it is of no use to anybody.
    stream.once('close', () => body.destroy())
    body.resume()
  }

  // node:http2 ends a stream in the same way when the target sent its end and when it reset it with NO_ERROR (RFC 9113 section 8.1 has it
  // ask so for the rest of a request to be left out). Only the first may pass for a whole answer, and only then is the stream still open.
  #watchEnd(stream: ClientHttp2Stream): void {
    const push = stream.push
    stream.push = (chunk: unknown, encoding?: BufferEncoding) => {
      // While nobody reads, node:http2 tells of the end only when it closes the stream: then the length decides, where there is one.
      if (chunk === null && !stream.destroyed && (!stream.closed || stream.readableLength > 0)) this.#wholeAnswer = true
      return push.call(stream, chunk, encoding)
    }
  }

  #inform(headers: Readonly<Record<string, unknown>>): void {
    if (!this.#done) this.#handler.onResponseStart?.(this, Number(headers[constants.HTTP2_HEADER_STATUS]), withoutPseudoFields(headers), '')
  }

  #begin(stream: ClientHttp2Stream, headers: Readonly<Record<string, unknown>>, flags: number): void {
    if (this.#done) return
    this.#timer?.refresh()
    this.#begun = true
    this.#handler.onResponseStarted?.()
    const status = Number(headers[constants.HTTP2_HEADER_STATUS])
    const length = headers['content-length']
    if (length !== undefined && !this.#isBodiless && status !== 304) this.#missing = Number(length)
    this.endsWithHead = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0
    this.#tell(() => {
      this.#handler.onResponseStart?.(this, Number(headers[constants.HTTP2_HEADER_STATUS]), withoutPseudoFields(headers), '')
    })
    stream.on('data', (chunk: Buffer) => this.#take(chunk))
    stream.once('end', () => this.#end(stream))
  }

  #take(chunk: Buffer): void {
    if (this.#done) return
    this.#timer?.refresh()
    this.#missing -= chunk.length
    this.#tell(() => this.#handler.onResponseData?.(this, chunk))
  }

  #end(stream: ClientHttp2Stream): void {
    if (this.#done) return
    if (!this.#wholeAnswer || this.#missing > 0) return this.#fail(withCode('ECONNRESET', 'the target broke its answer off'))
    this.#settle()
    this.#handler.onResponseEnd?.(this, this.#trailers as Record<string, string>)
    // The target did not wait for the rest of the request: nor do we.
    if (!stream.writableEnded) stream.close(constants.NGHTTP2_NO_ERROR)
  }

  #silent(): void {
    // While the client does not take what the target has sent, the silence is its own.
    if (this.#paused) return void this.#timer?.refresh()
    this.#fail(withCode(this.#begun ? 'UND_ERR_BODY_TIMEOUT' : 'UND_ERR_HEADERS_TIMEOUT', 'the target kept silent'))
    this.#listener.onSilence()
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
    if (this.#done) return
    this.#settle()
    if (this.#stream?.closed === false) this.#stream.close(constants.NGHTTP2_CANCEL)
    // A stream that was paused would keep what it has, and never be closed.
    this.#stream?.resume()
    this.#handler.onResponseError?.(this, error)
  }

  #settle(): void {
    this.#done = true
    clearTimeout(this.#timer)
  }
}

/** Whether the answer that begins has no more than its header section. */
export function endsWithHead(controller: Dispatcher.DispatchController): boolean {
  return controller instanceof Http2Exchange && controller.endsWithHead
}

function toFailure(error: Error | undefined, { rstCode }: ClientHttp2Stream): Error {
  // RFC 9113 section 8.7: the target has not looked at the request.
  if (rstCode === constants.NGHTTP2_REFUSED_STREAM) return withCode('ECONNRESET', 'the target refused the stream', error)
  if (error !== undefined && 'code' in error) return error
  return withCode('ECONNRESET', 'the target broke the exchange off', error)
}

// Names that say the same in HTTP/2 by other means.
const replaced: ReadonlySet<string> = new Set(['host', 'connection', 'keep-alive', 'transfer-encoding', 'upgrade', 'http2-settings'])

function toHttp2Headers({ method, path, headers }: Dispatcher.DispatchOptions): OutgoingHttpHeaders {
  const list = headers as readonly string[]
  const fields: OutgoingHttpHeaders = Object.create(null)
  fields[constants.HTTP2_HEADER_METHOD] = method
  fields[constants.HTTP2_HEADER_PATH] = path
  for (let at = 0; at < list.length; at += 2) {
    const name = list[at]!
    if (name === 'host') fields[constants.HTTP2_HEADER_AUTHORITY] = list[at + 1]!
    else if (!replaced.has(name)) append(fields, name, list[at + 1]!)
  }
  return fields
}

function append(fields: OutgoingHttpHeaders, name: string, value: string): void {
  const before = fields[name]
  fields[name] = before === undefined ? value : [before as string | string[], value].flat()
}

// A request with a length has no rules for its trailers, and none of them is sent.
function toTrailers({ rawTrailers }: Http2Body, { special }: Partial<TargetRequest>): OutgoingHttpHeaders {
  const fields: OutgoingHttpHeaders = Object.create(null)
  if (special === undefined) return fields
  for (const [name, value] of toTargetTrailers(rawTrailers, special.trailerRules)) append(fields, name, value)
  return fields
}
