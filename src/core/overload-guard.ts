/** Whether the process is out of breath, judged by readings that somebody else takes. No clock and no timer of its own. */

/** What is measured of the process. */
export interface Reading {
  /** How late the event loop comes to its timers, on average since the last reading, in milliseconds. */
  readonly eventLoopDelayMs: number
  /** The JavaScript heap in use, in percent of what it may grow to. */
  readonly heapPercent: number
}

/** Above these, new requests are refused; 0 is no limit. */
export interface GuardLimits {
  readonly maxEventLoopDelayMs: number
  readonly maxHeapPercent: number
}

/** What there is too much of. */
export type Strain = 'event_loop' | 'heap'

/** Over the limit so many times in a row: one long pause, as a garbage collection or a stopped process makes it, is no overload. */
const readingsToBegin = 2
/** Below this part of the limit it ends, and not earlier than so long after the last reading above: it shall not flap. */
const endsBelow = 0.8
const holdMs = 1_000

/** One limit with its memory. */
class Threshold {
  readonly #limit: number
  #timesOver = 0
  #lastOverMs = 0
  #isOver = false

  constructor(limit: number) {
    this.#limit = limit
  }

  /** Whether it is over the limit, this reading included. */
  record(value: number, nowMs: number): boolean {
    if (this.#limit === 0) return false
    if (value > this.#limit) {
      this.#timesOver++
      this.#lastOverMs = nowMs
      this.#isOver ||= this.#timesOver >= readingsToBegin
      return this.#isOver
    }
    this.#timesOver = 0
    if (value <= this.#limit * endsBelow && nowMs - this.#lastOverMs >= holdMs) this.#isOver = false
    return this.#isOver
  }
}

export class OverloadGuard {
  readonly #eventLoop: Threshold
  readonly #heap: Threshold
  #strain: Strain | undefined

  constructor({ maxEventLoopDelayMs, maxHeapPercent }: GuardLimits) {
    this.#eventLoop = new Threshold(maxEventLoopDelayMs)
    this.#heap = new Threshold(maxHeapPercent)
  }

  /** Why new requests are refused now; undefined when they are not. */
  get strain(): Strain | undefined {
    return this.#strain
  }

  /** @param nowMs on a clock that only goes forward */
  record({ eventLoopDelayMs, heapPercent }: Reading, nowMs: number): void {
    const isLate = this.#eventLoop.record(eventLoopDelayMs, nowMs)
    const isFull = this.#heap.record(heapPercent, nowMs)
    this.#strain = isFull ? 'heap' : isLate ? 'event_loop' : undefined
  }
}
