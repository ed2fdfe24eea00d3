/** What a limit counts apart: from a request to the text of its key. */
import type { RequestFacts } from '../facts.ts'
import type { PathMatcher } from '../match.ts'
import { capturesOf } from '../placeholders.ts'

/** The key of a request under one limit. */
export type ToKey = (facts: RequestFacts) => string

/** One part of a key; undefined when the request has no such value. */
type ReadPart = (facts: RequestFacts) => string | undefined

/** The client's address; of IPv6 the /64, which is what one subscriber has at the least (RFC 6177). */
export function addressKey(facts: RequestFacts): string {
  const { ip } = facts
  if (!ip.includes(':')) return ip
  const words = facts.ipWords
  return words === undefined || words.length < 4 ? ip : `${words[0]!.toString(16)}:${words[1]!.toString(16)}/64`
}

/** @param parts as in the schema, without a fault @param path what `param:X` is taken from; undefined for the limits of a tier */
export function compileKey(parts: readonly string[], path: PathMatcher | undefined): ToKey {
  const reads = parts.filter(part => part !== 'rule' && part !== 'global').map(part => toPart(part, path))
  const [first] = reads
  if (first === undefined) return () => ''
  if (reads.length === 1) return parts.includes('ip') ? addressKey : facts => tagged(first(facts), facts)
  return facts => {
    let key = ''
    for (const read of reads) {
      const value = tagged(read(facts), facts)
      // With its length in front: no two lists of values make one text.
      key += `${value.length}:${value}`
    }
    return key
  }
}

// A client that sends somebody's address as its value must not be counted as that one.
function tagged(value: string | undefined, facts: RequestFacts): string {
  return value === undefined ? addressKey(facts) : `=${value}`
}

function toPart(part: string, path: PathMatcher | undefined): ReadPart {
  const colon = part.indexOf(':')
  const kind = colon === -1 ? part : part.slice(0, colon)
  const name = part.slice(colon + 1)
  switch (kind) {
    case 'header': {
      const lower = name.toLowerCase()
      return facts => facts.header(lower)
    }
    case 'cookie':
      return facts => facts.cookie(name)
    case 'query':
      return facts => facts.queryValues(name)[0]
    case 'param':
      // In the form that rules are matched in: another encoding is no other value.
      return ({ path: { match } }) => capturesOf(path!, { match, forward: match })(name)
    case 'client':
      return facts => facts.client?.id
    default:
      return () => undefined
  }
}
