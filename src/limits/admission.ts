import type { RequestFacts } from '../core/facts.ts'
import type { CompiledLimit } from '../core/limit/compiled-limit.ts'
import type { Take } from './take.ts'

/** A request that asks to be let in. */
export interface LimitedRequest {
  /** The id of the rule that it matched. */
  readonly rule: string
  readonly facts: RequestFacts
  /** Of the rule. */
  readonly limits: readonly CompiledLimit[]
  /** Of the client's tier. */
  readonly tierLimits: readonly CompiledLimit[]
}

/** What the limits of a request say, all together. */
export class Admission {
  /** Each limit that was asked, in the order of asking. */
  readonly takes: Take[] = []
  /** Whether the store has still to be asked about some of them. */
  waits = false
  /** Whether the request may go. */
  allowed = true
  /** The limit that refused, otherwise the one that is nearest to refusing; undefined when all are in shadow, or say nothing. */
  decisive: Take | undefined
  /** How long the request is to be held back, in milliseconds. */
  delayMs = 0
  #releases: ((latencyMs: number | undefined) => void)[] | undefined

  /** Takes in what one of the limits said. @returns whether the request may still go */
  add(take: Take): boolean {
    const { limit, decision } = take
    if (limit.shadow) return true
    const { allowed, remaining, delayMs } = decision
    if (this.decisive === undefined || !allowed || remaining < this.decisive.decision.remaining) this.decisive = take
    if (!allowed) this.allowed = false
    else if (delayMs > this.delayMs) this.delayMs = delayMs
    return allowed
  }

  onRelease(then: (latencyMs: number | undefined) => void): void {
    this.#releases ??= []
    this.#releases.push(then)
  }

  /** Whether something is to be given back when the exchange is over. */
  get holds(): boolean {
    return this.#releases !== undefined
  }

  /**
   * Gives back what the request holds. To be called when its exchange is over, or it is refused after all.
   * @param latencyMs how long the target took to the head of its answer, or has been silent; undefined: it was not asked
   */
  release(latencyMs?: number): void {
    const releases = this.#releases
    this.#releases = undefined
    if (releases !== undefined) for (const then of releases) then(latencyMs)
  }
}
