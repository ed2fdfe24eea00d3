/** Concurrency: at most `limit` requests in flight at once. Each that was let through must be given back, once, when it has ended. */
import type { LimitCounter } from './counter.ts'
import type { LimitDecision } from './decision.ts'
import type { LimitSpec } from './spec.ts'

export class Concurrency implements LimitCounter {
  /** A key is known as long as one of its requests is in flight, so these are never too many. */
  readonly #inFlight = new Map<string, number>()
  readonly evictions = 0

  get size(): number {
    return this.#inFlight.size
  }

  take(key: string, { limit }: LimitSpec, _nowMs: number, cost: number, out: LimitDecision): void {
    const before = this.#inFlight.get(key) ?? 0
    const allowed = before + (cost || 1) <= limit
    const after = allowed ? before + cost : before
    if (after > before) this.#inFlight.set(key, after)
    out.allowed = allowed
    out.limit = limit
    out.remaining = Math.max(0, limit - after)
    // When one ends, nobody knows.
    out.resetMs = 0
    out.retryMs = 0
    out.delayMs = 0
  }

  giveBack(key: string): void {
    const before = this.#inFlight.get(key) ?? 0
    if (before > 1) this.#inFlight.set(key, before - 1)
    else this.#inFlight.delete(key)
  }

  clear(): void {
    this.#inFlight.clear()
  }
}
