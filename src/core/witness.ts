/** A request that two rules both match and between which nothing decides but their age. Found by trying: what is returned was checked. */
import type { ForwardRule } from '../../schemas/forward-rule.ts'
import { accepts, hostRankOf, literalsOf } from './accepts.ts'
import { RequestFacts } from './facts.ts'
import type { HostPattern, PathMatcher } from './match.ts'
import { type NormalPath, normalisePath } from './path.ts'
import { sampleOf } from './regex-sample.ts'
import type { RuleGroup } from './rule-group.ts'
import { criterionOf } from './rule-order.ts'
import { lowerCased, type Values } from './shadow-conditions.ts'

/** Of longer lists of hosts and addresses only the first are tried. */
const tries = 8

/** Undefined when none is found, which does not mean that there is none. */
export function witnessOf(a: RuleGroup, b: RuleGroup): RequestFacts | undefined {
  if (criterionOf(a, 0, b, 0) !== 'age') return undefined
  const host = hostOf(a, b)
  if (host === undefined) return undefined
  const [first, second] = [a.rules[0]!.item, b.rules[0]!.item]
  for (const path of pathsOf(a.match.path, b.match.path))
    for (const ip of addressesOf(first, second)) {
      const facts = new RequestFacts(
        methodOf(first, second),
        path,
        searchOf(first, second),
        host,
        ip,
        headersOf(first, second),
        momentOf(first, second)
      )
      if (isMatchedByBoth(facts, a, b)) return facts
    }
  return undefined
}

function isMatchedByBoth(facts: RequestFacts, a: RuleGroup, b: RuleGroup): boolean {
  const [aHost, bHost] = [accepts(a.match, facts), accepts(b.match, facts)]
  return aHost !== undefined && bHost !== undefined && criterionOf(a, aHost, b, bHost) === 'age'
}

/** A host that fits both equally well. */
function hostOf(a: RuleGroup, b: RuleGroup): string | undefined {
  const hosts = a.match.hosts.slice(0, tries).map(sampleHost)
  return hosts.find(host => hostRankOf(a.match.hosts, host) === hostRankOf(b.match.hosts, host))
}

/** A host that fits the pattern. */
export function sampleHost(pattern: HostPattern): string {
  if (pattern.type === 'exact') return pattern.host
  return pattern.type === 'any' ? 'any.example' : `any.${pattern.suffix}`
}

function pathsOf(a: PathMatcher, b: PathMatcher): readonly NormalPath[] {
  const paths = a.type === 'regex' || b.type === 'regex' ? [samplePath(a), samplePath(b)] : [samplePath(a)]
  return paths.flatMap(path => normalisePath(path) ?? [])
}

/** A path that the matcher most likely takes. */
export function samplePath(matcher: PathMatcher): string {
  if (matcher.type === 'exact') return matcher.path
  if (matcher.type === 'prefix') return matcher.path || '/'
  if (matcher.type === 'template')
    return `/${literalsOf(matcher)
      .map(literal => literal ?? 'x')
      .join('/')}`
  const sample = sampleOf(matcher.source)
  return sample.startsWith('/') ? sample : `/${sample}`
}

function methodOf({ methods: a }: ForwardRule, { methods: b }: ForwardRule): string {
  return a?.find(method => b?.includes(method) ?? true) ?? b?.[0] ?? 'GET'
}

function addressesOf({ source_ip: a = [] }: ForwardRule, { source_ip: b = [] }: ForwardRule): readonly string[] {
  const written = [...a.slice(0, tries), ...b.slice(0, tries)].map(block => block.split('/')[0]!)
  return written.length === 0 ? ['192.0.2.1'] : written
}

function momentOf({ active: a }: ForwardRule, { active: b }: ForwardRule): number {
  const starts = [a?.from, b?.from].flatMap(time => (time == null ? [] : Date.parse(time)))
  const ends = [a?.until, b?.until].flatMap(time => (time == null ? [] : Date.parse(time)))
  return starts.length > 0 ? Math.max(...starts) : Math.min(0, ...ends.map(end => end - 1))
}

function searchOf(a: ForwardRule, b: ForwardRule): string {
  const values = valuesOf(a.query, b.query)
  return values.length === 0 ? '' : `?${new URLSearchParams(values)}`
}

function headersOf(a: ForwardRule, b: ForwardRule): Record<string, string> {
  const cookies = valuesOf(a.cookies, b.cookies).map(([name, value]) => `${name}=${value}`)
  const headers = valuesOf(lowerCased(a.headers), lowerCased(b.headers))
  return Object.fromEntries(cookies.length === 0 ? headers : [['cookie', cookies.join('; ')], ...headers])
}

/** For each name a value that is most likely right for both; none where one of them wants it to be absent. */
function valuesOf(a: Values = {}, b: Values = {}): [name: string, value: string][] {
  const names = new Set([...Object.keys(a), ...Object.keys(b)])
  return [...names].flatMap(name => {
    const wanted = [a[name], b[name]].filter(match => match !== undefined)
    if (wanted.some(match => typeof match === 'object' && 'present' in match && !match.present)) return []
    const text = wanted.find(match => typeof match === 'string')
    const pattern = wanted.find(match => typeof match === 'object' && 'regex' in match)
    const value = text ?? (typeof pattern === 'object' && 'regex' in pattern ? sampleOf(pattern.regex) : 'x')
    return [[name, value] as [string, string]]
  })
}
