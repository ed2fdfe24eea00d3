/** The hosts that a rule names, and how closely one fits a request. */
import { toMatchHost } from './host.ts'
import { parseIp } from './ip-address.ts'
import type { HostPattern } from './match.ts'
import type { Faults } from './rule-fault.ts'

const anyHost: readonly HostPattern[] = [{ type: 'any' }]
const hostName = /^(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*$/

/** How closely `*` fits: less than any wildcard. */
export const anyHostRank = 0
/** How closely an exact host fits: more than any wildcard, whose rank is the length of its suffix. */
export const exactHostRank = 1_000_000

/** The patterns of a rule's `host`, each once and in one order; absent, every host. */
export function compileHosts(written: readonly string[] | undefined, faults: Faults): readonly HostPattern[] {
  if (written === undefined || written.length === 0) return anyHost
  const patterns = new Map<string, HostPattern>()
  for (const [index, text] of written.entries()) {
    const pattern = parseHostPattern(text)
    if (typeof pattern === 'string') faults.add(['host', index], pattern)
    else patterns.set(hostKey(pattern), pattern)
  }
  return [...patterns.keys()].sort().map(key => patterns.get(key)!)
}

/** The pattern in text, equal for equal patterns: `api.example.com`, `*.example.com`, `*`. */
export function hostKey(pattern: HostPattern): string {
  if (pattern.type === 'any') return '*'
  return pattern.type === 'exact' ? pattern.host : `*.${pattern.suffix}`
}

/** The pattern, or what is wrong with it. */
function parseHostPattern(written: string): HostPattern | string {
  if (written === '*') return { type: 'any' }
  if (written.startsWith('[')) return parseBracketHost(written)
  if (written.includes(':')) return 'must be a host without a port'
  if (written.startsWith('*.')) {
    const suffix = toAsciiName(written.slice(2))
    return suffix === undefined ? 'must be *. and a domain, such as *.example.com' : { type: 'wildcard', suffix }
  }
  if (written.includes('*')) return 'may have a * only as its first label: *.example.com'
  const host = toAsciiName(written)
  return host === undefined ? `'${written}' is not a host name` : { type: 'exact', host }
}

function parseBracketHost(written: string): HostPattern | string {
  const address = /^\[([^\]]*)\]$/.exec(written)?.[1]
  if (address === undefined)
    return written.includes(']:') ? 'must be a host without a port' : `'${written}' is not an IPv6 address in brackets`
  if (!address.includes(':') || address.includes('%') || parseIp(address) === undefined)
    return `'${written}' is not an IPv6 address in brackets`
  return { type: 'exact', host: toMatchHost(written) }
}

/** Lower case, without a trailing dot, international names as clients send them (`xn--…`). */
function toAsciiName(written: string): string | undefined {
  const name = /[^\x00-\x7f]/.test(written) ? URL.parse(`http://${written}`)?.hostname : toMatchHost(written)
  return name !== undefined && hostName.test(name) ? name : undefined
}
