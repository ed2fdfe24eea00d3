/** Hosts in the form in which rules and requests are compared. */
import { canonicalIp } from './ip-address.ts'

/** Host for matching: lower case, no port, no trailing dot; '' when absent; IPv6 keeps its brackets and is written as in RFC 5952. */
export function toMatchHost(hostHeader: string | undefined): string {
  if (hostHeader === undefined) return ''
  const host = hostHeader.toLowerCase()
  if (host.charCodeAt(0) === 91 /* [ */) return toBracketHost(host)
  const colon = host.indexOf(':')
  const name = colon === -1 ? host : host.slice(0, colon)
  return name.endsWith('.') ? name.slice(0, -1) : name
}

function toBracketHost(host: string): string {
  const end = host.indexOf(']')
  if (end === -1) return host
  const address = canonicalIp(host.slice(1, end))
  return address?.includes(':') ? `[${address}]` : host.slice(0, end + 1)
}
