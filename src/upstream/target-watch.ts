/** What is known about the health of one target of a service, and what is done to find out. */
import type { TargetHealth } from '../../schemas/service-health.ts'
import type { Quorum } from '../core/fleet-views.ts'
import { endFollowing, followEjection } from '../core/follow-ejection.ts'
import type { CompiledHealthCheck } from '../core/health-check.ts'
import { type HealthChange, HealthState } from '../core/health-state.ts'
import type { Ejection, OutlierPolicy } from '../core/outlier.ts'
import { OutlierTarget, restore, type Suspectable } from '../core/outlier-target.ts'
import type { CompiledTarget } from '../core/route.ts'
import type { Candidate, TargetState } from '../core/target-state.ts'
import type { FleetHealth } from './fleet-health.ts'
import { HealthProbes } from './health-probes.ts'
import type { ProbeResult } from './probe.ts'
import { SharedProbes } from './shared-probes.ts'

/** Hears of what becomes of a target. */
export interface TargetListener {
  onChange(target: TargetWatch, change: HealthChange): void
}

export interface TargetWatchOptions {
  /** The id of the service. */
  readonly service: string
  /** From 0 to below 1. */
  readonly random: () => number
  /** The other instances; undefined: this one is on its own. */
  readonly fleet: FleetHealth | undefined
  readonly listener: TargetListener
}

/** `by`: the instance that probed; undefined: this one. */
type LastProbe = ProbeResult & { readonly atMs: number; readonly by: string | undefined }

export class TargetWatch implements Suspectable {
  readonly state: TargetState
  readonly outlier = new OutlierTarget()
  readonly #health = new HealthState(Date.now())
  readonly #options: TargetWatchOptions
  #weight: number
  #check: CompiledHealthCheck | undefined
  #checkKey = ''
  #probes: HealthProbes | SharedProbes | undefined
  #lastProbe: LastProbe | undefined

  constructor({ target, state }: Candidate, options: TargetWatchOptions) {
    this.state = state
    this.#weight = target.weight
    this.#options = options
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
    else if (this.#probes === undefined) this.#probes = this.#startProbes(target, check)
    else this.#probes.follow(target, check, isSameCheck, checkKey)
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

  /** Does as most of the instances do. @param quorum undefined: they do not eject it; as `followEjection` */
  followFleet(quorum: Quorum | undefined, policy: OutlierPolicy, all: readonly TargetWatch[]): void {
    const change = followEjection(this, quorum, policy, all)
    if (change === 'out') this.#told(() => this.#health.eject(`ejected by ${quorum!.ejected} of ${quorum!.of} instances`, Date.now()))
    if (change === 'in')
      this.#cameBack(this.#options.fleet?.isAlone ? 'no other instance is heard' : 'most instances do not eject it any more')
    if (this.outlier.followedUntilMs !== undefined) this.state.setOut('fleet', this.outlier.followedUntilMs)
  }

  /** Does not care any more what most of the instances do. @param reason in words */
  leaveFleet(reason: string): void {
    if (endFollowing(this) !== undefined) this.#cameBack(reason)
  }

  /** A request found no connection. */
  suspect(): void {
    if (this.#probes instanceof SharedProbes) this.#probes.suspect()
  }

  /** Nobody wants to know any more. */
  stop(): void {
    this.#probes?.stop()
  }

  /** As `GET /services/{id}/health` has it. `nowMs` is on the clock of ejections. */
  report(nowMs: number): TargetHealth {
    const { name, sinceMs, reason, history } = this.#health
    const { ejections } = this.outlier
    const outUntilMs = this.outlier.outUntilMs ?? this.outlier.followedUntilMs
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

  #startProbes(target: CompiledTarget, check: CompiledHealthCheck): HealthProbes | SharedProbes {
    const { fleet, service, random } = this.#options
    if (fleet === undefined) return new HealthProbes(target, check, { random, onResult: result => this.#probed(result, undefined, 0) })
    const onResult = (result: ProbeResult, by: string | undefined, agoMs: number) => {
      this.#probed(result, by, agoMs)
      return !this.isUnhealthy
    }
    return new SharedProbes(target, check, this.#checkKey, { fleet, service, random, onResult })
  }

  #probed(result: ProbeResult, by: string | undefined, agoMs: number): void {
    const nowMs = Date.now()
    this.#lastProbe = { ...result, by, atMs: nowMs - agoMs - result.tookMs }
    const { lift } = this.#told(() => this.#health.probed(result.isOk, result.error ?? '', this.#check!, nowMs))
    if (this.isUnhealthy) this.state.setOut('health')
    else this.state.setIn('health')
    // An ejection that is followed ends with that of the others.
    if (lift && this.outlier.outUntilMs !== undefined) this.restore('its probes succeed again')
  }

  #cameBack(reason: string): void {
    this.#told(() => this.#health.restore(reason, Date.now()))
    this.state.setIn('fleet')
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
    if (change !== undefined && change !== before) this.#options.listener.onChange(this, change)
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

function toLastProbe({ atMs, isOk, status, tookMs, error, by }: LastProbe) {
  const durationMs = Math.round(tookMs * 100) / 100
  return { at: toTime(atMs), ok: isOk, status: status ?? null, duration_ms: durationMs, error: error ?? null, by: by ?? null }
}

function toTime(ms: number): string {
  return new Date(ms).toISOString()
}
