/** The active probes of one target: one after the other, for as long as somebody wants them. */
import type { CompiledHealthCheck } from '../core/health-check.ts'
import type { CompiledTarget } from '../core/route.ts'
import { type ProbeResult, startProbe } from './probe.ts'

/** The first probe comes within so long, in milliseconds, so that those of many targets do not come at once. */
const longestFirstWaitMs = 1_000
/** How much earlier or later than its interval a probe may come. */
const jitter = 0.1

export interface HealthProbesOptions {
  /** From 0 to below 1. */
  readonly random: () => number
  readonly onResult: (result: ProbeResult) => void
  /** Asked when a probe is due: how long it can wait, in milliseconds. Default: 0, not at all. */
  readonly waitMs?: () => number
}

export class HealthProbes {
  readonly #options: HealthProbesOptions
  #target: CompiledTarget
  #check: CompiledHealthCheck
  #timer: NodeJS.Timeout
  #cancel: (() => void) | undefined
  #startedMs = Number.NEGATIVE_INFINITY
  #isStopped = false

  /** Begins at once. */
  constructor(target: CompiledTarget, check: CompiledHealthCheck, options: HealthProbesOptions) {
    this.#target = target
    this.#check = check
    this.#options = options
    this.#timer = this.#waitFirst()
  }

  /** Goes on with what is in force now. Only another check begins anew: a probe that is under way is given up. */
  follow(target: CompiledTarget, check: CompiledHealthCheck, isSameCheck: boolean): void {
    this.#target = target
    this.#check = check
    if (isSameCheck) return
    this.stop()
    this.#isStopped = false
    this.#timer = this.#waitFirst()
  }

  /** What can wait may not be the same any more: asks again, as soon as the interval since the last probe is over. */
  wake(): void {
    if (this.#isStopped || this.#cancel !== undefined) return
    clearTimeout(this.#timer)
    this.#timer = this.#wait(this.#untilNextMs())
  }

  /** Gives up the probe that is under way; there will be no other one. */
  stop(): void {
    this.#isStopped = true
    clearTimeout(this.#timer)
    this.#cancel?.()
    this.#cancel = undefined
  }

  #waitFirst(): NodeJS.Timeout {
    return this.#wait(this.#options.random() * Math.min(this.#check.intervalMs, longestFirstWaitMs))
  }

  #wait(ms: number): NodeJS.Timeout {
    return setTimeout(() => this.#due(), ms).unref()
  }

  #untilNextMs(): number {
    const intervalMs = this.#check.intervalMs * (1 - jitter + 2 * jitter * this.#options.random())
    return Math.max(0, this.#startedMs + intervalMs - performance.now())
  }

  #due(): void {
    const waitMs = this.#options.waitMs?.() ?? 0
    if (waitMs > 0) this.#timer = this.#wait(waitMs)
    else this.#probe()
  }

  // The next one waits for this one to end: none is under way twice.
  #probe(): void {
    this.#startedMs = performance.now()
    this.#cancel = startProbe(this.#target, this.#check, result => {
      this.#cancel = undefined
      this.#timer = this.#wait(this.#untilNextMs())
      // Last: it may stop us.
      this.#options.onResult(result)
    })
  }
}
