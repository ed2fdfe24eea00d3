/** A breaker as a service or a rule asks for it, compiled. */
import type { BreakerPolicy } from './breaker.ts'

/** An answer of the gateway itself. */
export interface FallbackAnswer {
  readonly status: number
  /** Names in lower case. */
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: string
}

export interface CompiledBreaker extends BreakerPolicy {
  /** One for all targets, or one for each. */
  readonly scope: 'service' | 'target'
  isFailure(status: number): boolean
  /** What is answered when it is open; undefined: nothing but the problem, or the service. */
  readonly respond: FallbackAnswer | undefined
  /** The id of the service that takes the requests when it is open. */
  readonly fallbackService: string | undefined
}
