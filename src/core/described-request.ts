/** A request in words, taken apart as the proxy takes a real one apart: for `explain` and for the tests of rules. */
import type { ExplainRequest } from '../../schemas/admin-explain.ts'
import { RequestFacts, type RequestHeaders } from './facts.ts'
import { toMatchHost } from './host.ts'
import { canonicalIp } from './ip-address.ts'
import { type NormalPath, normalisePath, type PathMode } from './path.ts'
import { isAuthority, parseRequestTarget } from './request-target.ts'

/** What rules see of the request, but for the moment when it is not said. */
export interface DescribedRequest {
  readonly method: string
  readonly path: NormalPath
  readonly search: string
  readonly host: string
  readonly ip: string
  readonly headers: RequestHeaders
  /** Milliseconds since the epoch; undefined: whenever it is asked about. */
  readonly at: number | undefined
}

/** Why the proxy would refuse the request before it looks at rules, or why it cannot be one. */
export interface RequestFault {
  /** The way to the field. */
  readonly keys: readonly string[]
  readonly detail: string
}

/**
 * @param asked has passed its schema
 * @param paths what the proxy takes in a path
 */
export function describeRequest(asked: ExplainRequest, paths: PathMode): DescribedRequest | RequestFault {
  const { method = 'GET', url, headers = {}, source_ip = '127.0.0.1', at } = asked
  const target = parseRequestTarget(url)
  const path = target === undefined ? undefined : normalisePath(target.path, paths)
  if (target === undefined || path === undefined)
    return { keys: ['url'], detail: 'is malformed or ambiguous: the gateway answers it with 400 bad_path' }
  const fields = toFields(headers)
  const host = target.authority ?? fields.host ?? ''
  if (!isAuthority(host)) return { keys: target.authority === undefined ? ['headers', 'host'] : ['url'], detail: 'has a malformed host' }
  const ip = canonicalIp(source_ip)
  if (ip === undefined) return { keys: ['source_ip'], detail: 'must be an IPv4 or IPv6 address' }
  const time = at === undefined ? undefined : Date.parse(at)
  // RFC 3339 knows leap seconds, a clock of milliseconds does not.
  if (Number.isNaN(time)) return { keys: ['at'], detail: 'is not a point in time' }
  return { method: method.toUpperCase(), path, search: target.search, host: toMatchHost(host), ip, headers: fields, at: time }
}

/** @param now milliseconds since the epoch, for a request that does not say when */
export function toFacts({ method, path, search, host, ip, headers, at }: DescribedRequest, now: number): RequestFacts {
  return new RequestFacts(method, path, search, host, ip, headers, at ?? now)
}

/** Names in lower case and repeated fields joined, as `node:http` hands them to the proxy. */
function toFields(headers: NonNullable<ExplainRequest['headers']>): Record<string, string> {
  // No prototype: a field named `constructor` is only there when it was given.
  const fields: Record<string, string> = Object.create(null)
  for (const [written, value] of Object.entries(headers)) {
    const name = written.toLowerCase()
    const values = [fields[name] ?? [], value].flat()
    fields[name] = values.join(name === 'cookie' ? '; ' : ', ')
  }
  return fields
}
