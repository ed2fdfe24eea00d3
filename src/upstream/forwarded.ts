/** The fields by which a proxy tells the next hop who asked for what: X-Forwarded-*, X-Real-IP and Forwarded (RFC 7239). */
import type { Peer } from './exchange.ts'

/** What came in on the client's connection. */
export interface Inbound {
  readonly peer: Peer
  /** The client's address after trusted proxies. */
  readonly clientIp: string
  /** Host and port as the client named them; `''` when it did not. */
  readonly host: string
  /** Whether the connection is TLS. */
  readonly secure: boolean
}

/** The forwarding fields that the peer sent: repeated ones joined; undefined when absent. Ignored unless the peer is trusted. */
export type Claims = Record<string, string | undefined>

const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/

/** Appends the forwarding fields to `list`. What an untrusted peer claims is replaced, what a trusted one says is continued. */
export function pushForwarded(list: string[], { peer, clientIp, host, secure }: Inbound, claims: Claims | undefined): void {
  const said = peer.trusted ? claims : undefined
  const proto = secure ? 'https' : 'http'
  const element = forwardedElement(peer.ip, host, proto)
  list.push('x-forwarded-for', append(said?.['x-forwarded-for'], peer.ip), 'x-forwarded-proto', said?.['x-forwarded-proto'] ?? proto)
  const namedHost = said?.['x-forwarded-host'] ?? host
  if (namedHost !== '') list.push('x-forwarded-host', namedHost)
  list.push('x-real-ip', clientIp, 'forwarded', append(said?.['forwarded'], element))
  if (said === undefined) return
  for (const [name, value] of Object.entries(said)) if (!written.has(name)) list.push(name, value!)
}

const written: ReadonlySet<string> = new Set(['x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host', 'x-real-ip', 'forwarded'])

function append(list: string | undefined, last: string): string {
  return list === undefined || list === '' ? last : `${list}, ${last}`
}

/** One element of Forwarded. IPv6 addresses and hosts with a port are no tokens and need quotes (RFC 7239 sections 4 and 6). */
export function forwardedElement(ip: string, host: string, proto: string): string {
  const node = ip.includes(':') ? `"[${ip}]"` : ip
  if (host === '') return `for=${node};proto=${proto}`
  return `for=${node};host=${token.test(host) ? host : `"${host}"`};proto=${proto}`
}
