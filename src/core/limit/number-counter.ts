import type { LimitAlgorithm } from './algorithm.ts'
import type { LimitCounter } from './counter.ts'
import type { LimitDecision } from './decision.ts'
import { type KeyBudget, KeyTable } from './key-table.ts'
import type { LimitSpec } from './spec.ts'
import { SpecVersions } from './spec-versions.ts'

/** So many different limits one counter remembers; with more, all keys begin anew. A limit that changes every second has more after a day. */
const maxVersions = 65_536

/** A key is forgotten when it was as good as new so long ago: keys that are in use need not be made anew with every request. */
const graceMs = 1_000

/**
 * A counter whose keys are a few numbers each. A key that was counted with another limit is rescaled when it is used next, so a change
 * costs nothing, however many keys there are. Keys that are as good as new are forgotten as others come.
 */
export class NumberCounter implements LimitCounter {
  readonly #algorithm: LimitAlgorithm
  readonly #table: KeyTable
  readonly #fresh: Float64Array
  readonly #versions = new SpecVersions()

  constructor(algorithm: LimitAlgorithm, budget: KeyBudget) {
    this.#algorithm = algorithm
    // The first number is the version of the limit that the key was counted with; 0 is none.
    this.#table = new KeyTable(algorithm.width + 1, budget)
    this.#fresh = new Float64Array(algorithm.width)
  }

  get size(): number {
    return this.#table.size
  }

  get evictions(): number {
    return this.#table.evictions
  }

  take(key: string, spec: LimitSpec, nowMs: number, cost: number, out: LimitDecision): void {
    if (cost === 0 && this.#table.find(key) === undefined) {
      this.#algorithm.take(this.#fresh.fill(0), 0, spec, nowMs, 0, out)
      return
    }
    // First: it may forget all keys.
    const version = this.#versionOf(spec)
    let place = this.#table.place(key)
    const known = place.numbers[place.at]!
    if (known !== version) {
      if (known !== 0) this.#algorithm.rescale(place.numbers, place.at + 1, this.#versions.get(known), spec, nowMs)
      place.numbers[place.at] = version
      if (known === 0) {
        this.#forgetIdle(nowMs)
        place = this.#table.place(key)
      }
    }
    this.#algorithm.take(place.numbers, place.at + 1, spec, nowMs, cost, out)
  }

  giveBack(key: string, spec: LimitSpec): void {
    const place = this.#table.find(key)
    if (place !== undefined) this.#algorithm.giveBack(place.numbers, place.at + 1, spec)
  }

  clear(): void {
    this.#table.clear()
    this.#versions.clear()
  }

  // Two for each that comes, so that the table follows what is in use.
  #forgetIdle(nowMs: number): void {
    for (let left = 2; left > 0; left--) {
      const { numbers, at, slot } = this.#table.oldest!
      const version = numbers[at]!
      if (!this.#algorithm.isIdle(numbers, at + 1, this.#versions.get(version), nowMs - graceMs) || this.#table.size === 1) return
      this.#table.drop(slot)
    }
  }

  #versionOf(spec: LimitSpec): number {
    const version = this.#versions.of(spec)
    if (version < maxVersions) return version
    this.clear()
    return this.#versions.of(spec)
  }
}
