/**
 * Sliding log: remembers when each request came, so that no span of one window's length ever holds more than `limit`. Exact, at eight bytes or
 * more for each request that is remembered. A changed limit holds at once: what has come, has come.
 */
import type { LimitCounter } from './counter.ts'
import type { LimitDecision } from './decision.ts'
import { type KeyBudget, KeyTable } from './key-table.ts'
import type { LimitSpec } from './spec.ts'
import { TimeRing } from './time-ring.ts'

const never = new TimeRing()

export class SlidingLog implements LimitCounter {
  readonly #rings: (TimeRing | undefined)[] = []
  readonly #table: KeyTable
  /** Of the widest window that was asked for. */
  #widestMs = 0

  constructor(budget: KeyBudget) {
    this.#table = new KeyTable(0, budget, slot => {
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
    const ring = cost === 0 ? this.#ringOf(key) : this.#usedRing(key, nowMs)
    if (windowMs > this.#widestMs) this.#widestMs = windowMs
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
  }

  giveBack(key: string): void {
    this.#ringOf(key).pop()
  }

  clear(): void {
    this.#table.clear()
  }

  #ringOf(key: string): TimeRing {
    const place = this.#table.find(key)
    return place === undefined ? never : this.#rings[place.slot]!
  }

  #usedRing(key: string, nowMs: number): TimeRing {
    const { slot } = this.#table.place(key)
    const known = this.#rings[slot]
    if (known !== undefined) return known
    const ring = new TimeRing()
    this.#rings[slot] = ring
    this.#forgetIdle(nowMs, ring)
    return ring
  }

  #forgetIdle(nowMs: number, added: TimeRing): void {
    for (let left = 2; left > 0; left--) {
      const { slot } = this.#table.oldest!
      const ring = this.#rings[slot]!
      if (ring === added || (ring.count > 0 && ring.at(ring.count - 1) > nowMs - this.#widestMs)) return
      this.#table.drop(slot)
    }
  }
}
