/** The health of the targets of one service: probes, ejections, and what to do when too many are out. */
import type { FlightEnd } from '../core/flight.ts'
import { type Ejection, type OutlierPolicy, Outliers } from '../core/outlier.ts'
import type { CompiledService } from '../core/route.ts'
import type { Candidate, FlightObserver, TargetState } from '../core/target-state.ts'
import type { ServiceState } from './service-state.ts'
import { type TargetListener, TargetWatch } from './target-watch.ts'

export interface WatchListener extends TargetListener {
  /** Ejections are disregarded from now on, or are not any more. */
  onPanic(isPanic: boolean): void
}

export class ServiceWatch implements FlightObserver {
  readonly state: ServiceState
  readonly #listener: WatchListener
  readonly #random: () => number
  readonly #targets = new Map<TargetState, TargetWatch>()
  readonly #outliers: Outliers<TargetWatch>
  #weighted: readonly TargetWatch[] = []
  #policy: OutlierPolicy | undefined
  #unobserve: (() => void) | undefined
  #timer: NodeJS.Timeout | undefined
  #isPanic = false
  #isClosed = false
  #followed: readonly Candidate[] = []

  constructor(state: ServiceState, random: () => number, listener: WatchListener) {
    this.state = state
    this.#random = random
    this.#listener = listener
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
        watch = new TargetWatch(candidate, this.#random, this.#listener)
        this.#targets.set(candidate.state, watch)
      }
      watch.follow(candidate, healthCheck, checkKey)
    }
    this.#weighted = [...this.#targets.values()].filter(({ hasWeight }) => hasWeight)
    this.#setPolicy(outlier)
    this.review()
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
    for (const watch of this.#targets.values()) this.#drop(watch)
    this.#weighted = []
    this.review()
  }

  /** Looks whether ejections have to be disregarded. */
  review(): void {
    const isPanic = this.#weighted.length > 0 && this.#weighted.every(({ state }) => state.isOut) && this.#weighted.some(isOnlyEjected)
    if (isPanic === this.#isPanic) return
    this.#isPanic = isPanic
    this.#listener.onPanic(isPanic)
  }

  began(): void {
    // Only ends are judged.
  }

  ended(state: TargetState, { status, failure, headMs, totalMs }: FlightEnd): void {
    const target = this.#targets.get(state)
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
    if (policy !== undefined) {
      this.#unobserve ??= this.state.observe(this)
      return this.#schedule()
    }
    this.#unobserve?.()
    this.#unobserve = undefined
    for (const target of this.#targets.values())
      if (target.outlier.outUntilMs !== undefined) target.restore('its service ejects nobody any more')
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
  }

  #drop(watch: TargetWatch): void {
    watch.stop()
    // A later version may bring it back: then it begins anew.
    watch.state.setIn('health')
    watch.state.setIn('outlier')
    this.#targets.delete(watch.state)
  }
}

/** Whether nothing but an ejection keeps a target out: a suspicion, where failed probes are evidence. */
export function isOnlyEjected({ state }: { readonly state: TargetState }): boolean {
  const { verdicts } = state
  return verdicts.length === 1 && verdicts[0] === 'outlier'
}
