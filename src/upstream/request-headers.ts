/** The header section of the request to the target. */
import type { CompiledRule, TargetAddress } from '../core/route.ts'
import { nominatedBy, requestFieldOf } from './fields.ts'
import { type Claims, type Inbound, pushForwarded } from './forwarded.ts'
import { editHeaders } from './header-edits.ts'

/** What the request says about itself beyond its fields. */
export interface RequestHead extends Inbound {
  /** Names and values in turn, as node:http gives them. */
  readonly rawHeaders: readonly string[]
  /** Of the request line: `1.1` or `1.0`. */
  readonly httpVersion: string
  readonly requestId: string
}

/**
 * Names (in lower case) and values in turn, for undici: the client's fields in their order, repeated ones kept, without what is
 * hop-by-hop; then ours; then the rule's edits. That the request names one host, the router has seen to.
 */
export function toTargetHeaders(head: RequestHead, rule: CompiledRule, target: TargetAddress): string[] {
  const { rawHeaders } = head
  let list: string[] = ['host', toTargetHost(rule.hostHeader, head.host, target.host)]
  let connection: string | undefined
  let via: string | undefined
  let te: string | undefined
  let claims: Claims | undefined
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const { name, use } = requestFieldOf(rawHeaders[at]!)
    const value = rawHeaders[at + 1]!
    if (use === 'pass') list.push(name, value)
    else if (use === 'connection') connection = join(connection, value)
    else if (use === 'via') via = join(via, value)
    else if (use === 'te') te = join(te, value)
    else if (use === 'forwarded') {
      claims ??= {}
      claims[name] = join(claims[name], value)
    }
  }
  // Before our own fields are added: a client cannot have those stripped by nominating them.
  if (connection !== undefined) list = withoutNominated(list, connection)
  if (te !== undefined && acceptsTrailers(te)) list.push('te', 'trailers')
  pushForwarded(list, head, claims)
  list.push('via', join(via, `${head.httpVersion} sluice`), 'x-request-id', head.requestId)
  return rule.requestHeaders === undefined ? list : editHeaders(list, rule.requestHeaders)
}

function join(before: string | undefined, value: string): string {
  return before === undefined ? value : `${before}, ${value}`
}

function toTargetHost(mode: string, received: string, target: string): string {
  if (mode === 'preserve') return received === '' ? target : received
  return mode === 'target' ? target : mode
}

function withoutNominated(list: string[], connection: string): string[] {
  const nominated = nominatedBy(connection)
  if (nominated === undefined) return list
  const kept: string[] = []
  for (let at = 0; at < list.length; at += 2) {
    if (!nominated.has(list[at]!)) kept.push(list[at]!, list[at + 1]!)
  }
  return kept
}

/** RFC 9110 section 10.1.4: of TE only `trailers` says something that reaches beyond this connection. */
function acceptsTrailers(te: string): boolean {
  return te.split(',').some(coding => coding.trim().toLowerCase() === 'trailers')
}
