/** The shape of the table: one row is one exchange between a scripted client and a scripted target, and what must come of it. */
import type { Asked, Message } from './strict-reader.ts'
import type { WireClient } from './wire-client.ts'
import type { WireConnection } from './wire-target.ts'

/** What the client does. */
export interface Sending {
  /** The requests that a correct reader finds in it, in order. */
  readonly asks: readonly Asked[]
  /** Ends when all is sent; may look at what has come meanwhile. */
  readonly run: (client: WireClient) => unknown
  /** Whether the client goes away by itself: no answer is waited for. */
  readonly leaves?: boolean
}

/** What the target does with each request; what it throws ends its connection. */
export type Doing = (connection: WireConnection) => unknown

/** What was seen on both sides of the proxy. Everything in it is well-formed: a row with other bytes has failed already. */
export interface Seen {
  /** The requests that the row sends. */
  readonly asked: readonly Asked[]
  /** Final answers to the requests of the row, complete ones. */
  readonly answers: readonly Message[]
  /** 1xx. */
  readonly interim: readonly Message[]
  /** The answer that broke off, as far as it came. */
  readonly part: Message | undefined
  /** Whether something that had begun did not come to its end, or the connection was reset. */
  readonly cut: boolean
  /** How the client's connection ended. `open`: it never did, and the row gave up. */
  readonly end: 'ended' | 'reset' | 'open'
  /** Whether another request on the same connection was answered rightly afterwards. */
  readonly kept: boolean
  /** Complete requests that reached the target. */
  readonly received: readonly Message[]
  /** Requests that reached the target in part. */
  readonly partial: readonly Message[]
}

/** Says what is wrong with what was seen; undefined when nothing is. */
export type Check = (seen: Seen) => string | undefined

export interface Terms {
  /** The RFCs leave it to the proxy: it may as well refuse with one of these, and forward nothing. */
  readonly mayRefuse?: readonly number[]
  /** Why the row is about Sluice alone: it needs one of its rules, or asks for more than the RFCs do. Left out against others. */
  readonly ours?: string
  /** Why Sluice does not hold the row yet. The row is run, and must fail: when it holds, this line has to go. */
  readonly gap?: string
}

/** A line of the table. */
export type Line = readonly [name: string, client: Sending, target: Doing, sees: Check, receives: Check, terms?: Terms]

export interface Row {
  readonly group: string
  readonly name: string
  readonly client: Sending
  readonly target: Doing
  readonly sees: Check
  readonly receives: Check
  readonly terms: Terms
}

/** The rows of a group. */
export function table(group: string, lines: readonly Line[]): Row[] {
  return lines.map(([name, client, target, sees, receives, terms = {}]) => ({ group, name, client, target, sees, receives, terms }))
}
