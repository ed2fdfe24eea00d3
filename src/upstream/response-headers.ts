/** The header section and the trailers of the answer to the client. */
import type { CompiledHeaderEdits } from '../core/route.ts'
import { framingFields, nominatedBy, responseHopByHop } from './fields.ts'
import { editHeaders } from './header-edits.ts'

/** What undici hands out: names in lower case, repeated fields as a list. */
export type ReceivedFields = Readonly<Record<string, string | string[] | undefined>>

export interface AnswerHead {
  readonly status: number
  readonly fields: ReceivedFields
  readonly requestId: string
  /** As `Exchange.limitFields`: they take the place of the target's own. */
  readonly limitFields: readonly string[] | undefined
  /** Whether the answer to the client is chunked and the client may therefore get trailers. */
  readonly mayHaveTrailers: boolean
}

/** Names (in lower case) and values in turn, for `writeHead`: the target's end-to-end fields, ours, then the rule's edits. */
export function toClientHeaders(
  { status, fields, requestId, limitFields, mayHaveTrailers }: AnswerHead,
  edits: CompiledHeaderEdits | undefined
): string[] {
  const list: string[] = []
  const nominated = fields['connection'] === undefined ? undefined : nominatedBy(String(fields['connection']))
  // A length beside Transfer-Encoding does not count (RFC 9112 section 6.3), and 204 has none (RFC 9110 section 8.6).
  const lengthCounts = fields['transfer-encoding'] === undefined && status !== 204
  for (const name in fields) {
    if (responseHopByHop.has(name) || name === 'via' || nominated?.has(name)) continue
    if (name === 'content-length' && !lengthCounts) continue
    if (limitFields !== undefined && name.startsWith('x-ratelimit-')) continue
    pushField(list, name, fields[name]!)
  }
  // RFC 9112 section 7.1.2; node:http throws on a Trailer field where there can be none, and that would end the process.
  if (mayHaveTrailers && fields['trailer'] !== undefined) pushField(list, 'trailer', fields['trailer'])
  const via = fields['via']
  list.push('via', via === undefined ? '1.1 sluice' : `${String(via)}, 1.1 sluice`, 'x-request-id', requestId)
  if (limitFields !== undefined) list.push(...limitFields)
  return edits === undefined ? list : editHeaders(list, edits)
}

function pushField(list: string[], name: string, value: string | string[]): void {
  if (typeof value === 'string') list.push(name, value)
  else for (const one of value) list.push(name, one)
}

/** The trailers that may be passed on (RFC 9110 section 6.5.1), as pairs; undefined when there are none. */
export function toClientTrailers(trailers: ReceivedFields): [string, string][] | undefined {
  let list: [string, string][] | undefined
  for (const name in trailers) {
    if (framingFields.has(name) || name === 'host' || name === 'set-cookie') continue
    const value = trailers[name]!
    list ??= []
    for (const one of typeof value === 'string' ? [value] : value) list.push([name, one])
  }
  return list
}
