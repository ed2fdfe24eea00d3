/** One exchange with a target, as undici tells it. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Readable } from 'node:stream'
import type { Dispatcher } from 'undici'
import type { FlightFailure } from '../core/flight.ts'
import { idempotentMethods } from '../core/retry-policy.ts'
import type { FlightCall, TargetState } from '../core/target-state.ts'
import { RequestTimeoutError, UpstreamTimeoutError } from '../errors.ts'
import { countBodyBytes } from './body-garbage.ts'
import type { Cancellable, Exchange } from './exchange.ts'
import { codeOf, failureOf, isReset, toAnswer } from './failures.ts'
import type { AnswerSlot, Attempts, ForwardContext } from './forward-context.ts'
import { endsWithHead } from './http2-dispatch.ts'
import { addTrailers, breakOff, isHttp2, respond } from './inbound-http2.ts'
import { sendInterim } from './interim.ts'
import { linger } from './linger.ts'
import type { TargetPool } from './pools.ts'
import { type ReceivedFields, toClientHeaders, toClientTrailers } from './response-headers.ts'
import { addSticky } from './sticky.ts'

const reasonPhrase = /^[\t\x20-\x7e\x80-\xff]*$/

export class Forwarding implements Dispatcher.DispatchHandler, Cancellable {
  readonly #request: IncomingMessage
  readonly #reply: AnswerSlot
  readonly #response: ServerResponse
  readonly #exchange: Exchange
  readonly #context: ForwardContext
  #pool: TargetPool | undefined
  #options: Dispatcher.DispatchOptions | undefined
  #controller: Dispatcher.DispatchController | undefined
  #attempts: Attempts | undefined
  // Of the target; undefined when it has none, and when `#attempts` tell it what happens.
  #flight: TargetState | undefined
  // Of the breaker; as `#flight`.
  #call: FlightCall | undefined
  #dispatchedMs = 0
  // Of the answer; undefined until its head has come.
  #status: number | undefined
  #totalTimer: NodeJS.Timeout | undefined
  #stallTimer: NodeJS.Timeout | undefined
  // False after one retry, on a connection that was made for this request, and once the target has begun to answer.
  #mayRetry = true
  // Bytes of the answer's body still to come; NaN when only its end will tell.
  #expected = Number.NaN
  #done = false

  constructor(request: IncomingMessage, reply: AnswerSlot, exchange: Exchange, context: ForwardContext) {
    this.#request = request
    this.#reply = reply
    this.#response = reply.raw
    this.#exchange = exchange
    this.#context = context
  }

  /** Hands the request to the pool. `totalMs` limits the whole exchange from here on; null is no limit. */
  start(pool: TargetPool, options: Dispatcher.DispatchOptions, totalMs: number | null): void {
    this.#pool = pool
    this.#options = options
    this.#flight = this.#exchange.targetState
    this.#flight?.begin()
    this.#call = this.#exchange.breakerCall
    this.#call?.begin()
    if (totalMs !== null) this.#totalTimer = setTimeout(() => this.fail(new UpstreamTimeoutError(), 'timeout'), totalMs)
    this.#dispatchedMs = performance.now()
    pool.dispatch(options, this, this.#dispatchedMs)
  }

  /** As `start`, but `attempts` sends the requests; the answer that counts is adopted. */
  startAttempts(attempts: Attempts, totalMs: number | null): void {
    this.#attempts = attempts
    this.#mayRetry = false
    if (totalMs !== null) this.#totalTimer = setTimeout(() => this.fail(new UpstreamTimeoutError(), 'timeout'), totalMs)
  }

  /** The answer of this request, handed to its pool at `dispatchedMs`, is the one that counts: it is told next. */
  adopt(controller: Dispatcher.DispatchController, dispatchedMs: number): void {
    this.#controller = controller
    this.#dispatchedMs = dispatchedMs
  }

  /**
   * Ends the exchange with an error: as an answer when nothing was sent yet, otherwise by breaking the client's connection off.
   * @param failure what it says about the target
   */
  fail(error: Error, failure: FlightFailure = 'cancelled'): void {
    if (this.#done) return
    this.#exchange.error = codeOf(error).toLowerCase()
    this.cancel(failure)
    if (this.#response.headersSent) return this.#breakOff()
    // What a failed writeHead left behind.
    if (!isHttp2(this.#request)) this.#response.statusMessage = ''
    this.#reply.send(error)
  }

  /** Ends the exchange because of its request's body. A client that sends no more while it takes its answer is no reason. */
  failBody(fault: Error): void {
    if (!(fault instanceof RequestTimeoutError && this.#response.headersSent)) this.fail(fault)
  }

  /** Ends the upstream request, if it has not ended: nobody waits for its answer any more. */
  cancel(failure: FlightFailure = 'cancelled'): void {
    if (this.#done) return
    this.#end(failure)
    this.#attempts?.cancel(failure)
    this.#controller?.abort(new Error('cancelled'))
    // A request that undici has not begun to send would keep its body, and with it the client's connection, waiting.
    ;(this.#options?.body as Readable | null | undefined)?.destroy()
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    // Cancelled while it waited for a connection.
    if (this.#done) return controller.abort(new Error('cancelled'))
    this.#controller = controller
    if (this.#pool!.onFreshConnection) this.#mayRetry = false
  }

  onResponseStarted(): void {
    this.#mayRetry = false
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, fields: ReceivedFields, message = ''): void {
    if (this.#done) return
    if (status < 200) return sendInterim(this.#request, this.#response, status, fields)
    this.#exchange.upstreamMs = performance.now() - this.#dispatchedMs
    this.#status = status
    this.#call?.answered(status)
    const hasBody = this.#request.method !== 'HEAD' && status !== 204 && status !== 304 && !endsWithHead(controller)
    const length = fields['transfer-encoding'] === undefined ? fields['content-length'] : undefined
    const overHttp2 = isHttp2(this.#request)
    // With HTTP/2 trailers may follow a body of any length.
    if (hasBody && length !== undefined && !overHttp2) this.#expected = Number(length)
    const mayHaveTrailers = hasBody && (overHttp2 || (length === undefined && this.#request.httpVersionMinor === 1))
    const { id: requestId, limitFields, route } = this.#exchange
    const list = toClientHeaders({ status, fields, requestId, limitFields, mayHaveTrailers }, route!.rule.responseHeaders)
    if (this.#exchange.sticky !== undefined) addSticky(list, this.#exchange, this.#request)
    if (this.#context.draining) this.#response.shouldKeepAlive = false
    if (overHttp2) respond(this.#response, status, list, !hasBody)
    else this.#response.writeHead(status, reasonPhrase.test(message) ? message : '', list)
    // Only now: when writeHead refuses the target's fields, the error can still be answered.
    this.#reply.hijack()
    if (hasBody && this.#expected !== 0) process.nextTick(flushHead, this)
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#done) return
    this.#exchange.bytesSent += chunk.length
    countBodyBytes(chunk.length)
    this.#expected -= chunk.length
    // One write less: the last chunk of a body of known length ends the answer.
    if (this.#expected === 0) this.#finish(chunk)
    else if (!this.#response.write(chunk)) this.#waitForClient(controller)
  }

  onResponseEnd(_controller: Dispatcher.DispatchController, trailers: ReceivedFields): void {
    if (this.#done) return
    const overHttp2 = isHttp2(this.#request)
    if (overHttp2 || this.#response.chunkedEncoding) {
      const list = toClientTrailers(trailers)
      if (list !== undefined && overHttp2) addTrailers(this.#response, list)
      else if (list !== undefined) this.#response.addTrailers(list)
    }
    this.#finish()
  }

  onResponseError(_controller: Dispatcher.DispatchController | undefined, error: Error): void {
    if (this.#done) return
    if (this.#mayRetry && this.#isSafeToRepeat() && isReset(error)) return this.#retry()
    this.#exchange.upstreamError = codeOf(error)
    this.fail(toAnswer(error), failureOf(error, this.#controller !== undefined))
  }

  // The target closed an idle connection just as the request was written to it (RFC 9112 section 9.3.1).
  #retry(): void {
    this.#mayRetry = false
    this.#controller = undefined
    this.#pool!.dispatchOnce(this.#options!, this)
  }

  #isSafeToRepeat(): boolean {
    return this.#options!.body === null && idempotentMethods.has(this.#request.method!)
  }

  /** Sends the head of the answer when its body keeps us waiting. */
  flushHead(): void {
    if (!this.#done && this.#exchange.bytesSent === 0) this.#response.flushHeaders()
  }

  #waitForClient(controller: Dispatcher.DispatchController): void {
    // When the target has closed, undici hands out the rest without regard to the pause.
    if (controller.paused) return
    controller.pause()
    this.#stallTimer = setTimeout(() => this.fail(new RequestTimeoutError()), this.#context.clientStallMs)
    this.#response.once('drain', () => {
      clearTimeout(this.#stallTimer)
      controller.resume()
    })
  }

  #finish(lastChunk?: Buffer): void {
    this.#end()
    linger(this.#request, this.#response, this.#context.lingerMs)
    this.#response.end(lastChunk)
    if (!isHttp2(this.#request)) endWithin(this.#response, this.#context.clientStallMs)
  }

  #end(failure?: FlightFailure): void {
    this.#done = true
    this.#flight?.end(this.#status, failure, this.#exchange.upstreamMs, this.#dispatchedMs)
    this.#call?.end(this.#status, failure, this.#exchange.upstreamMs)
    clearTimeout(this.#totalTimer)
    clearTimeout(this.#stallTimer)
  }

  // Where the end of the connection ends the body, a plain close would look like the whole of it.
  #breakOff(): void {
    if (isHttp2(this.#request)) return breakOff(this.#response)
    const endsWithConnection = Number.isNaN(this.#expected) && !this.#response.chunkedEncoding
    const { socket } = this.#response
    // What has ended already cannot be reset: Node.js 24 would try for ever.
    if (endsWithConnection && socket?.writableEnded === false && !socket.destroyed) socket.resetAndDestroy()
    this.#response.destroy()
  }
}

// A client that takes none of what is left to send would hold its connection for ever. Usually nothing is left.
function endWithin(response: ServerResponse, stallMs: number): void {
  const { socket } = response
  if (socket === null || socket.writableLength === 0) return
  const timer = setTimeout(() => response.destroy(), stallMs)
  response.once('close', () => clearTimeout(timer))
}

// A target may think a while between the head and the body of its answer; usually both have come by now and this does nothing.
function flushHead(forwarding: Forwarding): void {
  forwarding.flushHead()
}
