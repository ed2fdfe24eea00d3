/**
 * A limit that a cluster counts together without asking on the way: each instance takes tokens ahead, uses a share on credit where it has
 * none, tells what it used so, and gives back what it did not use. `lease-bounds.ts` says, and proves, by how much the limit may be
 * exceeded. No I/O: who owns this asks the central counter what `asks` returns, and says what came of it.
 *
 * What it does not refuse: with one instance and requests always waiting, a token bucket lets through at least
 * burst + (t − round trip) × limit / window − 1 − largestLease in the first time t, if its burst holds more than that lacks; a window the like.
 */
import { tolerance } from './algorithm.ts'
import type { LimitDecision } from './decision.ts'
import { type KeyBudget, KeyTable } from './key-table.ts'
import type { LeaseAnswer, LeaseAsk } from './lease-ask.ts'
import { type LeasedAlgorithm, largestLease } from './lease-bounds.ts'
import { credit, describe, isIdle, learn, waits, wanted } from './lease-credit.ts'
import * as k from './lease-key.ts'
import type { LimitSpec } from './spec.ts'
import { SpecVersions } from './spec-versions.ts'

/** So many keys that had to go may still have something to tell. */
const mostLeftovers = 10_000
const maxVersions = 65_536

export class LeaseTable {
  readonly #algorithm: LeasedAlgorithm
  readonly #table: KeyTable
  readonly #onWork: () => void
  readonly #versions = new SpecVersions()
  readonly #inFlight = new Map<string, LeaseAsk>()
  /** Keys that hold tokens, or did, and the window those are of; the longest untouched first. */
  readonly #leases = new Map<string, number>()
  #queue: string[] = []
  #leftovers: LeaseAsk[] = []
  #instances = 1
  #dropping = true
  /** The central counter does not answer: only what is leased is let through. */
  away = false
  /** Requests that were let through above the limit, as the central counter found out. */
  overshoot = 0
  /** Requests that were let through on credit and told. */
  debts = 0

  /** @param onWork called when there is something to ask; it may come too often */
  constructor(algorithm: LeasedAlgorithm, budget: KeyBudget, onWork: () => void) {
    this.#algorithm = algorithm
    this.#onWork = onWork
    this.#table = new KeyTable(k.keyWidth, budget, slot => this.#dropped(slot))
  }

  get size(): number {
    return this.#table.size
  }

  get evictions(): number {
    return this.#table.evictions
  }

  /** Whether there is something to ask. */
  get hasWork(): boolean {
    return this.#queue.length > 0 || this.#leftovers.length > 0
  }

  /**
   * Counts one request, and says in `out` whether it may go. False: the central counter does not answer, nothing is leased, and `out` says nothing.
   * @param instances how many share the limit, this one among them
   */
  take(key: string, spec: LimitSpec, instances: number, nowMs: number, out: LimitDecision): boolean {
    this.#instances = instances
    const { numbers, at } = this.#placeOf(key, spec, nowMs)
    const held = numbers[at + k.tokens]!
    if (held > 0 && nowMs < numbers[at + k.untilMs]!) {
      numbers[at + k.tokens] = held - 1
      numbers[at + k.arrived]!++
      const half = largestLease(spec, instances) / 2
      if (held - 1 <= half && (held - 1) * 2 <= wanted(numbers, at, spec, this.#instances, nowMs)) this.#enqueue(key, numbers, at)
      describe(this.#algorithm, numbers, at, spec, nowMs, true, out)
      return true
    }
    if (this.away) return false
    numbers[at + k.arrived]!++
    const isTooEarly = waits(numbers, at, nowMs)
    const allowed = !isTooEarly && numbers[at + k.untold]! + 1 <= credit(this.#algorithm, numbers, at, spec, instances, nowMs) + tolerance
    if (allowed) numbers[at + k.untold]!++
    if (!isTooEarly) this.#enqueue(key, numbers, at)
    describe(this.#algorithm, numbers, at, spec, nowMs, allowed, out)
    return true
  }

  /** As `take`, and counts nothing. */
  look(key: string, spec: LimitSpec, instances: number, nowMs: number, out: LimitDecision): boolean {
    this.#instances = instances
    const { numbers, at } = this.#table.find(key) ?? k.unknown(spec, nowMs)
    const holds = numbers[at + k.tokens]! > 0 && nowMs < numbers[at + k.untilMs]!
    if (this.away && !holds) return false
    const most = waits(numbers, at, nowMs) ? 0 : credit(this.#algorithm, numbers, at, spec, instances, nowMs)
    describe(this.#algorithm, numbers, at, spec, nowMs, holds || numbers[at + k.untold]! + 1 <= most + tolerance, out)
    return true
  }

  /** Takes back one request that was let through at the same moment. */
  giveBack(key: string): void {
    const place = this.#table.find(key)
    if (place === undefined) return
    const { numbers, at } = place
    if (numbers[at + k.untold]! > (this.#inFlight.get(key)?.debt ?? 0)) numbers[at + k.untold]!--
    else if (this.#leases.has(key)) numbers[at + k.tokens]!++
  }

  /** Takes out what is to be asked, at most `most`. Each is to be followed by `answered` or `failed`, once. */
  asks(most: number, nowMs: number): readonly LeaseAsk[] {
    const asks = this.#leftovers.splice(0, most)
    const keys = this.#queue.splice(0, most - asks.length)
    for (const key of keys) {
      const place = this.#table.find(key)
      // Gone meanwhile, or asked about as another life of the same key.
      if (place === undefined || this.#inFlight.has(key)) continue
      const ask = this.#toAsk(key, place.numbers, place.at, nowMs)
      this.#inFlight.set(key, ask)
      asks.push(ask)
    }
    return asks
  }

  answered(ask: LeaseAsk, answer: LeaseAnswer, nowMs: number): void {
    this.debts += ask.debt
    this.overshoot += Math.max(0, Math.min(ask.debt, -answer.room))
    const place = this.#settle(ask)
    if (place === undefined) return
    const { numbers, at } = place
    // Leased in a window that is over.
    if (this.#leases.get(ask.key) !== answer.window) numbers[at + k.tokens] = 0
    if (answer.granted > 0) {
      this.#leases.delete(ask.key)
      this.#leases.set(ask.key, answer.window)
    }
    learn(numbers, at, ask, answer, nowMs)
    if (numbers[at + k.untold]! > 0) this.#enqueue(ask.key, numbers, at)
  }

  /** Nobody knows whether it was heard, but it will not be heard any more. Debts are told again; what should have come back is lost. */
  failed(ask: LeaseAsk): void {
    const place = this.#settle(ask)
    if (place === undefined) return
    const { numbers, at } = place
    numbers[at + k.meta] = k.withFlag(numbers[at + k.meta]!, k.isBusy, false)
    if (numbers[at + k.untold]! > 0) this.#enqueue(ask.key, numbers, at)
  }

  /** Sees to it that tokens whose time is up go back; all tokens with `nowMs` Infinity. */
  sweep(nowMs: number): void {
    for (const key of this.#leases.keys()) {
      const place = this.#table.find(key)
      const held = place?.numbers[place.at + k.tokens] ?? 0
      if (place === undefined || held === 0) {
        this.#leases.delete(key)
        continue
      }
      if (place.numbers[place.at + k.untilMs]! > nowMs) return
      this.#enqueue(key, place.numbers, place.at)
    }
  }

  /** Forgets all keys, and tells nobody. */
  clear(): void {
    this.#dropping = false
    this.#table.clear()
    this.#dropping = true
    this.#inFlight.clear()
    this.#leases.clear()
    this.#queue = []
    this.#leftovers = []
    this.#versions.clear()
  }

  #placeOf(key: string, spec: LimitSpec, nowMs: number): { readonly numbers: Float64Array; readonly at: number } {
    const version = this.#versionOf(spec)
    const place = this.#table.place(key)
    const { numbers, at } = place
    const known = k.versionOf(numbers, at)
    if (known === version) return place
    if (known !== 0) {
      k.rescale(this.#algorithm, numbers, at, this.#versions.get(known), spec, nowMs)
      numbers[at + k.meta] = version * 8 + (numbers[at + k.meta]! & k.allFlags)
      return place
    }
    k.begin(numbers, at, spec, version, nowMs)
    return this.#forgetIdle(nowMs) ? this.#table.place(key) : place
  }

  // The table follows what is in use: two go for each that comes.
  #forgetIdle(nowMs: number): boolean {
    for (let left = 2; left > 0; left--) {
      const { numbers, at, slot } = this.#table.oldest!
      const version = k.versionOf(numbers, at)
      if (this.#table.size === 1 || !isIdle(this.#algorithm, numbers, at, this.#versions.get(version), nowMs)) return left < 2
      this.#table.drop(slot)
    }
    return true
  }

  #enqueue(key: string, numbers: Float64Array, at: number): void {
    const flags = numbers[at + k.meta]!
    if (k.hasFlag(flags, k.isBusy)) return
    numbers[at + k.meta] = k.withFlag(flags, k.isBusy, true)
    this.#queue.push(key)
    this.#onWork()
  }

  #toAsk(key: string, numbers: Float64Array, at: number, nowMs: number): LeaseAsk {
    const held = numbers[at + k.tokens]!
    const unused = held > 0 && numbers[at + k.untilMs]! <= nowMs ? held : 0
    numbers[at + k.tokens] = held - unused
    const spec = this.#versions.get(k.versionOf(numbers, at))
    const debt = numbers[at + k.untold]!
    // With nothing to tell it is asked because one was refused, or the last token used.
    const least = debt + unused === 0 && held === 0 ? 1 : 0
    const most = Math.max(least, wanted(numbers, at, spec, this.#instances, nowMs))
    return { key, spec, debt, unused, window: this.#leases.get(key) ?? 0, wanted: most, atMs: nowMs }
  }

  /** Where the key of the ask is, when it is still the one that was asked about. */
  #settle(ask: LeaseAsk): { readonly numbers: Float64Array; readonly at: number } | undefined {
    if (this.#inFlight.get(ask.key) !== ask) return undefined
    this.#inFlight.delete(ask.key)
    return this.#table.find(ask.key)
  }

  #dropped(slot: number): void {
    if (!this.#dropping) return
    const key = this.#table.keyOf(slot)
    const { numbers, at } = this.#table.find(key)!
    const asked = this.#inFlight.get(key)?.debt ?? 0
    const debt = Math.max(0, numbers[at + k.untold]! - asked)
    const unused = numbers[at + k.tokens]!
    if ((debt > 0 || unused > 0) && this.#leftovers.length < mostLeftovers) {
      const spec = this.#versions.get(k.versionOf(numbers, at))
      this.#leftovers.push({ key, spec, debt, unused, window: this.#leases.get(key) ?? 0, wanted: 0, atMs: 0 })
      this.#onWork()
    }
    this.#inFlight.delete(key)
    this.#leases.delete(key)
  }

  #versionOf(spec: LimitSpec): number {
    const version = this.#versions.of(spec)
    if (version < maxVersions) return version
    this.clear()
    return this.#versions.of(spec)
  }
}
