/** The health of the targets of one service: probes, ejections, and what to do when too many are out. */

import type { ToldEjection } from '../core/fleet-health.ts'
import type { FlightEnd } from '../core/flight.ts'
import { type Ejection, type OutlierPolicy, Outliers } from '../core/outlier.ts'
import type { CompiledService } from '../core/route.ts'
import type { Candidate, FlightObserver, TargetState } from '../core/target-state.ts'
import type { FleetHealth } from './fleet-health.ts'
import type { ServiceState } from './service-state.ts'
import { type TargetListener, TargetWatch } from './target-watch.ts'

export interface WatchListener extends TargetListener {
  /** Ejections are disregarded from now on, or are not any more. */
  onPanic(isPanic: boolean): void
}

export interface ServiceWatchOptions {
  /** From 0 to below 1. */
  readonly random: () => number
  /** The other instances; undefined: this one is on its own. */
  readonly fleet: FleetHealth | undefined
  readonly listener: WatchListener
}

export class ServiceWatch implements FlightObserver {
  readonly state: ServiceState
  readonly #options: ServiceWatchOptions
  readonly #targets = new Map<TargetState, TargetWatch>()
  readonly #outliers: Outliers<TargetWatch>
  #weighted: readonly TargetWatch[] = []
  #policy: OutlierPolicy | undefined
  #unobserve: (() => void) | undefined
  #timer: NodeJS.Timeout | undefined
  #isPanic = false
  #isClosed = false
  #followed: readonly Candidate[] = []

  constructor(state: ServiceState, options: ServiceWatchOptions) {
    this.state = state
    this.#options = options
    this.#outliers = new Outliers(state.now())
  }

  get targets(): Iterable<TargetWatch> {
    return this.#targets.values()
  }

  target(state: TargetState): TargetWatch | undefined {
    return this.#targets.get(state)
  }

  get isPanic(): boolean {
    return this.#isPanic
  }

  /** Watches the targets of this version of the service as it says. Those that stay keep what is known of them. */
  follow({ healthCheck, outlier, item }: CompiledService, candidates: readonly Candidate[]): void {
    this.#followed = candidates
    const staying = new Set(candidates.map(({ state }) => state))
    for (const [state, watch] of this.#targets) if (!staying.has(state)) this.#drop(watch)
    const checkKey = JSON.stringify(item.health_check)
    for (const candidate of candidates) {
      let watch = this.#targets.get(candidate.state)
      if (watch === undefined) {
        watch = new TargetWatch(candidate, { ...this.#options, service: this.state.id })
        this.#targets.set(candidate.state, watch)
      }
      watch.follow(candidate, healthCheck, checkKey)
    }
    this.#weighted = [...this.#targets.values()].filter(({ hasWeight }) => hasWeight)
    this.#setPolicy(outlier)
    // What is told of connections that failed makes probes come sooner.
    this.#observe(outlier !== undefined || (healthCheck !== undefined && this.#options.fleet !== undefined))
    this.followFleet()
    this.review()
  }

  /** The ejections that this instance has decided itself. */
  get ejections(): readonly ToldEjection[] {
    const nowMs = this.state.now()
    return [...this.#targets.values()].flatMap(({ url, outlier: { outUntilMs } }) =>
      outUntilMs === undefined ? [] : [{ service: this.state.id, target: url, remainingMs: Math.max(0, outUntilMs - nowMs) }]
    )
  }

  /** Ejects what most of the other instances have ejected, and takes back what they do not any more. */
  followFleet(): void {
    const { fleet } = this.#options
    if (fleet === undefined || this.#policy === undefined) return
    for (const target of this.#targets.values()) {
      const quorum = fleet.quorum(this.state.id, target.url, this.state.now())
      target.followFleet(quorum, this.#policy, this.#weighted)
    }
  }

  /** A verdict has changed, or the targets have: those that are found come and go without a version of the service. */
  changed(): void {
    const { service, candidates } = this.state
    if (candidates === this.#followed || this.#isClosed) this.review()
    else this.follow(service, candidates)
  }

  /** Ends all probes. What was said about the targets stays said. */
  close(): void {
    this.#isClosed = true
    clearTimeout(this.#timer)
    this.#unobserve?.()
    for (const watch of this.#targets.values()) watch.stop()
  }

  /** Nobody is probed or ejected any more; what was said about the targets is taken back. */
  stop(): void {
    this.#setPolicy(undefined)
    this.#observe(false)
    for (const watch of this.#targets.values()) this.#drop(watch)
    this.#weighted = []
    this.review()
  }

  /** Looks whether ejections have to be disregarded. */
  review(): void {
    const isPanic = this.#weighted.length > 0 && this.#weighted.every(({ state }) => state.isOut) && this.#weighted.some(isOnlyEjected)
    if (isPanic === this.#isPanic) return
    this.#isPanic = isPanic
    this.#options.listener.onPanic(isPanic)
  }

  began(): void {
    // Only ends are judged.
  }

  ended(state: TargetState, { status, failure, headMs, totalMs }: FlightEnd): void {
    const target = this.#targets.get(state)
    if (failure === 'connect_error') target?.suspect()
    const isAnsweredBadly = status !== undefined && status >= 500
    // Of what was ended for the client's sake, only a bad answer says anything.
    if (target === undefined || this.#policy === undefined || (failure === 'cancelled' && !isAnsweredBadly)) return
    const end = { isError: failure !== undefined || isAnsweredBadly, tookMs: headMs ?? (failure === 'timeout' ? totalMs : undefined) }
    const ejection = this.#outliers.ended(target, end, this.#policy, this.#weighted, this.state.now())
    if (ejection === undefined) return
    this.#eject(ejection)
    this.#schedule()
  }

  #setPolicy(policy: OutlierPolicy | undefined): void {
    this.#policy = policy
    clearTimeout(this.#timer)
    if (policy !== undefined) return this.#schedule()
    const reason = 'its service ejects nobody any more'
    for (const target of this.#targets.values()) {
      if (target.outlier.outUntilMs !== undefined) target.restore(reason)
      target.leaveFleet(reason)
    }
  }

  #observe(isWanted: boolean): void {
    if (isWanted) this.#unobserve ??= this.state.observe(this)
    else {
      this.#unobserve?.()
      this.#unobserve = undefined
    }
  }

  #schedule(): void {
    clearTimeout(this.#timer)
    const dueMs = this.#outliers.dueMs(this.#policy!, this.#weighted)
    this.#timer = setTimeout(() => this.#judge(), Math.max(1, dueMs - this.state.now())).unref()
  }

  #judge(): void {
    const { back, ejected } = this.#outliers.judge(this.#policy!, this.#weighted, this.state.now())
    for (const target of back) target.restore('its time is over')
    for (const ejection of ejected) this.#eject(ejection)
    this.#schedule()
  }

  #eject(ejection: Ejection<TargetWatch>): void {
    ejection.target.eject(ejection)
    this.#options.fleet?.ejectionsChanged()
  }

  #drop(watch: TargetWatch): void {
    watch.stop()
    // A later version may bring it back: then it begins anew.
    watch.state.setIn('health')
    watch.state.setIn('outlier')
    watch.state.setIn('fleet')
    this.#targets.delete(watch.state)
  }
}

/** Whether nothing but an ejection, by this instance or by most of them, keeps a target out: a suspicion, where failed probes are evidence. */
export function isOnlyEjected({ state }: { readonly state: TargetState }): boolean {
  const { verdicts } = state
  return verdicts.length > 0 && verdicts.every(verdict => verdict === 'outlier' || verdict === 'fleet')
}
