/**
 * The response time of a target, as Finagle's "peak EWMA" has it: a slow answer counts at once, fast ones bring the value down again only
 * by and by, and a target that is not asked is believed in more from second to second. So a target that turns slow is left within one answer.
 */
import type { FlightEnd } from '../flight.ts'

/** After so long without news an old value counts for 1/e, in milliseconds. */
const decayMs = 10_000
/** What a request that the target could not serve counts for at least, in milliseconds: a target that fails fast must not look fast. */
const failureMs = 1_000

export class PeakEwma {
  #valueMs = 0
  #atMs: number

  constructor(nowMs: number) {
    this.#atMs = nowMs
  }

  /** In milliseconds; 0 as long as nothing is known. */
  at(nowMs: number): number {
    return this.#valueMs === 0 ? 0 : this.#valueMs * Math.exp((this.#atMs - nowMs) / decayMs)
  }

  /** Takes the end of a request in. What ended for reasons of the client counts only as far as it shows that the target was slow. */
  add({ status, failure, headMs, totalMs }: FlightEnd, nowMs: number): void {
    const known = this.at(nowMs)
    if (failure === 'cancelled' && headMs === undefined) return totalMs > known ? this.#set(totalMs, nowMs) : undefined
    if (headMs === undefined) return this.#set(Math.max(totalMs, known, failureMs), nowMs)
    if (status !== undefined && isRefusal(status)) return this.#set(Math.max(headMs, known, failureMs), nowMs)
    if (headMs > known) return this.#set(headMs, nowMs)
    const share = Math.exp((this.#atMs - nowMs) / decayMs)
    this.#set(this.#valueMs * share + headMs * (1 - share), nowMs)
  }

  #set(valueMs: number, nowMs: number): void {
    this.#valueMs = valueMs
    this.#atMs = nowMs
  }
}

/** Answers of a target, or of what stands before it, that say that it cannot serve: 502, 503 and 504. Other errors take their time as any answer. */
function isRefusal(status: number): boolean {
  return status >= 502 && status <= 504
}
