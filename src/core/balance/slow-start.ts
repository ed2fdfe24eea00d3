/** The weight of a target that has newly come, or come back: it grows to the whole in the course of `slow_start_ms`. */
import type { Candidate } from '../target-state.ts'

/** Of its weight, with what a target begins. */
const firstShare = 0.1

export class SlowStart {
  readonly #durationMs: number
  readonly #now: () => number
  #warmAtMs = Number.NEGATIVE_INFINITY

  /** @param durationMs 0: none */
  constructor(durationMs: number, now: () => number) {
    this.#durationMs = durationMs
    this.#now = now
  }

  /** Looks at a new list: when are all of them warm? */
  watch(candidates: readonly Candidate[]): void {
    if (this.#durationMs === 0) return
    for (const { state } of candidates) this.#warmAtMs = Math.max(this.#warmAtMs, state.sinceMs + this.#durationMs)
  }

  /** Whether one of those that were looked at has less than its whole weight. */
  get isWarming(): boolean {
    return this.#warmAtMs !== Number.NEGATIVE_INFINITY && this.#now() < this.#warmAtMs
  }

  /** What a target counts for now. */
  weightOf({ target, state }: Candidate): number {
    if (this.#durationMs === 0) return target.weight
    const share = (this.#now() - state.sinceMs) / this.#durationMs
    return share >= 1 ? target.weight : target.weight * Math.max(share, firstShare)
  }
}
