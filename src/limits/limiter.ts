/** Asks the limits of a request, all of which must let it pass, and keeps what they know. */
import type { CompiledLimit } from '../core/limit/compiled-limit.ts'
import { createDecision } from '../core/limit/decision.ts'
import type { KeyBudget } from '../core/limit/key-table.ts'
import type { LimitSpec } from '../core/limit/spec.ts'
import { Admission, type LimitedRequest } from './admission.ts'
import { LiveLimit } from './live-limit.ts'

export interface LimiterOptions {
  /** How many keys may be counted in memory at once, over all limits. Default 1,000,000. */
  readonly maxKeys?: number
  /** Milliseconds on a clock that only goes forward. Default: that of `performance.now()`. */
  readonly now?: () => number
}

export class Limiter {
  readonly #now: () => number
  readonly #budget: KeyBudget
  readonly #live = new Map<string, LiveLimit>()
  readonly #decision = createDecision()

  constructor({ maxKeys = 1_000_000, now = () => performance.now() }: LimiterOptions = {}) {
    this.#now = now
    this.#budget = { max: maxKeys, used: 0 }
  }

  /** Counts the request under its limits when all let it pass, and under none otherwise. */
  admit(request: LimitedRequest): Admission {
    const admission = new Admission()
    const { limits, tierLimits } = request
    if (this.#takeAll(tierLimits, request, admission)) this.#takeAll(limits, request, admission)
    if (!admission.allowed) this.#takeBack(request, admission.limit!)
    this.#count(request, admission)
    return admission
  }

  #takeAll(limits: readonly CompiledLimit[], { facts }: LimitedRequest, admission: Admission): boolean {
    const nowMs = this.#now()
    for (const limit of limits) {
      const live = this.of(limit)
      live.counter.take(limit.toKey(facts), specOf(limit, facts.client?.tier), nowMs, 1, this.#decision)
      if (!admission.add(limit, this.#decision)) return false
    }
    return true
  }

  of(limit: CompiledLimit): LiveLimit {
    let live = this.#live.get(limit.id)
    if (live === undefined) {
      live = new LiveLimit(limit, this.#budget)
      this.#live.set(limit.id, live)
    }
    return live
  }

  #takeBack(_request: LimitedRequest, _refusing: CompiledLimit): void {}
  #count(_request: LimitedRequest, _admission: Admission): void {}
}

/** What a limit allows to a client of this tier. */
export function specOf({ spec, byTier }: CompiledLimit, tier: string | undefined): LimitSpec {
  return (byTier !== undefined && tier !== undefined && byTier.get(tier)) || spec
}
