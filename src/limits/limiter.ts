/** Asks the limits of a request, all of which must let it pass, and keeps what they know. */
import type { AdaptiveRate } from '../core/limit/adaptive-rate.ts'
import type { CompiledLimit } from '../core/limit/compiled-limit.ts'
import type { KeyBudget } from '../core/limit/key-table.ts'
import type { LimitSpec } from '../core/limit/spec.ts'
import { Admission, type LimitedRequest } from './admission.ts'
import type { ClusterLimits } from './cluster-limits.ts'
import { type LimitTally, LiveLimit } from './live-limit.ts'
import { shortKey } from './short-key.ts'
import { storeFailed } from './store-failure.ts'
import { Take } from './take.ts'

export interface LimiterOptions {
  /** How many keys may be counted in memory at once, over all limits. Default 1,000,000. */
  readonly maxKeys?: number
  /** Milliseconds on a clock that only goes forward. Default: that of `performance.now()`. */
  readonly now?: () => number
  /** What instances count together. Undefined: nothing, each counts for itself. */
  readonly cluster?: ClusterLimits | undefined
  /** A request was refused, or would have been but for the limit's `shadow`. */
  readonly onRefusal?: (take: Take, request: LimitedRequest) => void
}

export class Limiter {
  readonly cluster: ClusterLimits | undefined
  readonly #now: () => number
  readonly #budget: KeyBudget
  readonly #onRefusal: (take: Take, request: LimitedRequest) => void
  readonly #live = new Map<string, LiveLimit>()

  constructor({ maxKeys = 1_000_000, now = () => performance.now(), cluster, onRefusal = () => {} }: LimiterOptions = {}) {
    this.#now = now
    this.#budget = { max: maxKeys, used: 0 }
    this.cluster = cluster
    this.#onRefusal = onRefusal
  }

  /**
   * Counts the request under its limits when all let it pass, and under none otherwise. A promise only when a limit has to ask the store; it
   * never rejects, and is kept for at most 50 ms.
   */
  admit(request: LimitedRequest): Admission | Promise<Admission> {
    const admission = new Admission()
    const nowMs = this.#now()
    const passes = this.#takeAll(request.tierLimits, request, admission, nowMs) && this.#takeAll(request.limits, request, admission, nowMs)
    if (!passes || !admission.waits) return this.#conclude(request, admission)
    const asked = admission.takes.filter(({ isAnswered }) => !isAnswered)
    return this.#askAll(asked, admission).then(() => this.#conclude(request, admission))
  }

  /** What the limits would say now; nothing is counted. What only the store knows, while it does not answer, is left unanswered. */
  async look({ limits, tierLimits, facts }: LimitedRequest): Promise<readonly Take[]> {
    const nowMs = this.#now()
    const takes = [...tierLimits, ...limits].map(limit => this.#toTake(limit, facts))
    for (const take of takes) {
      if (this.#isAsked(take.limit)) continue
      if (this.#isAhead(take.limit)) take.isAnswered = take.live.ahead!.look(take.key, take.spec, this.cluster!.instances, take.decision)
      else {
        take.live.counter.take(take.key, take.spec, nowMs, 0, take.decision)
        take.isAnswered = true
      }
    }
    await Promise.all(takes.filter(({ limit }) => this.#isAsked(limit)).map(take => this.#ask([take], 0).catch(() => undefined)))
    return takes
  }

  /** What is kept of the limits that were asked so far. */
  get live(): Iterable<LiveLimit> {
    return this.#live.values()
  }

  /** How many keys are counted in memory. */
  get keys(): number {
    return this.#budget.used
  }

  /** Forgets the limits that are in force no more. */
  retain(isInForce: (live: LiveLimit) => boolean): void {
    for (const [id, live] of this.#live) {
      if (isInForce(live)) continue
      live.close()
      this.#live.delete(id)
    }
  }

  // Those that need no store come first: who is refused by them costs the store nothing.
  #takeAll(limits: readonly CompiledLimit[], { facts }: LimitedRequest, admission: Admission, nowMs: number): boolean {
    for (const limit of limits) {
      const take = this.#toTake(limit, facts)
      admission.takes.push(take)
      if (this.#isAsked(limit)) {
        admission.waits = true
        continue
      }
      if (this.#isAhead(limit)) {
        if (take.live.ahead!.take(take.key, take.spec, this.cluster!.instances, take.decision))
          take.countedBy = take.decision.allowed ? 'ahead' : undefined
        else this.#withoutStore(take, nowMs)
      } else this.#takeFromMemory(take, take.spec, nowMs)
      take.isAnswered = true
      if (!admission.add(take)) return false
    }
    return true
  }

  // Those in shadow are asked apart: what they refuse does not keep the others from counting.
  async #askAll(asked: readonly Take[], admission: Admission): Promise<void> {
    const firm = asked.filter(({ limit }) => !limit.shadow)
    const groups = [firm, ...asked.filter(({ limit }) => limit.shadow).map(take => [take])]
    await Promise.all(groups.filter(({ length }) => length > 0).map(group => this.#askGroup(group, admission)))
    for (const take of asked) admission.add(take)
  }

  async #askGroup(group: readonly Take[], admission: Admission): Promise<void> {
    try {
      const release = await this.#ask(group, 1)
      if (release !== undefined) admission.onRelease(release)
    } catch {
      const nowMs = this.#now()
      for (const take of group) this.#withoutStore(take, nowMs)
      for (const take of group) take.isAnswered = true
    }
  }

  async #ask(group: readonly Take[], cost: 0 | 1): Promise<(() => void) | undefined> {
    const { decisions, release } = await this.cluster!.take(group, cost)
    for (const [index, take] of group.entries()) {
      Object.assign(take.decision, decisions[index])
      take.isAnswered = true
    }
    return release
  }

  #withoutStore(take: Take, nowMs: number): void {
    take.live.storeFailures++
    storeFailed(take, this.cluster!.instances, spec => this.#takeFromMemory(take, spec, nowMs))
  }

  #takeFromMemory(take: Take, spec: LimitSpec, nowMs: number): void {
    take.live.rate?.advance(nowMs)
    take.live.counter.take(take.key, spec, nowMs, 1, take.decision)
    take.countedWith = spec
    if (take.decision.allowed) take.countedBy = 'memory'
  }

  #conclude(request: LimitedRequest, admission: Admission): Admission {
    const { takes, allowed } = admission
    const tier = request.facts.client?.tier ?? ''
    for (const take of takes) {
      const tally = take.live.tally(request.rule, tier)
      if (take.live.rate !== undefined && take.isAnswered) this.#tellRate(take.live.rate, take, admission)
      if (allowed) this.#letIn(take, admission, tally)
      else this.#takeBack(take)
      if (!take.isAnswered || take.decision.allowed) continue
      if (take.limit.shadow) tally.shadowed++
      else tally.refused++
      this.#onRefusal(take, request)
    }
    if (!allowed) admission.release()
    return admission
  }

  #letIn(take: Take, admission: Admission, tally: LimitTally): void {
    tally.allowed++
    if (take.decision.delayMs > 0 && !take.limit.shadow) tally.delayed++
    if (take.algorithm === 'concurrency' && take.countedBy === 'memory') admission.onRelease(() => this.#takeBack(take))
  }

  // Refused by another limit, it says nothing: neither is this one what holds requests back, nor does the target get it.
  #tellRate(rate: AdaptiveRate, { decision }: Take, admission: Admission): void {
    rate.count(!decision.allowed, admission.allowed, this.#now())
    if (admission.allowed) admission.onRelease(latencyMs => rate.ended(latencyMs))
  }

  #takeBack(take: Take): void {
    if (take.countedBy === 'memory') take.live.counter.giveBack(take.key, take.countedWith)
    else if (take.countedBy === 'ahead') take.live.ahead!.giveBack(take.key)
    take.countedBy = undefined
  }

  #toTake(limit: CompiledLimit, facts: LimitedRequest['facts']): Take {
    const tier = facts.client?.tier
    const live = this.#liveOf(limit)
    if (limit.adaptive !== undefined) live.rate!.follow(limit.adaptive)
    return new Take(limit, live, shortKey(limit.toKey(facts)), live.rate?.spec ?? specOf(limit, tier), tier ?? null)
  }

  #isAhead({ scope, mode }: CompiledLimit): boolean {
    return this.cluster !== undefined && scope === 'cluster' && mode === 'bounded'
  }

  #isAsked({ scope, mode }: CompiledLimit): boolean {
    return this.cluster !== undefined && scope === 'cluster' && mode === 'exact'
  }

  #liveOf(limit: CompiledLimit): LiveLimit {
    let live = this.#live.get(limit.id)
    if (live === undefined) {
      live = new LiveLimit(limit, this.#budget, this.#now(), this.cluster)
      this.#live.set(limit.id, live)
    }
    return live
  }
}

/** What a limit allows to a client of this tier. */
function specOf({ spec, byTier }: CompiledLimit, tier: string | undefined): LimitSpec {
  return (byTier !== undefined && tier !== undefined && byTier.get(tier)) || spec
}
