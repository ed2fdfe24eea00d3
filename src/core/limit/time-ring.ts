/** Moments in the order in which they came. It takes as much room as there are, to the next power of two. */
export class TimeRing {
  #times = new Float64Array(4)
  #first = 0
  #count = 0

  get count(): number {
    return this.#count
  }

  /** The moment that came as number `index` of those that are left. */
  at(index: number): number {
    return this.#times[(this.#first + index) & (this.#times.length - 1)]!
  }

  /** @param timeMs not before those that are there */
  push(timeMs: number): void {
    if (this.#count === this.#times.length) this.#grow()
    this.#times[(this.#first + this.#count++) & (this.#times.length - 1)] = timeMs
  }

  /** Forgets the newest. */
  pop(): void {
    if (this.#count > 0) this.#count--
  }

  clear(): void {
    this.#count = 0
  }

  /** Forgets what came at `timeMs` or before. */
  forgetUntil(timeMs: number): void {
    while (this.#count > 0 && this.at(0) <= timeMs) {
      this.#first = (this.#first + 1) & (this.#times.length - 1)
      this.#count--
    }
  }

  #grow(): void {
    const times = new Float64Array(this.#times.length * 2)
    for (let index = 0; index < this.#count; index++) times[index] = this.at(index)
    this.#times = times
    this.#first = 0
  }
}
