/** What a client is told when the exchange with a target fails. Nothing of the inside: the cause is for logs. */
import type { FlightFailure } from '../core/flight.ts'
import type { AttemptFault } from '../core/retry-policy.ts'
import { BadGatewayError, InternalError, UpstreamTimeoutError } from '../errors.ts'

const timeouts: ReadonlySet<string> = new Set(['UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT', 'ETIMEDOUT'])

const ourFaults: ReadonlySet<string> = new Set(['UND_ERR_INVALID_ARG', 'UND_ERR_NOT_SUPPORTED'])

const resets: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET'])

/** The code of an error of undici or the system, or its name. */
export function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name
}

/** The error of `src/errors.ts` that answers a failure of undici or of the connection. */
export function toAnswer(error: Error): Error {
  const code = codeOf(error)
  if (timeouts.has(code)) return new UpstreamTimeoutError()
  // Undici refuses what we built, or we stumbled: a fault of ours, and the log shall say so. All others have a code of their own.
  if (!('code' in error) || ourFaults.has(code)) return Object.assign(new InternalError(), { cause: error })
  return new BadGatewayError({ cause: error })
}

/** Whether the connection was closed under us, as idle keep-alive connections are. */
export function isReset(error: Error): boolean {
  return resets.has(codeOf(error))
}

/** The target ended the stream, or the whole connection, of HTTP/2. Not in `resets`: the connection was no idle one. */
const http2Resets: ReadonlySet<string> = new Set(['ERR_HTTP2_STREAM_ERROR', 'ERR_HTTP2_SESSION_ERROR', 'ERR_HTTP2_GOAWAY_SESSION'])

/** Faults of nobody's request: the gateway is closing. */
const endings: ReadonlySet<string> = new Set(['UND_ERR_DESTROYED', 'UND_ERR_CLOSED'])

/** What `retry.on` calls a failure; undefined for those that no further attempt can help. @param wasStarted whether a connection took the request */
export function faultOf(error: Error, wasStarted: boolean): AttemptFault | undefined {
  const code = codeOf(error)
  if (!('code' in error) || ourFaults.has(code) || endings.has(code)) return undefined
  if (!wasStarted) return 'connect_error'
  if (resets.has(code) || http2Resets.has(code)) return 'reset'
  return timeouts.has(code) ? 'timeout' : undefined
}

/** What a failure says about the target. @param wasStarted whether a connection took the request */
export function failureOf(error: Error, wasStarted: boolean): FlightFailure {
  const code = codeOf(error)
  if (!('code' in error) || ourFaults.has(code) || endings.has(code)) return 'cancelled'
  if (!wasStarted) return 'connect_error'
  return timeouts.has(code) ? 'timeout' : 'reset'
}
