/** The breakers that guard one service, or what one rule forwards to: one for all targets, or one for each. Live state. */
import type { BreakerReport } from '../../schemas/breaker.ts'
import { Breaker, type BreakerMode, type BreakerTransition } from '../core/breaker.ts'
import type { CompiledBreaker } from '../core/breaker-policy.ts'
import type { TargetState } from '../core/target-state.ts'
import { BreakerCall } from './breaker-call.ts'

/** Whose breakers they are. */
export interface BreakerOwner {
  /** `''` for those of a rule with a target of its own. */
  readonly service: string
  /** `''` for those of the service itself. */
  readonly rule: string
  /** Of a rollout's own version; `''` is that of everybody. */
  readonly scope: string
}

export interface BreakerGroupOptions {
  readonly owner: BreakerOwner
  readonly now: () => number
  /** @param target `''` for the one for all */
  readonly onTransition: (target: string, transition: BreakerTransition) => void
  /** The live state of a target of the service, when an open breaker is to keep it from everybody. */
  readonly stateOf?: (url: string) => TargetState | undefined
}

/** Not a URL: names the one for all targets. */
const all = ''

export class BreakerGroup {
  readonly owner: BreakerOwner
  readonly #options: BreakerGroupOptions
  readonly #breakers = new Map<string, Breaker>()
  #policy: CompiledBreaker

  constructor(policy: CompiledBreaker, options: BreakerGroupOptions) {
    this.owner = options.owner
    this.#options = options
    this.#policy = policy
  }

  get policy(): CompiledBreaker {
    return this.#policy
  }

  /** Other numbers hold from now on, and no state is lost; with another scope all begin anew. */
  follow(policy: CompiledBreaker): void {
    if (policy.scope !== this.#policy.scope) this.dissolve()
    this.#policy = policy
    for (const [key, breaker] of this.#breakers) {
      breaker.policy = policy
      this.settle(key)
    }
  }

  /** Takes back what was said about targets, and forgets all. */
  dissolve(): void {
    for (const url of this.#breakers.keys()) this.#options.stateOf?.(url)?.setIn('breaker')
    this.#breakers.clear()
  }

  /** Forgets the breakers of targets that are gone. */
  retain(isLive: (url: string) => boolean): void {
    for (const key of this.#breakers.keys()) if (key !== all && !isLive(key)) this.#breakers.delete(key)
  }

  /** Whether no request may be sent at all. */
  get refuses(): boolean {
    return this.#policy.scope === 'service' && !this.#of(all).allows
  }

  /** Whether a request may be sent to this target. */
  allows(url: string): boolean {
    return this.#policy.scope === 'service' ? this.#of(all).allows : this.#breakers.get(url)?.allows !== false
  }

  /** Whether targets have to be looked at one by one: nobody else leaves those out that are refused. */
  get isSelective(): boolean {
    if (this.#policy.scope === 'service' || this.#options.stateOf !== undefined) return false
    for (const { state } of this.#breakers.values()) if (state !== 'closed') return true
    return false
  }

  /** How long until a request may be sent, as far as is known, in milliseconds; undefined when none of them refuses. */
  get retryAfterMs(): number | undefined {
    const refusing = [...this.#breakers.values()].filter(({ allows }) => !allows)
    if (refusing.length === 0) return undefined
    const waitMs = Math.min(...refusing.map(({ refusesUntilMs }) => refusesUntilMs)) - this.#options.now()
    // Forced open: nobody knows.
    return Number.isFinite(waitMs) ? waitMs : this.#policy.timeoutMs
  }

  /** One request to a target, not sent yet. */
  call(url: string): BreakerCall {
    const key = this.#policy.scope === 'service' ? all : url
    return new BreakerCall(this, this.#of(key), key)
  }

  /** After something happened to a breaker: whether its target gets requests. */
  settle(key: string): void {
    const { stateOf } = this.#options
    if (key === all || stateOf === undefined) return
    const breaker = this.#of(key)
    const state = stateOf(key)
    if (breaker.allows) state?.setIn('breaker')
    else state?.setOut('breaker', breaker.refusesUntilMs)
  }

  /** An operator's word about one target, or about all of `urls`. */
  force(mode: BreakerMode, urls: readonly string[]): void {
    for (const key of this.#policy.scope === 'service' ? [all] : urls) {
      this.#of(key).force(mode)
      this.settle(key)
    }
  }

  /** @param urls of the targets that there are */
  report(urls: readonly string[]): BreakerReport {
    const { scope } = this.#policy
    return { scope, breakers: (scope === 'service' ? [all] : urls).map(key => this.#reportOf(key)) }
  }

  /** Each with the state it has now. */
  *read(): Generator<{ readonly target: string; readonly breaker: Breaker }> {
    for (const [target, breaker] of this.#breakers) yield { target, breaker }
  }

  #of(key: string): Breaker {
    let breaker = this.#breakers.get(key)
    if (breaker === undefined) {
      breaker = new Breaker(this.#policy, this.#options.now, transition => this.#options.onTransition(key, transition))
      this.#breakers.set(key, breaker)
    }
    return breaker
  }

  #reportOf(key: string): BreakerReport['breakers'][number] {
    const breaker = this.#of(key)
    const { state, mode, counts, consecutiveFailures } = breaker
    const isWaiting = state === 'open' && mode === 'auto'
    return {
      target: key === all ? null : key,
      state,
      forced: mode !== 'auto',
      retry_after_ms: isWaiting ? Math.max(0, Math.ceil(breaker.refusesUntilMs - this.#options.now())) : null,
      ...counts,
      consecutive_failures: consecutiveFailures
    }
  }
}
