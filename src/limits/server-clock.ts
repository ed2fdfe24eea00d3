/** So long the best that was heard counts; clocks do not drift apart by much in that time. */
const epochMs = 5_000
/** A server's clock that is behind by more than this has been set. */
const setBackMs = 1_000

/**
 * What a server's clock shows by now, at least: a time that it told, and what has passed since on a clock of our own that nobody sets.
 * Only used so that the server can refuse what comes too late; no count ever depends on it.
 */
export class ServerClock {
  /** How far the server is ahead of our clock. An answer is older than it looks, so the largest is nearest to the truth. */
  #aheadMs = -Infinity
  #aheadBeforeMs = -Infinity
  #sinceMs = 0

  /** @param serverUs what the server told, in microseconds */
  set(serverUs: number, nowMs: number): void {
    const aheadMs = serverUs / 1000 - nowMs
    if (aheadMs < Math.max(this.#aheadMs, this.#aheadBeforeMs) - setBackMs) {
      this.#aheadMs = aheadMs
      this.#aheadBeforeMs = aheadMs
    } else if (nowMs - this.#sinceMs > epochMs) {
      this.#aheadBeforeMs = this.#aheadMs
      this.#aheadMs = aheadMs
      this.#sinceMs = nowMs
    } else if (aheadMs > this.#aheadMs) this.#aheadMs = aheadMs
  }

  /** The last moment of something that may take `budgetMs` from now on, in microseconds; 0, which is none, while no time is known. */
  deadlineUs(budgetMs: number, nowMs: number): number {
    const aheadMs = Math.max(this.#aheadMs, this.#aheadBeforeMs)
    return aheadMs === -Infinity ? 0 : Math.ceil((nowMs + aheadMs + budgetMs) * 1000)
  }
}
