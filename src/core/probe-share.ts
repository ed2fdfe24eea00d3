/**
 * When an instance has to probe a target itself, and when it may rely on the one that probes for all. A success that is told is taken as an
 * own one; a failure is a suspicion only, as the one that tells of it may be what is cut off. Pure: the clock is passed in.
 */
import type { ToldProbe } from './fleet-health.ts'

/** How far apart two probes are, and how long one takes at most. */
export interface ProbeTimes {
  readonly intervalMs: number
  readonly timeoutMs: number
}

/** How much later than it could a result may arrive, in milliseconds. */
const slackMs = 250

export class ProbeShare {
  /** What is probed, and how: `probeKey`. */
  readonly key: string
  /** Who probes for all now. */
  prober: string
  readonly #self: string
  readonly #times: ProbeTimes
  #told: { readonly from: string; readonly n: number; readonly isOk: boolean; readonly atMs: number } | undefined
  #isSuspect = false
  #isOwnOk = false

  constructor(key: string, self: string, times: ProbeTimes) {
    this.key = key
    this.prober = self
    this.#self = self
    this.#times = times
  }

  /** Whether this instance probes for all. */
  get isProber(): boolean {
    return this.prober === this.#self
  }

  /** Whether own probes are wanted whatever is told. */
  get isSuspect(): boolean {
    return this.#isSuspect
  }

  /** From when on a result is too old to rely on, in milliseconds. */
  get lateMs(): number {
    return 2 * this.#times.intervalMs + this.#times.timeoutMs + slackMs
  }

  /**
   * `from` tells of the end of a probe.
   * @returns `success`: it is to be taken as an own one; `suspect`: an own probe is due; undefined: it says nothing new
   */
  told(from: string, { n, isOk, ageMs }: ToldProbe, nowMs: number): 'success' | 'suspect' | undefined {
    const isKnown = this.#told?.from === from && n <= this.#told.n
    if (from !== this.prober || this.isProber || isKnown || ageMs >= this.lateMs) return undefined
    this.#told = { from, n, isOk, atMs: nowMs - ageMs }
    if (!isOk) return this.suspect() ? 'suspect' : undefined
    this.#calm()
    return this.#isSuspect ? undefined : 'success'
  }

  /** A probe of this instance has ended. @param isUp whether the target is not out because of its probes */
  probed(isOk: boolean, isUp: boolean): void {
    this.#isOwnOk = isOk && isUp
    if (!isOk) this.#isSuspect = true
    else this.#calm()
  }

  /** Something speaks against the target: its own probes decide from now on. @returns whether that is new */
  suspect(): boolean {
    if (this.#isSuspect) return false
    this.#isSuspect = true
    this.#isOwnOk = false
    return true
  }

  /** How long no own probe is needed, in milliseconds; 0: one is. */
  waitMs(nowMs: number): number {
    if (this.#isSuspect || !this.#told?.isOk) return 0
    // Who takes over goes on at the pace of the one before: what one instance probed is not probed all at once by another.
    const dueMs = this.#told.atMs + (this.isProber ? this.#times.intervalMs : this.lateMs)
    return Math.max(0, dueMs - nowMs)
  }

  // Both must say so: by its own probes, an instance that nobody else can follow knows what holds for it.
  #calm(): void {
    if (this.#isOwnOk && (this.isProber || this.#told?.isOk)) this.#isSuspect = false
  }
}
