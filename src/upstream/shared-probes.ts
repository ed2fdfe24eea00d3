/** The probes of one target of which the fleet makes one set: this instance probes when it is its turn, or when it cannot rely on the others. */
import { nameOf, type ToldProbe } from '../core/fleet-health.ts'
import { probeKey } from '../core/fleet-views.ts'
import type { CompiledHealthCheck } from '../core/health-check.ts'
import { ProbeShare } from '../core/probe-share.ts'
import type { CompiledTarget } from '../core/route.ts'
import type { FleetHealth, SharedProbe } from './fleet-health.ts'
import { HealthProbes } from './health-probes.ts'
import type { ProbeResult } from './probe.ts'

export interface SharedProbesOptions {
  readonly fleet: FleetHealth
  /** The id of the service. */
  readonly service: string
  /** From 0 to below 1. */
  readonly random: () => number
  /**
   * A result counts. `by` is the name of the instance that probed; undefined: this one.
   * @returns whether the target is not out because of its probes
   */
  readonly onResult: (result: ProbeResult, by: string | undefined, agoMs: number) => boolean
}

export class SharedProbes implements SharedProbe {
  readonly #options: SharedProbesOptions
  readonly #probes: HealthProbes
  #share: ProbeShare
  #last: (ProbeResult & { readonly n: number; readonly atMs: number }) | undefined

  /** Begins at once. @param checkKey equal for equal checks */
  constructor(target: CompiledTarget, check: CompiledHealthCheck, checkKey: string, options: SharedProbesOptions) {
    this.#options = options
    this.#share = this.#toShare(target, check, checkKey)
    this.#probes = new HealthProbes(target, check, {
      random: options.random,
      onResult: result => this.#probed(result),
      waitMs: () => this.#share.waitMs(options.fleet.now())
    })
    options.fleet.join(this)
  }

  get share(): ProbeShare {
    return this.#share
  }

  /** As `follow` of `HealthProbes`. */
  follow(target: CompiledTarget, check: CompiledHealthCheck, isSameCheck: boolean, checkKey: string): void {
    const share = this.#toShare(target, check, checkKey)
    // Another transport to the target is another probe, too.
    if (share.key !== this.#share.key) {
      this.#options.fleet.leave(this)
      this.#share = share
      this.#last = undefined
      this.#options.fleet.join(this)
    }
    this.#probes.follow(target, check, isSameCheck)
  }

  /** An own request found no connection: what the others say is not relied on. */
  suspect(): void {
    if (this.#share.suspect()) this.#probes.wake()
  }

  stop(): void {
    this.#options.fleet.leave(this)
    this.#probes.stop()
  }

  tell(nowMs: number): ToldProbe | undefined {
    if (this.#last === undefined) return undefined
    const { n, isOk, atMs, status, tookMs, error } = this.#last
    return { key: this.#share.key, n, isOk, ageMs: nowMs - atMs, status, tookMs, error }
  }

  hear(from: string, told: ToldProbe, nowMs: number): void {
    const outcome = this.#share.told(from, told, nowMs)
    if (outcome === 'success') this.#options.onResult(told, nameOf(from), told.ageMs)
    if (outcome === 'suspect') this.#probes.wake()
  }

  moved(): void {
    this.#probes.wake()
  }

  #probed(result: ProbeResult): void {
    const { fleet, onResult } = this.#options
    this.#last = { ...result, n: fleet.probed(this), atMs: fleet.now() }
    const isUp = onResult(result, undefined, 0)
    this.#share.probed(result.isOk, isUp)
  }

  #toShare({ url, transport }: CompiledTarget, check: CompiledHealthCheck, checkKey: string): ProbeShare {
    const { fleet, service } = this.#options
    return new ProbeShare(probeKey(service, url, [checkKey, transport?.key]), fleet.self, check)
  }
}
