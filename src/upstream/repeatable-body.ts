/** The body of a request that may be sent more than once: what has gone out is kept, up to a bound, while the rest still streams. */
import { EventEmitter } from 'node:events'
import type { Readable } from 'node:stream'
import type { RequestBody } from './request-body.ts'

/** How much of a body is kept, in bytes. A longer one cannot be sent again once that much of it has gone out. */
export const keptBytes = 65_536

export class RepeatableBody {
  readonly #feed: RequestBody
  // Undefined once nobody can ask for them any more.
  #kept: Buffer[] | undefined = []
  #keptLength = 0
  #isWhole = false
  #isCommitted = false
  #reader: BodyReader | undefined

  constructor(feed: RequestBody) {
    this.#feed = feed
    feed.on('data', chunk => this.#onData(chunk)).on('end', () => this.#onEnd())
  }

  /** Whether all that came so far can be sent again. */
  get isRepeatable(): boolean {
    return this.#kept !== undefined
  }

  /** The body from its beginning, for undici. Whoever had it before gets no more of it. */
  open(): Readable {
    this.#reader?.destroy()
    this.#reader = new BodyReader(this, this.#feed)
    return this.#reader as EventEmitter as Readable
  }

  /** It will not be sent again: whoever has it now gets the rest, and nothing is kept for others. */
  commit(): void {
    this.#isCommitted = true
    // The one who has it may still be at what came before.
    if (this.#reader === undefined || this.#reader.isLive) this.#kept = undefined
  }

  /** What is left of it is read and dropped. */
  destroy(): void {
    this.commit()
    this.#kept = undefined
    this.#reader = undefined
    this.#feed.destroy()
  }

  /** Chunk number `index` of those that are kept. */
  keptChunk(index: number): Buffer | undefined {
    return this.#kept?.[index]
  }

  /** Whether everything that the client will send has come. */
  get isWhole(): boolean {
    return this.#isWhole
  }

  /** Called by a reader that takes no more. */
  release(reader: BodyReader): void {
    if (reader !== this.#reader) return
    this.#reader = undefined
    if (this.#isCommitted) this.#feed.destroy()
    else this.#feed.hold()
  }

  #onData(chunk: Buffer): void {
    if (this.#kept !== undefined) this.#keep(chunk, this.#kept)
    this.#reader?.take(chunk)
  }

  #keep(chunk: Buffer, kept: Buffer[]): void {
    this.#keptLength += chunk.length
    kept.push(chunk)
    // The feed only flows for a reader that is up to date.
    if (this.#isCommitted || this.#keptLength > keptBytes) this.#kept = undefined
  }

  #onEnd(): void {
    this.#isWhole = true
    this.#reader?.end()
  }
}

/** One way through the body. Of a stream it has what undici uses, as `RequestBody`. */
class BodyReader extends EventEmitter {
  readonly #body: RepeatableBody
  readonly #feed: RequestBody
  /** How many of the kept chunks were handed out. */
  #at = 0
  #isFlowing = false
  #isScheduled = false
  #hasEnded = false
  #destroyed = false
  /** Whether all that was kept was handed out: what comes now comes from the client. */
  isLive = false

  constructor(body: RepeatableBody, feed: RequestBody) {
    super()
    this.#body = body
    this.#feed = feed
  }

  get destroyed(): boolean {
    return this.#destroyed
  }

  /** The trailers of the request, names and values in turn. Complete with `end`. */
  get rawTrailers(): readonly string[] {
    return this.#feed.rawTrailers
  }

  pause(): this {
    this.#isFlowing = false
    if (!this.#destroyed) this.#feed.pause()
    return this
  }

  // Not at once: undici calls it before it has attached all of its listeners.
  resume(): this {
    if (this.#destroyed) return this
    this.#isFlowing = true
    if (this.isLive && !this.#body.isWhole) this.#feed.resume()
    else if (!this.#isScheduled) {
      this.#isScheduled = true
      process.nextTick(handOut, this)
    }
    return this
  }

  /** Undici takes what has this method for a stream; it reads by events. @throws always */
  pipe(): never {
    throw new Error('a request body is read by its events')
  }

  destroy(): this {
    if (this.#destroyed) return this
    this.#destroyed = true
    this.#body.release(this)
    return this
  }

  /** A chunk has come that this reader is the first to get. */
  take(chunk: Buffer): void {
    this.#at++
    this.emit('data', chunk)
  }

  /** The client has sent everything. */
  end(): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    this.emit('end')
  }

  /** Goes through what is kept, then on with what comes. */
  handOut(): void {
    this.#isScheduled = false
    while (this.#isFlowing && !this.#destroyed) {
      const chunk = this.#body.keptChunk(this.#at)
      if (chunk === undefined) return this.#catchUp()
      this.#at++
      this.emit('data', chunk)
    }
  }

  #catchUp(): void {
    this.isLive = true
    if (!this.#body.isWhole) return void this.#feed.resume()
    // No time limit any more: the target has all of it.
    this.#feed.hold()
    this.end()
  }
}

function handOut(reader: BodyReader): void {
  reader.handOut()
}
