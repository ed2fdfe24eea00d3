/** The active probes of one target: one after the other, for as long as somebody wants them. */
import type { CompiledHealthCheck } from '../core/health-check.ts'
import type { CompiledTarget } from '../core/route.ts'
import { type ProbeResult, startProbe } from './probe.ts'

/** The first probe comes within so long, in milliseconds, so that those of many targets do not come at once. */
const longestFirstWaitMs = 1_000
/** How much earlier or later than its interval a probe may come. */
const jitter = 0.1

export class HealthProbes {
  readonly #onResult: (result: ProbeResult) => void
  readonly #random: () => number
  #target: CompiledTarget
  #check: CompiledHealthCheck
  #timer: NodeJS.Timeout
  #cancel: (() => void) | undefined

  /** Begins at once. @param random from 0 to below 1 */
  constructor(target: CompiledTarget, check: CompiledHealthCheck, random: () => number, onResult: (result: ProbeResult) => void) {
    this.#target = target
    this.#check = check
    this.#random = random
    this.#onResult = onResult
    this.#timer = this.#wait(random() * Math.min(check.intervalMs, longestFirstWaitMs))
  }

  /** Goes on with what is in force now. Only another check begins anew: a probe that is under way is given up. */
  follow(target: CompiledTarget, check: CompiledHealthCheck, isSameCheck: boolean): void {
    this.#target = target
    this.#check = check
    if (isSameCheck) return
    this.stop()
    this.#timer = this.#wait(this.#random() * Math.min(check.intervalMs, longestFirstWaitMs))
  }

  /** Gives up the probe that is under way; there will be no other one. */
  stop(): void {
    clearTimeout(this.#timer)
    this.#cancel?.()
    this.#cancel = undefined
  }

  #wait(ms: number): NodeJS.Timeout {
    return setTimeout(() => this.#probe(), ms).unref()
  }

  // The next one waits for this one to end: none is under way twice.
  #probe(): void {
    const startedMs = performance.now()
    this.#cancel = startProbe(this.#target, this.#check, result => {
      this.#cancel = undefined
      const intervalMs = this.#check.intervalMs * (1 - jitter + 2 * jitter * this.#random())
      this.#timer = this.#wait(Math.max(0, startedMs + intervalMs - performance.now()))
      // Last: it may stop us.
      this.#onResult(result)
    })
  }
}
