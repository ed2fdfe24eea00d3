/** Everybody who waits until all instances follow a write, with one question to the store for all of them. */
import type { InstanceReport } from '../core/store.ts'
import { type Spread, spreadOf, type WrittenItems } from './spread.ts'

export interface SpreadWatchOptions {
  /** The reports that have not run out. May reject. */
  readonly ask: () => Promise<readonly InstanceReport[]>
  /** What this instance says of itself now. */
  readonly self: () => InstanceReport
  /** The reports as they were known last, for when nobody can be asked. */
  readonly known: () => readonly InstanceReport[]
}

/** A write takes two or three milliseconds to every instance, unless one is in trouble: then there is time. */
const eagerMs = 20
const eagerPauseMs = 2
const calmPauseMs = 10

interface Waiter {
  readonly written: WrittenItems
  readonly since: number
  spread: Spread
  readonly done: () => void
}

export class SpreadWatch {
  readonly #options: SpreadWatchOptions
  readonly #waiters = new Set<Waiter>()
  #isLooking = false
  #wake: () => void = () => {}

  constructor(options: SpreadWatchOptions) {
    this.#options = options
  }

  /** Resolves once no live instance is pending, or after `timeoutMs`. */
  wait(written: WrittenItems, timeoutMs: number): Promise<Spread> {
    const { self, known } = this.#options
    return new Promise(resolve => {
      const done = (): void => {
        clearTimeout(timer)
        this.#waiters.delete(waiter)
        resolve(waiter.spread)
      }
      const waiter: Waiter = { written, since: performance.now(), spread: spreadOf(written, self(), known()), done }
      const timer = setTimeout(done, timeoutMs)
      this.#waiters.add(waiter)
      this.#wake()
      if (!this.#isLooking) void this.#look()
    })
  }

  async #look(): Promise<void> {
    this.#isLooking = true
    while (this.#waiters.size > 0) {
      // Whoever comes while the store is asked is for the next time: the answer may not know an instance that has come since.
      const asking = [...this.#waiters]
      const reports = await this.#options.ask().catch(() => undefined)
      if (reports !== undefined) for (const waiter of asking) this.#judge(waiter, reports)
      if (this.#waiters.size > 0) await this.#pause()
    }
    this.#isLooking = false
  }

  #judge(waiter: Waiter, reports: readonly InstanceReport[]): void {
    waiter.spread = spreadOf(waiter.written, this.#options.self(), reports)
    if (waiter.spread.pending.length === 0) waiter.done()
  }

  async #pause(): Promise<void> {
    const now = performance.now()
    const isEager = [...this.#waiters].some(({ since }) => now - since < eagerMs)
    let timer: NodeJS.Timeout | undefined
    await new Promise<void>(resolve => {
      this.#wake = resolve
      timer = setTimeout(resolve, isEager ? eagerPauseMs : calmPauseMs)
    })
    clearTimeout(timer)
  }
}
