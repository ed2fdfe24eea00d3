/** What is known about the health of one target of a service, and what is done to find out. */
import type { TargetHealth } from '../../schemas/service-health.ts'
import type { CompiledHealthCheck } from '../core/health-check.ts'
import { type HealthChange, HealthState } from '../core/health-state.ts'
import { type Ejection, OutlierTarget, restore, type Suspectable } from '../core/outlier.ts'
import type { Candidate, TargetState } from '../core/target-state.ts'
import { HealthProbes } from './health-probes.ts'
import type { ProbeResult } from './probe.ts'

/** Hears of what becomes of a target. */
export interface TargetListener {
  onChange(target: TargetWatch, change: HealthChange): void
}

export class TargetWatch implements Suspectable {
  readonly state: TargetState
  readonly outlier = new OutlierTarget()
  readonly #health = new HealthState(Date.now())
  readonly #listener: TargetListener
  readonly #random: () => number
  #weight: number
  #check: CompiledHealthCheck | undefined
  #checkKey = ''
  #probes: HealthProbes | undefined
  #lastProbe: (ProbeResult & { readonly atMs: number }) | undefined

  constructor({ target, state }: Candidate, random: () => number, listener: TargetListener) {
    this.state = state
    this.#weight = target.weight
    this.#random = random
    this.#listener = listener
  }

  get url(): string {
    return this.state.url
  }

  /** Drained targets are watched, but nothing depends on them. */
  get hasWeight(): boolean {
    return this.#weight > 0
  }

  get isUnhealthy(): boolean {
    return this.#health.isUnhealthy
  }

  /** Whether neither its probes nor what requests met there keep it out. */
  get isUp(): boolean {
    return !this.#health.isUnhealthy && !this.#health.isEjected
  }

  /** Probes as `check` says from now on; undefined: not at all. @param checkKey equal for equal checks */
  follow({ target }: Candidate, check: CompiledHealthCheck | undefined, checkKey: string): void {
    this.#weight = target.weight
    this.#check = check
    const isSameCheck = checkKey === this.#checkKey
    this.#checkKey = checkKey
    if (check === undefined) this.#endProbes()
    else if (this.#probes === undefined) this.#probes = new HealthProbes(target, check, this.#random, result => this.#probed(result))
    else this.#probes.follow(target, check, isSameCheck)
  }

  /** It gets no requests for a while. */
  eject({ forMs, reason }: Ejection<TargetWatch>): void {
    this.#told(() => this.#health.eject(`${reason}; out for ${forMs} ms`, Date.now()))
    this.state.setOut('outlier', this.outlier.outUntilMs)
  }

  /** Its ejection is over. @param reason in words */
  restore(reason: string): void {
    restore(this)
    this.#told(() => this.#health.restore(reason, Date.now()))
    this.state.setIn('outlier')
  }

  /** Nobody wants to know any more. */
  stop(): void {
    this.#probes?.stop()
  }

  /** As `GET /services/{id}/health` has it. `nowMs` is on the clock of ejections. */
  report(nowMs: number): TargetHealth {
    const { name, sinceMs, reason, history } = this.#health
    const { outUntilMs, ejections } = this.outlier
    return {
      url: this.url,
      weight: this.#weight,
      state: this.hasWeight ? name : 'draining',
      since: toTime(sinceMs),
      reason,
      in_flight: this.state.inFlight,
      last_probe: this.#lastProbe === undefined ? null : toLastProbe(this.#lastProbe),
      ejections,
      ejected_until: outUntilMs === undefined ? null : toTime(Date.now() + outUntilMs - nowMs),
      history: history.map(({ atMs, ...change }) => ({ at: toTime(atMs), ...change }))
    }
  }

  #probed(result: ProbeResult): void {
    const nowMs = Date.now()
    this.#lastProbe = { ...result, atMs: nowMs - result.tookMs }
    const { lift } = this.#told(() => this.#health.probed(result.isOk, result.error ?? '', this.#check!, nowMs))
    if (this.isUnhealthy) this.state.setOut('health')
    else this.state.setIn('health')
    if (lift) this.restore('its probes succeed again')
  }

  #endProbes(): void {
    this.#probes?.stop()
    this.#probes = undefined
    this.#lastProbe = undefined
    this.#told(() => this.#health.unprobed(Date.now()))
    this.state.setIn('health')
  }

  /** Tells of the change that `act` makes, if it makes one. */
  #told<T>(act: () => T): T {
    const before = this.#health.history.at(-1)
    const result = act()
    const change = this.#health.history.at(-1)
    if (change !== undefined && change !== before) this.#listener.onChange(this, change)
    return result
  }
}

/** Of a target of which nothing is known, because its service neither probes nor ejects. */
export function reportUnwatched({ target, state }: Candidate, nowMs: number): TargetHealth {
  return {
    url: target.url,
    weight: target.weight,
    state: target.weight > 0 ? 'unknown' : 'draining',
    since: toTime(Date.now() + state.sinceMs - nowMs),
    reason: 'not watched',
    in_flight: state.inFlight,
    last_probe: null,
    ejections: 0,
    ejected_until: null,
    history: []
  }
}

function toLastProbe({ atMs, isOk, status, tookMs, error }: ProbeResult & { readonly atMs: number }) {
  return { at: toTime(atMs), ok: isOk, status: status ?? null, duration_ms: Math.round(tookMs * 100) / 100, error: error ?? null }
}

function toTime(ms: number): string {
  return new Date(ms).toISOString()
}
