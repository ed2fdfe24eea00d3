/** Header fields that a proxy may not pass on as they are (RFC 9110 section 7.6.1). */

/**
 * How a request field travels: `drop` hop-by-hop or never for a target; `connection`, `te`, `via`, `host` are read and written anew;
 * `forwarded` belongs to the proxies before us and counts only when the peer is trusted; `pass` is everything else.
 */
export type FieldUse = 'pass' | 'drop' | 'connection' | 'te' | 'via' | 'host' | 'forwarded'

export interface RequestField {
  /** In lower case. */
  readonly name: string
  readonly use: FieldUse
}

const uses: ReadonlyMap<string, FieldUse> = new Map<string, FieldUse>([
  ['connection', 'connection'],
  ['te', 'te'],
  ['via', 'via'],
  ['host', 'host'],
  ['forwarded', 'forwarded'],
  ['x-real-ip', 'forwarded'],
  ['keep-alive', 'drop'],
  ['proxy-connection', 'drop'],
  ['transfer-encoding', 'drop'],
  ['upgrade', 'drop'],
  ['http2-settings', 'drop'],
  // Made anew by whoever sends the body: `special-request.ts`.
  ['trailer', 'drop'],
  // For the next proxy only, which is us (RFC 9110 section 11.7).
  ['proxy-authorization', 'drop'],
  ['proxy-authenticate', 'drop'],
  ['expect', 'drop'],
  // CGI programs would take it for the variable HTTP_PROXY (CVE-2016-5385, "httpoxy").
  ['proxy', 'drop'],
  // Taken or made by the request-id plugin.
  ['x-request-id', 'drop']
])

const maxRemembered = 2_048
const maxRememberedLength = 64
const remembered = new Map<string, RequestField>()

/** What to do with a request field, by its name as sent. */
export function requestFieldOf(sentName: string): RequestField {
  const known = remembered.get(sentName)
  if (known !== undefined) return known
  const name = sentName.toLowerCase()
  const use = uses.get(name) ?? (name.startsWith('x-forwarded-') ? 'forwarded' : 'pass')
  const field = { name, use }
  // Names are few in practice and spelled alike; the bound is for clients that make them up.
  if (remembered.size < maxRemembered && sentName.length <= maxRememberedLength) remembered.set(sentName, field)
  return field
}

/** Names of response fields that end here. `trailer` is decided where it is known whether the answer can have trailers. */
export const responseHopByHop: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authentication-info',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'x-request-id'
])

/** Names that frame a message or its connection: no trailer may carry them (RFC 9110 section 6.5.1). */
export const framingFields: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'expect',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade'
])

/** The names that a Connection field nominates, in lower case; undefined when it only says how long the connection lives. */
export function nominatedBy(connection: string): ReadonlySet<string> | undefined {
  const value = connection.toLowerCase()
  if (value === 'keep-alive' || value === 'close') return undefined
  const names = new Set(value.split(',').map(name => name.trim()))
  // Without these two the target would read another request than the one that was routed.
  names.delete('host')
  names.delete('content-length')
  return names
}
