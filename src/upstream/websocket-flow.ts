/** One direction of a WebSocket through the gateway: what went by, and no more of it in memory than may be. */
import type { WebSocket } from 'ws'
import type { Traffic } from './connections.ts'

/** With more than this waiting to be written, nothing more is read from the other side. Bytes. */
const highBytes = 262_144

/** What a message costs beside its content: many small ones are not free. Bytes. */
const overheadBytes = 64

export class Flow implements Traffic {
  messages = 0
  bytes = 0
  readonly #from: Pick<WebSocket, 'pause' | 'resume'>
  readonly #stallMs: number
  readonly #onStall: () => void
  #waitingBytes = 0
  #held = false
  #timer: NodeJS.Timeout | undefined
  #onFlushed: (() => void) | undefined

  /** `onStall` is called when the reader took nothing for `stallMs` although it was waited for. */
  constructor(from: Pick<WebSocket, 'pause' | 'resume'>, stallMs: number, onStall: () => void) {
    this.#from = from
    this.#stallMs = stallMs
    this.#onStall = onStall
  }

  /** Whether `from` is not read because the reader is slow. */
  get held(): boolean {
    return this.#held
  }

  count(size: number): void {
    this.messages++
    this.bytes += size
  }

  /** Writes something of `size` bytes; `write` is given what to call once it has left, or cannot any more. */
  write(size: number, write: (done: () => void) => void): void {
    const cost = size + overheadBytes
    this.#waitingBytes += cost
    write(() => this.#leave(cost))
    if (this.#waitingBytes > highBytes && !this.#held) this.#hold()
  }

  /** Calls `then` once all that was written has left, or after `limitMs`. */
  flushed(limitMs: number, then: () => void): void {
    if (this.#waitingBytes === 0) return then()
    clearTimeout(this.#timer)
    this.#onFlushed = then
    this.#timer = setTimeout(then, limitMs)
  }

  /** Nothing is held back and no timer runs from here on. */
  end(): void {
    clearTimeout(this.#timer)
    this.#onFlushed = undefined
  }

  #hold(): void {
    this.#held = true
    this.#from.pause()
    this.#timer = setTimeout(this.#onStall, this.#stallMs)
  }

  #leave(cost: number): void {
    this.#waitingBytes -= cost
    if (this.#onFlushed !== undefined) {
      if (this.#waitingBytes > 0) return
      const then = this.#onFlushed
      this.end()
      return then()
    }
    if (!this.#held) return
    if (this.#waitingBytes > highBytes / 2) return void this.#timer?.refresh()
    this.#held = false
    clearTimeout(this.#timer)
    this.#from.resume()
  }
}
