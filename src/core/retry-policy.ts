/** When a request may be sent again, and how long to wait before. Pure: time and randomness are parameters. */
import { defaultRetry, type Retry } from '../../schemas/retry.ts'

/** Why an attempt failed, as `retry.on` has it; a status stands for an answer. */
export type AttemptFault = 'connect_error' | 'reset' | 'timeout' | number

/** `retry` of a rule, compiled. */
export interface CompiledRetry {
  /** How many further attempts. */
  readonly attempts: number
  readonly on: ReadonlySet<AttemptFault>
  /** The methods of requests that are repeated although a target may have seen them, in upper case. */
  readonly methods: ReadonlySet<string>
  /** Twice the mean wait before the first further attempt, in milliseconds. */
  readonly backoffMs: number
  /** After how many milliseconds without an answer a second request is sent elsewhere; null is never. */
  readonly hedgeAfterMs: number | null
}

/** RFC 9110 section 9.2.2. */
export const idempotentMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE'])

export function compileRetry(written: Retry): CompiledRetry {
  const { attempts, on, methods, backoff_ms, hedge_after_ms } = { ...defaultRetry, ...written }
  return {
    attempts,
    on: new Set(on.map(toFault)),
    methods: methods === null ? idempotentMethods : new Set(methods.map(method => method.toUpperCase())),
    backoffMs: backoff_ms,
    hedgeAfterMs: hedge_after_ms
  }
}

function toFault(name: string): AttemptFault {
  return name === 'connect_error' || name === 'reset' || name === 'timeout' ? name : Number(name)
}

/** Without a limit of the rule for the whole exchange, a target that asks for a longer pause than this is not asked again. */
const longestRetryAfterMs = 1_000
const longestBackoffMs = 1_000

/**
 * How long to wait before further attempt number `index` (0 is the first), in milliseconds: exponential with full jitter
 * (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/), and not before `Retry-After` says. undefined when there is
 * no time for it.
 * @param random from 0 to below 1
 * @param remainingMs of the whole exchange; null is no limit
 */
export function retryDelay(
  backoffMs: number,
  index: number,
  random: number,
  retryAfterMs: number | undefined,
  remainingMs: number | null
): number | undefined {
  const backoff = random * Math.min(backoffMs * 2 ** index, Math.max(backoffMs, longestBackoffMs))
  if (retryAfterMs !== undefined && retryAfterMs > (remainingMs ?? longestRetryAfterMs)) return undefined
  const delayMs = Math.max(backoff, retryAfterMs ?? 0)
  return remainingMs !== null && delayMs >= remainingMs ? undefined : delayMs
}

/** The milliseconds that a `Retry-After` field asks for (RFC 9110 section 10.2.3); undefined when it says nothing readable. */
export function parseRetryAfter(value: string, nowMs: number): number | undefined {
  const text = value.trim()
  if (/^\d{1,10}$/.test(text)) return Number(text) * 1_000
  const at = Date.parse(text)
  return Number.isNaN(at) ? undefined : Math.max(at - nowMs, 0)
}
