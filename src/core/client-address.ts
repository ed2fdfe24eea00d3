/** Who is at the other end, behind the proxies that the operator trusts. */
import type { CidrSet } from './ip.ts'
import { canonicalIp } from './ip-address.ts'

/**
 * The client's address: the peer, or, when the peer is in `trusted`, the last address of X-Forwarded-For (right to left) that is not. When
 * all are trusted, the leftmost; an entry that is no address ends the search, since nothing before it can be believed. v4-mapped v6 is
 * written as v4, other v6 as in RFC 5952.
 */
export function clientAddress(peer: string, forwardedFor: string | undefined, trusted: CidrSet): string {
  const direct = toPeerAddress(peer)
  if (forwardedFor === undefined || !trusted.has(direct)) return direct
  let address = direct
  for (const entry of forwardedFor.split(',').reverse()) {
    const hop = canonicalIp(withoutPort(entry.trim()))
    if (hop === undefined) return address
    address = hop
    if (!trusted.has(hop)) return address
  }
  return address
}

// A socket's address has one spelling already, but for v4 on a dual-stack listener and the zone of a link-local one.
function toPeerAddress(peer: string): string {
  if (!peer.includes(':')) return peer
  return peer.startsWith('::ffff:') || peer.includes('%') ? (canonicalIp(peer) ?? peer) : peer
}

/** Some proxies add a port: `192.0.2.1:4711`, `[2001:db8::1]:4711`. */
function withoutPort(entry: string): string {
  if (entry.startsWith('[')) return /^\[([^\]]*)\](?::\d+)?$/.exec(entry)?.[1] ?? entry
  return /^[\d.]+:\d+$/.test(entry) ? entry.slice(0, entry.indexOf(':')) : entry
}
