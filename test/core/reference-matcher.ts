/**
 * The match language of `docs/design.md` section 3 a second time, written plainly and without looking at the index: try every rule, sort
 * those that match. Only for items and requests of `rule-arbitrary.ts`, which are in normal form already.
 */
import type { ForwardRule, ValueMatch } from '../../schemas/forward-rule.ts'

export interface ReferenceRule {
  readonly item: ForwardRule
  readonly seq: number
}

export interface ReferenceRequest {
  readonly method: string
  readonly path: string
  readonly host: string
  readonly ip: string
  readonly headers: Readonly<Record<string, string>>
  readonly query: readonly (readonly [string, string])[]
  readonly cookies: Readonly<Record<string, string>>
  readonly now: number
}

/** The rules that match, the one that wins first. */
export function referenceMatch(rules: readonly ReferenceRule[], request: ReferenceRequest): readonly ReferenceRule[] {
  return rules.filter(({ item }) => item.enabled && failureOf(item, request) === undefined).sort((a, b) => compare(a, b, request))
}

/** Why a rule does not match: `path`, or the first predicate that fails; undefined when it matches. */
export function failureOf(item: ForwardRule, request: ReferenceRequest): string | undefined {
  if (!pathMatches(item, request.path)) return 'path'
  if (hostScore(item, request.host) < 0) return 'host'
  if (item.methods !== undefined && !item.methods.includes(request.method)) return 'methods'
  const cookieHeader = Object.entries(request.cookies)
  return (
    failedValue('headers', item.headers, name => (name in request.headers ? [request.headers[name]!] : [])) ??
    failedValue('query', item.query, name => request.query.filter(([key]) => key === name).map(([, value]) => value)) ??
    failedValue('cookies', item.cookies, name => cookieHeader.filter(([key]) => key === name).map(([, value]) => value)) ??
    (item.source_ip !== undefined && !item.source_ip.some(block => inBlock(request.ip, block)) ? 'source_ip' : undefined) ??
    (isActive(item, request.now) ? undefined : 'active')
  )
}

function pathMatches({ path, path_type: type }: ForwardRule, actual: string): boolean {
  if (type === 'exact') return actual === path
  if (type === 'regex') return new RegExp(path).test(actual)
  const wanted = path.split('/')
  const given = actual.split('/')
  if (type === 'template')
    return wanted.length === given.length && wanted.every((part, i) => (part.startsWith('{') ? given[i] !== '' : part === given[i]))
  if (wanted.at(-1) === '') wanted.pop()
  return wanted.every((part, i) => part === given[i])
}

/** -1 when no host of the rule fits; otherwise the higher the closer. */
function hostScore({ host }: ForwardRule, actual: string): number {
  const scores = (host ?? ['*']).map(pattern => {
    if (pattern === '*') return 0
    if (!pattern.startsWith('*.')) return pattern === actual ? 1000 : -1
    return actual.endsWith(pattern.slice(1)) && actual.length > pattern.length - 1 ? pattern.length : -1
  })
  return Math.max(...scores)
}

function failedValue(
  field: string,
  wanted: Readonly<Record<string, ValueMatch>> | undefined,
  read: (name: string) => readonly string[]
): string | undefined {
  const names = Object.keys(wanted ?? {}).sort()
  const failed = names.find(name => {
    const match = wanted![name]!
    const values = read(name)
    if (typeof match === 'string') return !values.includes(match)
    if ('present' in match) return values.length > 0 !== match.present
    return !values.some(value => new RegExp(match.regex).test(value))
  })
  return failed === undefined ? undefined : `${field}.${failed}`
}

/** Only blocks of whole octets. */
function inBlock(ip: string, block: string): boolean {
  const [address, bits = '32'] = block.split('/')
  const octets = Number(bits) / 8
  return ip.split('.').slice(0, octets).join('.') === address!.split('.').slice(0, octets).join('.')
}

function isActive({ active }: ForwardRule, now: number): boolean {
  if (active?.from != null && now < Date.parse(active.from)) return false
  return !(active?.until != null && now >= Date.parse(active.until))
}

function compare(a: ReferenceRule, b: ReferenceRule, request: ReferenceRequest): number {
  const keysA = orderKeys(a, request)
  const keysB = orderKeys(b, request)
  for (const [index, key] of keysA.entries()) {
    const other = keysB[index]!
    if (key !== other) return key < other ? -1 : 1
  }
  return 0
}

/** Smaller first, in the order in which they count. */
function orderKeys({ item, seq }: ReferenceRule, request: ReferenceRequest): readonly (string | number)[] {
  const segments = item.path.split('/').slice(1)
  const literals = segments.filter(segment => !segment.startsWith('{')).length
  const places = segments.map(segment => (segment.startsWith('{') ? '1' : '0')).join('')
  const inTemplate = item.path_type === 'template'
  const predicates = [item.methods, item.source_ip, item.active].filter(field => field !== undefined).length
  const values = [item.headers, item.query, item.cookies].flatMap(field => Object.keys(field ?? {})).length
  return [
    -item.priority,
    ['exact', 'template', 'prefix', 'regex'].indexOf(item.path_type),
    inTemplate ? -literals : 0,
    inTemplate ? places : '',
    item.path_type === 'prefix' ? -item.path.length : 0,
    -hostScore(item, request.host),
    -(predicates + values),
    seq,
    item.id
  ]
}
