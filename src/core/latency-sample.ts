/** The latest latencies of something, few enough to be kept as they are: their median does not mind a few that are extreme. */

const length = 64

export class LatencySample {
  // Made with the first value: most are never used.
  #values: Float64Array | undefined
  #count = 0

  add(ms: number): void {
    this.#values ??= new Float64Array(length)
    this.#values[this.#count % length] = ms
    this.#count++
  }

  /** How many were added since it was last cleared. */
  get count(): number {
    return this.#count
  }

  /** Of the last 64; NaN when there is none. */
  get median(): number {
    const kept = Math.min(this.#count, length)
    if (this.#values === undefined || kept === 0) return Number.NaN
    const ordered = this.#values.slice(0, kept).sort()
    const middle = kept >> 1
    return kept % 2 === 1 ? ordered[middle]! : (ordered[middle - 1]! + ordered[middle]!) / 2
  }

  clear(): void {
    this.#count = 0
  }
}
