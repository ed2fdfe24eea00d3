/**
 * How many requests a gateway may add to those of its clients: a share of them over the last ten seconds, so that a target in trouble is
 * not buried under repetitions. The idea is that of Finagle's RetryBudget; the window slides by whole seconds.
 */

/** The share of the requests that may be repeated. */
const share = 0.2
/** What a service of little traffic may repeat in any second. */
const perSecond = 3
const windowSeconds = 10
/** With fewer requests in the window, which is at least one second short of whole, `perSecond` is more than `share`. */
const quietRequests = (perSecond * (windowSeconds - 1)) / share

export class RetryBudget {
  readonly #requests = new Uint32Array(windowSeconds)
  readonly #retries = new Uint32Array(windowSeconds)
  #second = Number.NEGATIVE_INFINITY
  #requestsInWindow = 0
  #retriesInWindow = 0

  /** A client's request has come. `nowMs` is on any clock that does not go back; so it is below. */
  countRequest(nowMs: number): void {
    this.#requests[this.#slotAt(nowMs)]!++
    this.#requestsInWindow++
  }

  /** Whether one more request may be sent on behalf of a client; if so, it is counted. */
  take(nowMs: number): boolean {
    const slot = this.#slotAt(nowMs)
    if (!this.#hasShare() && !this.#isQuiet(slot)) return false
    this.#retries[slot]!++
    this.#retriesInWindow++
    return true
  }

  /** Whether nothing was counted in the window: the budget is as good as a new one. */
  isUnused(nowMs: number): boolean {
    this.#slotAt(nowMs)
    return this.#requestsInWindow === 0 && this.#retriesInWindow === 0
  }

  // What the first seconds of a storm were given while it was still quiet is held back here: over the whole of it the share is kept.
  #hasShare(): boolean {
    return this.#retriesInWindow + 1 <= this.#requestsInWindow * share - perSecond
  }

  #isQuiet(slot: number): boolean {
    return this.#requestsInWindow < quietRequests && this.#retries[slot]! < perSecond
  }

  /** The slot of this second, after those that have left the window were emptied. */
  #slotAt(nowMs: number): number {
    const second = Math.max(Math.floor(nowMs / 1_000), this.#second)
    const passed = Math.min(second - this.#second, windowSeconds)
    for (let step = 1; step <= passed; step++) this.#empty(slotOf(second - passed + step))
    this.#second = second
    return slotOf(second)
  }

  #empty(slot: number): void {
    this.#requestsInWindow -= this.#requests[slot]!
    this.#retriesInWindow -= this.#retries[slot]!
    this.#requests[slot] = 0
    this.#retries[slot] = 0
  }
}

function slotOf(second: number): number {
  return ((second % windowSeconds) + windowSeconds) % windowSeconds
}
