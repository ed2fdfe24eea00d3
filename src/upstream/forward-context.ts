/** What an exchange with a target needs of those around it: where its answer goes, and what holds for all of them. */
import type { ServerResponse } from 'node:http'
import type { FlightFailure } from '../core/flight.ts'
import type { ClientRate } from './client-rate.ts'
import type { AttemptsContext, Copier } from './own-requests.ts'
import type { RetryBudgets } from './retry-budgets.ts'

/** Where the answer goes: raw once the target's answer begins, otherwise as an error. A Fastify reply is one. */
export interface AnswerSlot {
  readonly raw: ServerResponse
  /** The answer is written to `raw` from here on. */
  hijack(): unknown
  /** Nothing was written: answers with this error. */
  send(error: Error): unknown
}

/** What holds for every exchange of a gateway. */
export interface ForwardContext extends AttemptsContext {
  /** How long a client may neither send nor take data while the exchange waits for it, in milliseconds. */
  readonly clientStallMs: number
  /** How slowly the body of a request may come; undefined is no limit. */
  readonly clientRate?: ClientRate | undefined
  /** How long a client may go on with its request after the whole answer was sent, in milliseconds. */
  readonly lingerMs: number
  /** Whether the gateway is closing: answers that begin now end their connections. */
  readonly draining: boolean
  readonly mirrors: Copier
  readonly retryBudgets: RetryBudgets
}

/** Sends several requests for one exchange. */
export interface Attempts {
  /** Ends all of them. @param failure what that says about the targets of those under way */
  cancel(failure: FlightFailure): void
}
