/** Sticky sessions: which target a client's cookie names, and the cookie that names a target. */
import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { TLSSocket } from 'node:tls'
import type { RequestFacts } from '../core/facts.ts'
import type { CompiledSticky } from '../core/route.ts'
import type { Candidate, TargetState } from '../core/target-state.ts'
import type { Exchange } from './exchange.ts'

const tokens = new WeakMap<TargetState, string>()

/** What the cookie says: the same on every instance and after a restart, and not the address. A target's state belongs to one service. */
function tokenOf(state: TargetState, service: string): string {
  let token = tokens.get(state)
  if (token === undefined) {
    // No id has a space.
    token = createHash('sha256').update(`${service} ${state.url}`).digest('base64url').slice(0, 16)
    tokens.set(state, token)
  }
  return token
}

/** The one of `candidates` that the client's cookie names; undefined when there is no cookie, or its target is not among them. */
export function keptTarget(
  { cookie }: CompiledSticky,
  facts: RequestFacts,
  candidates: readonly Candidate[],
  service: string
): Candidate | undefined {
  const sent = facts.cookie(cookie)
  return sent === undefined ? undefined : candidates.find(({ state }) => tokenOf(state, service) === sent)
}

/** The value of `Set-Cookie` for the answer of the exchange's target; undefined when the client has that cookie already, or gets none. */
function stickyCookie({ sticky, service, targetState, facts, peer }: Exchange, request: IncomingMessage): string | undefined {
  if (sticky === undefined || targetState === undefined) return undefined
  const token = tokenOf(targetState, service!)
  if (facts!.cookie(sticky.cookie) === token) return undefined
  // RFC 6265 section 5.4: a browser sends a Secure cookie over TLS alone, so it is one only where the client has TLS.
  const isSecure =
    (request.socket as Partial<TLSSocket>).encrypted === true || (peer!.trusted && facts!.header('x-forwarded-proto') === 'https')
  return `${sticky.cookie}=${token}${sticky.attributes}${isSecure ? '; Secure' : ''}`
}

/** Adds the cookie to the header section of an answer, where the client needs it: names and values in turn. */
export function addSticky(list: string[], exchange: Exchange, request: IncomingMessage): void {
  const cookie = stickyCookie(exchange, request)
  if (cookie !== undefined) list.push('set-cookie', cookie)
}
