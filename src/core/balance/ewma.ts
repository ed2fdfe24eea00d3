/** The target with the least work before it: its response time times the requests in flight, for its weight. */
import type { FlightEnd } from '../flight.ts'
import type { Candidate, FlightObserver, TargetState } from '../target-state.ts'
import type { Balancer } from './balancer.ts'
import { PeakEwma } from './peak-ewma.ts'
import type { Weights } from './weights.ts'

/** What a target counts for that was asked and has not answered yet: only one request waits for the first answer, if others can take more. */
const unknownMs = 1e9

export class Ewma implements Balancer, FlightObserver {
  readonly #weights: Weights
  readonly #now: () => number
  readonly #times = new WeakMap<TargetState, PeakEwma>()
  #list: readonly Candidate[] | undefined
  #listed: readonly PeakEwma[] = []
  // Of those that are equal, the first behind the one picked last has it.
  #last = -1

  constructor(weights: Weights, now: () => number) {
    this.#weights = weights
    this.#now = now
  }

  get observer(): FlightObserver {
    return this
  }

  pick(candidates: readonly Candidate[]): Candidate {
    if (candidates !== this.#list) this.#adopt(candidates)
    const weights = this.#weights.of(candidates)
    const nowMs = this.#now()
    let best = -1
    let least = Number.POSITIVE_INFINITY
    for (let step = 1; step <= candidates.length; step++) {
      const at = (this.#last + step) % candidates.length
      const load = this.#load(at, candidates[at]!.state.inFlight, nowMs) / weights[at]!
      if (best !== -1 && load >= least) continue
      best = at
      least = load
    }
    this.#last = best
    return candidates[best]!
  }

  began(): void {
    // The count in flight is enough.
  }

  ended(target: TargetState, end: FlightEnd): void {
    this.#timeOf(target).add(end, this.#now())
  }

  #load(at: number, inFlight: number, nowMs: number): number {
    const ms = this.#listed[at]!.at(nowMs)
    return ms === 0 && inFlight > 0 ? unknownMs * inFlight : ms * (inFlight + 1)
  }

  #adopt(candidates: readonly Candidate[]): void {
    this.#list = candidates
    this.#listed = candidates.map(({ state }) => this.#timeOf(state))
    this.#last = Math.min(this.#last, candidates.length - 1)
  }

  #timeOf(target: TargetState): PeakEwma {
    let time = this.#times.get(target)
    if (time === undefined) {
      time = new PeakEwma(this.#now())
      this.#times.set(target, time)
    }
    return time
  }
}
