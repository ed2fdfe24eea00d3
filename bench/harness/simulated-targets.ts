/** Targets in simulated time: each has a number of workers and a queue before them, and answers in a random time around a mean. */

/** What there is to simulate. Times in milliseconds. */
export interface Simulation {
  /** How long each target takes on average. */
  readonly meansMs: readonly number[]
  /** Requests that one target works on at a time. */
  readonly workers: number
  readonly perSecond: number
  readonly requests: number
  /** From 0 to below 1. */
  readonly random: () => number
  /** A request arrives: which target takes it? */
  readonly pick: (nowMs: number, request: number) => number
  /** The target has answered. */
  readonly end: (target: number, nowMs: number, beganMs: number) => void
}

/** What became of one request. */
export interface Outcome {
  readonly target: number
  readonly ms: number
}

/** Arrivals and answers are exponentially distributed. */
export function simulate({ meansMs, workers, perSecond, requests, random, pick, end }: Simulation): Outcome[] {
  const draw = (meanMs: number): number => -meanMs * Math.log(1 - random())
  // For each target, when each of its workers is free.
  const freeMs = meansMs.map(() => new Float64Array(workers))
  const underWay = new Schedule()
  const outcomes: Outcome[] = []
  let nowMs = 0
  for (let request = 0; request < requests; request++) {
    nowMs += draw(1_000 / perSecond)
    for (let due = underWay.take(nowMs); due !== undefined; due = underWay.take(nowMs)) end(due.target, due.atMs, due.beganMs)
    const target = pick(nowMs, request)
    const free = freeMs[target]!
    const worker = free.indexOf(Math.min(...free))
    const atMs = Math.max(nowMs, free[worker]!) + draw(meansMs[target]!)
    free[worker] = atMs
    underWay.add({ target, atMs, beganMs: nowMs })
    outcomes.push({ target, ms: atMs - nowMs })
  }
  return outcomes
}

interface Answer {
  readonly target: number
  readonly atMs: number
  readonly beganMs: number
}

/** Answers by their time: a binary heap. */
class Schedule {
  readonly #heap: Answer[] = []

  add(answer: Answer): void {
    let at = this.#heap.push(answer) - 1
    while (at > 0 && this.#isBefore(at, (at - 1) >> 1)) {
      this.#swap(at, (at - 1) >> 1)
      at = (at - 1) >> 1
    }
  }

  /** The next one, if it comes until `nowMs`. */
  take(nowMs: number): Answer | undefined {
    const first = this.#heap[0]
    if (first === undefined || first.atMs > nowMs) return undefined
    const last = this.#heap.pop()!
    if (this.#heap.length > 0) this.#heap[0] = last
    this.#sink()
    return first
  }

  #sink(): void {
    let at = 0
    for (;;) {
      const left = 2 * at + 1
      if (left >= this.#heap.length) return
      const child = left + 1 < this.#heap.length && this.#isBefore(left + 1, left) ? left + 1 : left
      if (!this.#isBefore(child, at)) return
      this.#swap(at, child)
      at = child
    }
  }

  #isBefore(a: number, b: number): boolean {
    return this.#heap[a]!.atMs < this.#heap[b]!.atMs
  }

  #swap(a: number, b: number): void {
    const kept = this.#heap[a]!
    this.#heap[a] = this.#heap[b]!
    this.#heap[b] = kept
  }
}
