/** All requests to targets on behalf of one exchange whose rule has a `retry`: when another one is sent, and which answer counts. */
import type { Dispatcher } from 'undici'
import type { FlightFailure } from '../core/flight.ts'
import type { RetryBudget } from '../core/retry-budget.ts'
import { type AttemptFault, type CompiledRetry, idempotentMethods, parseRetryAfter, retryDelay } from '../core/retry-policy.ts'
import type { CompiledTarget } from '../core/route.ts'
import type { Destination } from '../core/target-state.ts'
import { breakerOpen } from '../errors.ts'
import { Attempt, type AttemptOwner } from './attempt.ts'
import type { Exchange } from './exchange.ts'
import { faultOf } from './failures.ts'
import type { Attempts as OneOrMore } from './forward-context.ts'
import type { Forwarding } from './forwarding.ts'
import type { AttemptsContext } from './own-requests.ts'
import type { TargetPool } from './pools.ts'
import type { RepeatableBody } from './repeatable-body.ts'
import type { ReceivedFields } from './response-headers.ts'

export interface AttemptsOptions {
  readonly context: AttemptsContext
  readonly exchange: Exchange
  readonly forwarding: Forwarding
  readonly policy: CompiledRetry
  readonly budget: RetryBudget
  readonly method: string
  /** Of the whole exchange, in milliseconds; null is no limit. */
  readonly totalMs: number | null
  /** Undefined when the request has none. */
  readonly body: RepeatableBody | undefined
  /** The request to a target, without its body, and the pool that takes it. */
  readonly prepare: (target: CompiledTarget) => { readonly pool: TargetPool; readonly request: Dispatcher.DispatchOptions }
}

export class Attempts implements AttemptOwner, OneOrMore {
  readonly #options: AttemptsOptions
  readonly #list: Attempt[] = []
  readonly #startedMs = performance.now()
  /** Attempts that may still bring an answer. */
  #waiting = 0
  #retries = 0
  #mayRepeatStale = true
  /** The client gets the answer of one of them, or will hear that there is none. */
  #isDecided = false
  #hasInformed = false
  #retryTimer: NodeJS.Timeout | undefined
  #hedgeTimer: NodeJS.Timeout | undefined

  constructor(options: AttemptsOptions) {
    this.#options = options
  }

  /** Sends the request to its first target. */
  start(first: Destination): void {
    const { policy, budget, body, method } = this.#options
    budget.countRequest(this.#startedMs)
    if (policy.hedgeAfterMs !== null && body === undefined && idempotentMethods.has(method))
      this.#hedgeTimer = setTimeout(() => this.#hedge(), policy.hedgeAfterMs)
    this.#send(first)
  }

  /** Ends all of them; no other one will be sent. */
  cancel(failure: FlightFailure): void {
    this.#decide()
    for (const attempt of this.#list) attempt.cancel(failure)
    this.#options.body?.destroy()
  }

  takes(attempt: Attempt, status: number, fields: ReceivedFields): boolean {
    this.#waiting--
    const { policy, exchange, body } = this.#options
    // Of two that are under way the other one may still bring a better answer.
    if (policy.on.has(status) && (this.#waiting > 0 || this.#retry(status, fields['retry-after']))) return false
    this.#decide()
    exchange.target = attempt.target.url
    exchange.targetState = attempt.destination.state
    body?.commit()
    for (const other of this.#list) if (other !== attempt) other.cancel()
    return true
  }

  takesInterim(): boolean {
    if (this.#waiting > 1) return false
    // What the client has seen of one answer does not belong to another one.
    this.#hasInformed = true
    return true
  }

  failed(attempt: Attempt, error: Error): void {
    this.#waiting--
    if (this.#isDecided) return
    if (attempt.isStale(error) && this.#mayRepeatStale && idempotentMethods.has(this.#options.method) && this.#canResend()) {
      this.#mayRepeatStale = false
      // Nothing was wrong with the target.
      attempt.settle('cancelled')
      return this.#send(attempt.destination, true)
    }
    if (this.#waiting > 0) return
    const fault = faultOf(error, attempt.wasStarted)
    if (fault !== undefined && this.#retry(fault)) return
    this.#decide()
    this.#options.forwarding.onResponseError(undefined, error)
  }

  #send(destination: Destination, onOwnConnection = false): void {
    const { target } = destination
    const { exchange, forwarding, prepare, body } = this.#options
    const { pool, request } = prepare(target)
    if (body !== undefined) request.body = body.open()
    const nowMs = performance.now()
    const attempt = new Attempt(destination, pool, this, forwarding, nowMs)
    this.#list.push(attempt)
    this.#waiting++
    exchange.attempts = this.#list.length
    exchange.target = target.url
    if (onOwnConnection) pool.dispatchOnce(request, attempt)
    else pool.dispatch(request, attempt, nowMs)
  }

  /** Whether a further attempt will be made: then the client waits for that one. */
  #retry(fault: AttemptFault, retryAfter?: string | string[]): boolean {
    const { policy, method, context, totalMs, exchange } = this.#options
    if (exchange.breaker?.refuses === true) return false
    if (this.#retries >= policy.attempts || !policy.on.has(fault) || this.#hasInformed || !this.#canResend()) return false
    // Where no connection could be made nothing was sent: neither is anything done twice, nor has a target more to do.
    const isHarmless = fault === 'connect_error'
    if (!isHarmless && !policy.methods.has(method)) return false
    const nowMs = performance.now()
    const remainingMs = totalMs === null ? null : totalMs - (nowMs - this.#startedMs)
    const waitMs = retryAfter === undefined ? undefined : parseRetryAfter(String(retryAfter), Date.now())
    const delayMs = retryDelay(policy.backoffMs, this.#retries, context.random(), waitMs, remainingMs)
    if (delayMs === undefined || !(isHarmless || this.#isAffordable(nowMs))) return false
    this.#retries++
    this.#retryTimer = setTimeout(() => this.#again(String(fault)), delayMs)
    return true
  }

  #again(reason: string): void {
    const tried = this.#list.map(({ target }) => target)
    const last = this.#list.at(-1)!.destination
    const { context, exchange } = this.#options
    const next = context.otherTarget(exchange, tried) ?? context.otherTarget(exchange, [last.target]) ?? context.sameTarget(exchange, last)
    if (next === undefined) return this.#refuse()
    context.metrics.recordRetry(exchange.service ?? '', reason)
    this.#send(next)
  }

  // While it waited, a breaker has opened: one that is open is left alone.
  #refuse(): void {
    this.#decide()
    const { forwarding, exchange } = this.#options
    forwarding.fail(breakerOpen(exchange.breaker!.retryAfterMs ?? 0))
  }

  #hedge(): void {
    if (this.#isDecided || this.#waiting !== 1 || this.#hasInformed) return
    const { context, exchange } = this.#options
    const tried = this.#list.map(({ target }) => target)
    const other = context.otherTarget(exchange, tried)
    if (other === undefined || !this.#isAffordable(performance.now())) return
    context.metrics.recordRetry(exchange.service ?? '', 'hedge')
    this.#send(other)
  }

  #isAffordable(nowMs: number): boolean {
    const { budget, context, exchange } = this.#options
    if (budget.take(nowMs)) return true
    context.metrics.recordRetryRefused(exchange.service ?? '')
    return false
  }

  #canResend(): boolean {
    const { body } = this.#options
    return body === undefined || body.isRepeatable
  }

  #decide(): void {
    this.#isDecided = true
    clearTimeout(this.#retryTimer)
    clearTimeout(this.#hedgeTimer)
  }
}
