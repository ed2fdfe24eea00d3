/** What requests that the gateway makes on its own account, further attempts and copies, need of the rest of it. */
import type { IncomingMessage } from 'node:http'
import type { CompiledTarget } from '../core/route.ts'
import type { Destination } from '../core/target-state.ts'
import type { Exchange } from './exchange.ts'

export interface RetryMetrics {
  /** A further request was sent. `service` is `''` for a rule's own target; `reason` is what `retry.on` calls it, or `hedge`. */
  recordRetry(service: string, reason: string): void
  /** One was not sent for want of budget. */
  recordRetryRefused(service: string): void
}

/**
 * What became of a copy. `answered` whatever the answer was; `dropped` as too many were under way; `aborted` as the exchange
 * was over before its body was whole.
 */
export type MirrorOutcome = 'answered' | 'failed' | 'dropped' | 'too_large' | 'no_target' | 'aborted'

export interface MirrorMetrics {
  /** A copy was made, or should have been, and has ended. */
  recordMirror(outcome: MirrorOutcome): void
}

export interface AttemptsContext {
  /** From 0 to below 1. */
  readonly random: () => number
  readonly metrics: RetryMetrics
  /** A target for a further attempt, as the balancer has it but none of `tried`; undefined when there is no other. */
  otherTarget(exchange: Exchange, tried: readonly CompiledTarget[]): Destination | undefined
  /** The same target for a further attempt; undefined when a breaker keeps the request from it. */
  sameTarget(exchange: Exchange, last: Destination): Destination | undefined
}

export interface Copier {
  /**
   * Copies the request if it is one of the share that its rule's `mirror` asks for. Called before anything reads its body. Never throws,
   * and sends nothing before the caller is done.
   */
  copy(request: IncomingMessage, exchange: Exchange, hasBody: boolean): void
}
