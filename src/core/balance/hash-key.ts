/** What of a request decides where it goes, for balancers that hash. */
import type { RequestFacts } from '../facts.ts'

/** Reads a `hash_on`: `ip`, `client`, `path`, `header:X`, `cookie:X` or `query:X`. Where a request has no such value, its client's address is taken. */
export function toHashKey(hashOn: string): (facts: RequestFacts) => string {
  const colon = hashOn.indexOf(':')
  const [kind, name] = colon === -1 ? [hashOn, ''] : [hashOn.slice(0, colon), hashOn.slice(colon + 1)]
  const field = name.toLowerCase()
  if (kind === 'client') return facts => facts.client?.id ?? facts.ip
  if (kind === 'path') return facts => facts.path.match
  if (kind === 'header') return facts => facts.header(field) ?? facts.ip
  if (kind === 'cookie') return facts => facts.cookie(name) ?? facts.ip
  if (kind === 'query') return facts => facts.queryValues(name)[0] ?? facts.ip
  return facts => facts.ip
}
