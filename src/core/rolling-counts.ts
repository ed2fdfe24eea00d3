/** Counts of requests over a rolling window, kept in tenths of it: what is older than the window by less than a tenth may still count. */

const slices = 10

export class RollingCounts {
  readonly #requests = new Int32Array(slices)
  readonly #failures = new Int32Array(slices)
  readonly #slow = new Int32Array(slices)
  readonly #sliceMs: number
  #slice = 0
  requests = 0
  failures = 0
  slow = 0

  /** @param windowMs its length in milliseconds */
  constructor(windowMs: number, nowMs: number) {
    this.#sliceMs = windowMs / slices
    this.#slice = Math.floor(nowMs / this.#sliceMs)
  }

  add(isFailure: boolean, isSlow: boolean, nowMs: number): void {
    this.roll(nowMs)
    const place = this.#slice % slices
    this.#requests[place]!++
    this.requests++
    if (isFailure) {
      this.#failures[place]!++
      this.failures++
    }
    if (!isSlow) return
    this.#slow[place]!++
    this.slow++
  }

  /** Forgets what has left the window. */
  roll(nowMs: number): void {
    const slice = Math.floor(nowMs / this.#sliceMs)
    const first = Math.max(this.#slice + 1, slice - slices + 1)
    for (let gone = first; gone <= slice; gone++) this.#drop(gone % slices)
    if (slice > this.#slice) this.#slice = slice
  }

  #drop(place: number): void {
    this.requests -= this.#requests[place]!
    this.failures -= this.#failures[place]!
    this.slow -= this.#slow[place]!
    this.#requests[place] = 0
    this.#failures[place] = 0
    this.#slow[place] = 0
  }
}
