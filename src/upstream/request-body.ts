/** The body of a request on its way to the target. */
import { EventEmitter } from 'node:events'
import type { IncomingMessage } from 'node:http'
import type { Readable } from 'node:stream'
import { BodyTooLargeError, RequestTimeoutError, UpstreamTimeoutError } from '../errors.ts'
import { countBodyBytes } from './body-garbage.ts'
import { type ClientRate, RateWatch } from './client-rate.ts'
import { isCutOff } from './inbound-http2.ts'

export interface BodyLimits {
  /** Largest body, in bytes; null is no limit. */
  readonly maxBytes: number | null
  /** How long the target may leave us waiting before it takes more, in milliseconds. */
  readonly sendMs: number
  /** How long the client may leave us waiting for more, in milliseconds. */
  readonly clientStallMs: number
  /** How slow the client may be; undefined is no limit. */
  readonly clientRate?: ClientRate | undefined
}

/**
 * What hands the body to undici. Undici destroys the stream it is given when an exchange ends early, and destroying an IncomingMessage
 * destroys the client's connection with it. So undici gets this one: when it is destroyed, what is left of the body is read and dropped,
 * and an answer can still be sent. It holds nothing: pause and resume go through to the source. It has of a stream what undici's HTTP/1.1
 * client uses and no more, because a Readable of its own costs as much as a third of forwarding a request.
 */
export class RequestBody extends EventEmitter {
  readonly #source: IncomingMessage
  readonly #limits: BodyLimits
  readonly #onFault: (fault: Error) => void
  readonly #rate: RateWatch | undefined
  #timer: NodeJS.Timeout | undefined
  #attached = false
  #targetWaits = true
  #bytes = 0
  #destroyed = false

  /** `onFault` is called when the body is too large or one of the two ends stalls. The caller then ends the exchange. */
  constructor(source: IncomingMessage, limits: BodyLimits, onFault: (fault: Error) => void) {
    super()
    this.#source = source
    this.#limits = limits
    this.#onFault = onFault
    // A body that has come with its header section cannot be slow.
    this.#rate = limits.clientRate === undefined || source.complete ? undefined : new RateWatch(limits.clientRate, source)
  }

  get destroyed(): boolean {
    return this.#destroyed
  }

  /** This body in the type that undici asks for. */
  asStream(): Readable {
    return this as EventEmitter as Readable
  }

  /** The trailers of the request, names and values in turn. Complete with `end`. */
  get rawTrailers(): readonly string[] {
    return this.#source.rawTrailers
  }

  /** Called by undici while the target's connection takes no more. */
  pause(): this {
    this.#targetWaits = false
    this.#watch(this.#limits.sendMs)
    this.#source.pause()
    return this
  }

  /** Reads no more for now, with no time limit on anybody: there is no target to take it. */
  hold(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#source.pause()
  }

  /** Called by undici once it is connected, and when the target's connection takes more. */
  resume(): this {
    this.#targetWaits = true
    this.#rate?.begin(performance.now())
    this.#watch(this.#limits.clientStallMs)
    if (!this.#attached) this.#source.on('data', this.#onData).on('end', this.#onEnd)
    this.#attached = true
    this.#source.resume()
    return this
  }

  /** Undici takes what has this method for a stream; it reads by events. @throws always */
  pipe(): never {
    throw new Error('a request body is read by its events')
  }

  /** Never fails and never emits `error`: whoever destroys this knows why. */
  destroy(): this {
    if (this.#destroyed) return this
    this.#destroyed = true
    clearTimeout(this.#timer)
    this.#source.off('data', this.#onData).off('end', this.#onEnd)
    this.#source.resume()
    return this
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#bytes += chunk.length
    countBodyBytes(chunk.length)
    if (this.#limits.maxBytes !== null && this.#bytes > this.#limits.maxBytes) return this.#onFault(new BodyTooLargeError())
    if (this.#rate?.isTooSlow(chunk.length, performance.now())) return this.#onFault(new RequestTimeoutError())
    this.#timer?.refresh()
    this.emit('data', chunk)
  }

  readonly #onEnd = (): void => {
    clearTimeout(this.#timer)
    // The exchange is about to be cancelled: the target must not take what it has for the whole.
    if (isCutOff(this.#source)) return
    this.emit('end')
  }

  #watch(limitMs: number): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    // Usually a small body has come with its header section: then there is nothing of the client's to wait for.
    if (this.#targetWaits && this.#source.complete) return
    this.#timer = setTimeout(() => this.#onFault(this.#targetWaits ? new RequestTimeoutError() : new UpstreamTimeoutError()), limitMs)
  }
}
