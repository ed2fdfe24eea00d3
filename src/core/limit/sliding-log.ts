/**
 * Sliding log: remembers when each request came, so that no span of one window's length ever holds more than `limit`. Exact, at eight bytes or
 * more for each request that is remembered. A changed limit holds at once: what has come, has come.
 */
import type { LimitCounter } from './counter.ts'
import type { LimitDecision } from './decision.ts'
import { type KeyBudget, KeyTable, type Place } from './key-table.ts'
import type { LimitSpec } from './spec.ts'
import { TimeRing } from './time-ring.ts'

export class SlidingLog implements LimitCounter {
  /** Of the keys with more than one request. That of a key with one is a number in the table: most keys of a large table are seen once. */
  readonly #rings: (TimeRing | undefined)[] = []
  readonly #table: KeyTable
  #spare = new TimeRing()
  /** Of the widest window that was asked for. */
  #widestMs = 0

  constructor(budget: KeyBudget) {
    this.#table = new KeyTable(1, budget, slot => {
      this.#rings[slot] = undefined
    })
  }

  get size(): number {
    return this.#table.size
  }

  get evictions(): number {
    return this.#table.evictions
  }

  take(key: string, { limit, windowMs }: LimitSpec, nowMs: number, cost: number, out: LimitDecision): void {
    if (windowMs > this.#widestMs) this.#widestMs = windowMs
    const place = cost === 0 ? this.#table.find(key) : this.#table.place(key)
    const ring = this.#ringOf(place)
    ring.forgetUntil(nowMs - windowMs)
    const over = ring.count + (cost || 1) - limit
    const allowed = over <= 0
    if (allowed) for (let left = cost; left > 0; left--) ring.push(nowMs)
    const { count } = ring
    out.allowed = allowed
    out.limit = limit
    out.remaining = Math.max(0, limit - count)
    out.resetMs = count === 0 ? 0 : ring.at(count - 1) + windowMs - nowMs
    out.retryMs = allowed ? 0 : ring.at(Math.min(over, count) - 1) + windowMs - nowMs
    out.delayMs = 0
    if (place !== undefined) this.#keep(place, ring)
    if (cost > 0 && count === 1) this.#forgetIdle(nowMs)
  }

  giveBack(key: string): void {
    const place = this.#table.find(key)
    if (place === undefined) return
    const ring = this.#ringOf(place)
    ring.pop()
    this.#keep(place, ring)
  }

  clear(): void {
    this.#table.clear()
  }

  /** What came of a key. To be kept when it has changed. */
  #ringOf(place: Place | undefined): TimeRing {
    const known = place && this.#rings[place.slot]
    if (known !== undefined) return known
    const spare = this.#spare
    spare.clear()
    const only = place === undefined ? 0 : place.numbers[place.at]!
    if (only !== 0) spare.push(only - 1)
    return spare
  }

  #keep({ numbers, at, slot }: Place, ring: TimeRing): void {
    if (ring !== this.#spare) return
    if (ring.count < 2) {
      // 0 is none.
      numbers[at] = ring.count === 0 ? 0 : ring.at(0) + 1
      return
    }
    this.#rings[slot] = ring
    this.#spare = new TimeRing()
  }

  // Two for each that comes, so that the table follows what is in use.
  #forgetIdle(nowMs: number): void {
    for (let left = 2; left > 0 && this.#table.size > 1; left--) {
      const place = this.#table.oldest!
      const ring = this.#ringOf(place)
      if (ring.count > 0 && ring.at(ring.count - 1) > nowMs - this.#widestMs) return
      this.#table.drop(place.slot)
    }
  }
}
