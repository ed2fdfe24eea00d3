/** The body of a request on its way to the target. */
import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import { BodyTooLargeError, RequestTimeoutError, UpstreamTimeoutError } from '../errors.ts'

export interface BodyLimits {
  /** Largest body, in bytes; null is no limit. */
  readonly maxBytes: number | null
  /** How long the target may leave us waiting before it takes more, in milliseconds. */
  readonly sendMs: number
  /** How long the client may leave us waiting for more, in milliseconds. */
  readonly clientStallMs: number
}

/**
 * What hands the body to undici. Undici destroys the stream it is given when an exchange ends early, and destroying an IncomingMessage
 * destroys the client's connection with it. So undici gets this one: when it is destroyed, what is left of the body is read and dropped,
 * and an answer can still be sent. Holds no more than what the buffers of the two sockets ask for.
 */
export class RequestBody extends Readable {
  readonly #source: IncomingMessage
  readonly #limits: BodyLimits
  readonly #onFault: (fault: Error) => void
  #timer: NodeJS.Timeout | undefined
  #attached = false
  #targetWaits = true
  #bytes = 0

  /** `onFault` is called when the body is too large or one of the two ends stalls. The caller then ends the exchange. */
  constructor(source: IncomingMessage, limits: BodyLimits, onFault: (fault: Error) => void) {
    super()
    this.#source = source
    this.#limits = limits
    this.#onFault = onFault
  }

  override _read(): void {
    if (!this.#attached) {
      this.#attached = true
      this.#source.on('data', this.#onData)
      this.#source.on('end', this.#onEnd)
    }
    this.#source.resume()
  }

  // Undici pauses its body exactly while the target's connection takes no more.
  override pause(): this {
    this.#targetWaits = false
    this.#watch(this.#limits.sendMs)
    return super.pause()
  }

  override resume(): this {
    this.#targetWaits = true
    this.#watch(this.#limits.clientStallMs)
    return super.resume()
  }

  /** Never fails and never emits `error`: whoever destroys this stream knows why. */
  override _destroy(_error: Error | null, callback: () => void): void {
    clearTimeout(this.#timer)
    this.#source.off('data', this.#onData)
    this.#source.off('end', this.#onEnd)
    this.#source.resume()
    callback()
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#bytes += chunk.length
    if (this.#limits.maxBytes !== null && this.#bytes > this.#limits.maxBytes) return this.#onFault(new BodyTooLargeError())
    if (this.#targetWaits) this.#timer?.refresh()
    if (!this.push(chunk)) this.#source.pause()
  }

  readonly #onEnd = (): void => {
    if (this.#targetWaits) clearTimeout(this.#timer)
    this.push(null)
  }

  #watch(limitMs: number): void {
    clearTimeout(this.#timer)
    if (this.#targetWaits && this.#source.readableEnded) return
    this.#timer = setTimeout(() => this.#onFault(this.#targetWaits ? new RequestTimeoutError() : new UpstreamTimeoutError()), limitMs)
  }
}
