import type { RequestFacts } from '../core/facts.ts'
import type { CompiledLimit } from '../core/limit/compiled-limit.ts'
import { createDecision, type LimitDecision } from '../core/limit/decision.ts'

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

/** What the limits say of a request, all together. */
export class Admission {
  /** Whether the request may go. */
  allowed = true
  /** The limit that refused, otherwise the one that is nearest to refusing; undefined when all are in shadow. */
  limit: CompiledLimit | undefined
  /** What that limit says. */
  readonly decision: LimitDecision = createDecision()
  /** The limits that do without the store now refuse everything. */
  isStoreFailure = false
  /** How long the request is to be held back, in milliseconds. */
  delayMs = 0
  /** To be called once when the exchange is over. */
  release: (() => void) | undefined

  /** Takes in what one of the limits says. @returns whether the request may still go */
  add(limit: CompiledLimit, decision: LimitDecision): boolean {
    if (limit.shadow) return true
    const { allowed, remaining, delayMs } = decision
    if (this.limit === undefined || !allowed || remaining < this.decision.remaining) {
      this.limit = limit
      Object.assign(this.decision, decision)
    }
    if (!allowed) this.allowed = false
    else if (delayMs > this.delayMs) this.delayMs = delayMs
    return allowed
  }

  /** `then` is called, too, when the exchange is over. */
  onRelease(then: () => void): void {
    const before = this.release
    this.release =
      before === undefined
        ? then
        : () => {
            before()
            then()
          }
  }
}
