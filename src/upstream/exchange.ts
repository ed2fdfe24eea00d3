/** What is known about one exchange while it runs: decided by the router, filled in by the proxy, read by the access log and the metrics. */
import type { ServerResponse } from 'node:http'
import type { FallbackAnswer } from '../core/breaker-policy.ts'
import type { RequestFacts } from '../core/facts.ts'
import type { Arm } from '../core/rollout-traffic.ts'
import type { CompiledSticky, Route } from '../core/route.ts'
import type { Snapshot } from '../core/snapshot.ts'
import type { TargetState } from '../core/target-state.ts'
import type { BreakerCall } from './breaker-call.ts'
import type { BreakerGroup } from './breaker-group.ts'

/** Why breakers let a request through to no target. */
export interface BreakerRefusal {
  /** Until they let requests through again, as far as is known. */
  readonly retryAfterMs: number
  /** What is answered instead of the problem. */
  readonly respond: FallbackAnswer | undefined
}

/** The other end of a client's connection. */
export interface Peer {
  /** Its address in canonical form, or `unknown` when the socket has none. */
  readonly ip: string
  /** Whether its forwarding fields are believed. */
  readonly trusted: boolean
}

export interface Cancellable {
  /** Ends it without an answer; nothing happens when it has ended by itself. */
  cancel(): void
}

export class Exchange {
  /** When the header section of the request had arrived, on the clock of `performance.now()`. */
  readonly startedMs: number
  /** The request id, also on the answer. */
  readonly id: string
  peer: Peer | undefined
  /** Host and port as the client named them; `''` when it did not. */
  host = ''
  facts: RequestFacts | undefined
  /** The configuration that the request started with and keeps. */
  snapshot: Snapshot | undefined
  route: Route | undefined
  /** The side of a running rollout that the request is on; undefined when it does not concern the request. */
  arm: Arm | undefined
  /** The id of the service that took the request. */
  service: string | undefined
  /** The target's URL, as the operator wrote it. */
  target: string | undefined
  /** The live state of the target that was picked last; undefined for a rule's own target. */
  targetState: TargetState | undefined
  /** How the client is kept at the target; undefined when it is not. */
  sticky: CompiledSticky | undefined
  /** From handing the request to the pool until the head of the target's answer, in milliseconds. */
  upstreamMs: number | undefined
  /** Called when the exchange ends: each gives back what it holds. */
  releases: (() => void)[] | undefined
  /** The breakers that guard the request; undefined when none does. */
  breaker: BreakerGroup | undefined
  /** How a breaker hears of the request to the target that was picked first. */
  breakerCall: BreakerCall | undefined
  /** Breakers keep the request from every target. */
  refusal: BreakerRefusal | undefined
  /** No target was found because all have as many requests in flight as they may. */
  isFull = false
  /** Whether the overload guard let it in and counts it. */
  admitted = false
  /** How many requests were sent to targets; without a `retry` one at most. */
  attempts = 1
  /** What limits have to say on the answer, whoever gives it: names (in lower case) and values in turn. Undefined: nothing. */
  limitFields: readonly string[] | undefined
  /** Whether it has ended. */
  isOver = false
  /** Bytes of the answer's body that were handed to the client's connection. */
  bytesSent = 0
  /** Bytes of the messages that the client of a WebSocket sent. */
  bytesReceived = 0
  /** The code of the problem that was answered, or of the reason why a begun answer was broken off. */
  error: string | undefined
  /** What the target's connection said, such as `ECONNREFUSED`: for logs only. */
  upstreamError: string | undefined

  /** The upstream request, to be cancelled when the exchange ends before it. */
  upstream: Cancellable | undefined

  constructor(id: string, startedMs: number) {
    this.id = id
    this.startedMs = startedMs
  }
}

/** Reasons why an answer that had begun was broken off, of which the target is the cause. */
const targetFaults: ReadonlySet<string | undefined> = new Set(['bad_gateway', 'upstream_timeout'])

/** Whether an exchange that is over failed, and not because of the client. */
export function isFailure({ error }: Exchange, response: ServerResponse): boolean {
  return statusOf(response) >= 500 || targetFaults.has(error)
}

/** The status of an exchange that is over: 499, as nginx has it, when the client left before there was one. */
export function statusOf(response: ServerResponse): number {
  return response.headersSent || wasUpgraded(response) ? response.statusCode : 499
}

/** Whether the connection became a WebSocket: then `ws` has sent the head of the answer, and node:http knows nothing of it. */
export function wasUpgraded(response: ServerResponse): boolean {
  return response.statusCode === 101
}
