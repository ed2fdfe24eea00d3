/**
 * What is known about the health of one target: by active probes, and by ejections for what its requests met. The probes' verdict weighs
 * more, as a failed probe is evidence and an ejection a suspicion. Pure: the clock is passed in.
 */

/** `unknown`: not probed yet, or not often enough; such a target takes traffic. */
export type HealthName = 'unknown' | 'healthy' | 'unhealthy' | 'ejected'

/** One change of state. */
export interface HealthChange {
  /** On the clock that the caller uses; milliseconds. */
  readonly atMs: number
  readonly from: HealthName
  readonly to: HealthName
  /** In words: `3 probes failed: connect ECONNREFUSED`. */
  readonly reason: string
}

/** How many probes in a row change the state. */
export interface ProbeThresholds {
  readonly unhealthyAfter: number
  readonly healthyAfter: number
}

/** How many changes are kept for people. */
export const historyLength = 20

export class HealthState {
  #probed: 'unknown' | 'healthy' | 'unhealthy' = 'unknown'
  #isEjected = false
  #failures = 0
  #successes = 0
  #sinceMs: number
  #reason: string
  readonly #history: HealthChange[] = []

  constructor(nowMs: number, reason = 'new') {
    this.#sinceMs = nowMs
    this.#reason = reason
  }

  get name(): HealthName {
    if (this.#probed === 'unhealthy') return 'unhealthy'
    return this.#isEjected ? 'ejected' : this.#probed
  }

  /** Whether probes say that it is out. */
  get isUnhealthy(): boolean {
    return this.#probed === 'unhealthy'
  }

  /** Whether it is ejected, whatever probes say. */
  get isEjected(): boolean {
    return this.#isEjected
  }

  /** When it came to be so. */
  get sinceMs(): number {
    return this.#sinceMs
  }

  get reason(): string {
    return this.#reason
  }

  /** The last changes, oldest first. */
  get history(): readonly HealthChange[] {
    return this.#history
  }

  /**
   * A probe has ended. The first ones of a new target count as any others: so many successes or failures in a row make a state.
   * @param detail what it met, in words; for failures
   * @returns `lift`: the trouble that the probes saw is over, an ejection need not last any longer
   */
  probed(isOk: boolean, detail: string, { unhealthyAfter, healthyAfter }: ProbeThresholds, nowMs: number): { readonly lift: boolean } {
    if (!isOk) {
      this.#successes = 0
      this.#failures++
      if (this.#failures >= unhealthyAfter && this.#probed !== 'unhealthy')
        this.#change(() => this.#setProbed('unhealthy'), `${times(this.#failures, 'probe')} failed: ${detail}`, nowMs)
      return { lift: false }
    }
    const sawTrouble = this.#failures > 0 || this.#probed === 'unhealthy'
    this.#successes++
    if (this.#probed === 'healthy' || this.#successes >= healthyAfter) {
      this.#failures = 0
      if (this.#probed !== 'healthy') this.#change(() => this.#setProbed('healthy'), `${times(this.#successes, 'probe')} succeeded`, nowMs)
      return { lift: sawTrouble && this.#isEjected }
    }
    // While it is unhealthy the failures are not forgotten before the successes suffice; while it is unknown they were not in a row.
    if (this.#probed === 'unknown') this.#failures = 0
    return { lift: false }
  }

  /** Nobody probes it any more. */
  unprobed(nowMs: number): void {
    this.#failures = 0
    this.#successes = 0
    if (this.#probed !== 'unknown') this.#change(() => this.#setProbed('unknown'), 'no health check any more', nowMs)
  }

  /** @param reason in words */
  eject(reason: string, nowMs: number): void {
    if (!this.#isEjected) this.#change(() => this.#setEjected(true), reason, nowMs)
  }

  /** Ends an ejection. @param reason in words */
  restore(reason: string, nowMs: number): void {
    if (this.#isEjected) this.#change(() => this.#setEjected(false), reason, nowMs)
  }

  #setProbed(probed: 'unknown' | 'healthy' | 'unhealthy'): void {
    this.#probed = probed
  }

  #setEjected(isEjected: boolean): void {
    this.#isEjected = isEjected
  }

  // What does not show is no change: the ejection of an unhealthy target, for one.
  #change(act: () => void, reason: string, nowMs: number): void {
    const from = this.name
    act()
    const to = this.name
    if (to === from) return
    this.#sinceMs = nowMs
    this.#reason = reason
    this.#history.push({ atMs: nowMs, from, to, reason })
    if (this.#history.length > historyLength) this.#history.shift()
  }
}

function times(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}
