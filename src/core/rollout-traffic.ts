/** Which configuration a request follows while a rollout is running, and what is counted of it. */
import type { ConfigState } from './config-state.ts'
import type { RequestFacts } from './facts.ts'
import { ArmStats, type RolloutReport } from './rollout-stats.ts'
import type { CompiledRule, drained, Route } from './route.ts'
import type { Snapshot } from './snapshot.ts'
import { type SplitValue, toSplitValue } from './split.ts'
import { hashText } from './string-hash.ts'

/** One side of a rollout. */
export interface Arm {
  readonly name: 'current' | 'candidate'
  readonly stats: ArmStats
  /** Sets the live state of its services apart from that of the others; `''` when it is shared. */
  readonly scope: string
}

/** What a request follows. */
export interface Followed {
  readonly snapshot: Snapshot
  /** As `Snapshot.match` answers. */
  readonly route: Route | typeof drained | undefined
  /** Undefined when the rollout does not concern the request. */
  readonly arm: Arm | undefined
}

/** What is counted of one step. */
interface Arms {
  readonly current: Arm
  readonly candidate: Arm
}

export class RolloutTraffic {
  readonly id: string
  /** Place of the step in force. */
  readonly step: number
  readonly #state: ConfigState
  readonly #arms: Arms
  readonly #threshold: number
  readonly #value: SplitValue
  readonly #ramp: { readonly rule: string; readonly matchKey: string | undefined } | undefined

  private constructor(state: ConfigState, before: RolloutTraffic | undefined) {
    const { id, item } = state.rollout!
    this.id = id
    this.step = item.step
    this.#state = state
    this.#arms = before?.id === id && before.step === item.step ? before.#arms : newArms(state.candidate === undefined ? '' : id)
    this.#threshold = (item.steps[item.step]!.percent / 100) * 2 ** 32
    this.#value = toSplitValue(item.split_on)
    const rule = item.ramp?.rule
    this.#ramp = rule === undefined ? undefined : { rule, matchKey: state.snapshot.rule(rule)?.matchKey }
  }

  /** The traffic for `state`, in which what was counted of a step goes on; undefined when no rollout is running. */
  static next(before: RolloutTraffic | undefined, state: ConfigState): RolloutTraffic | undefined {
    return state.rollout === undefined ? undefined : new RolloutTraffic(state, before)
  }

  /** The configuration with the changes on top; undefined when only weights change. */
  get candidate(): Snapshot | undefined {
    return this.#state.candidate?.snapshot
  }

  /** What the request follows. Moves the split of its group on. */
  match(facts: RequestFacts): Followed {
    const { snapshot: current, candidate } = this.#state
    if (candidate === undefined) return this.#matchRamp(current, facts)
    if (!isTreatedOtherwise(current, candidate.snapshot, facts)) return { snapshot: current, route: current.match(facts), arm: undefined }
    const arm = this.isTouched(facts) ? this.#arms.candidate : this.#arms.current
    const snapshot = arm.name === 'candidate' ? candidate.snapshot : current
    return { snapshot, route: snapshot.match(facts), arm }
  }

  /** Whether the client belongs to those whom the step touches. Equal on every instance, and true for good as the share grows. */
  isTouched(facts: RequestFacts): boolean {
    return hashText(`${this.id}\0${this.#value(facts) ?? facts.ip}`) >>> 0 < this.#threshold
  }

  /** What this instance has counted in the step. */
  report(): RolloutReport {
    const { current, candidate } = this.#arms
    return { id: this.id, step: this.step, current: current.stats.counts, candidate: candidate.stats.counts }
  }

  #matchRamp(snapshot: Snapshot, facts: RequestFacts): Followed {
    const route = snapshot.match(facts)
    return { snapshot, route, arm: typeof route === 'object' ? this.#armOf(route.rule) : undefined }
  }

  #armOf({ id, matchKey }: CompiledRule): Arm | undefined {
    if (matchKey !== this.#ramp?.matchKey) return undefined
    return id === this.#ramp.rule ? this.#arms.candidate : this.#arms.current
  }
}

function newArms(scope: string): Arms {
  return {
    current: { name: 'current', stats: new ArmStats(), scope: '' },
    candidate: { name: 'candidate', stats: new ArmStats(), scope }
  }
}

// What no change touches is shared between the two, so that identity tells.
function isTreatedOtherwise(current: Snapshot, candidate: Snapshot, facts: RequestFacts): boolean {
  const group = current.index.match(facts)
  if (group !== candidate.index.match(facts)) return true
  return group?.rules.some(({ action }) => action.type === 'service' && differsIn(current, candidate, action.service)) === true
}

function differsIn(current: Snapshot, candidate: Snapshot, service: string): boolean {
  return current.service(service) !== candidate.service(service)
}
