/**
 * Whether one rule leaves nothing for another. Sound and not complete: yes is a proof, no may be ignorance. Only two are compared: that several
 * together leave nothing for one is not seen.
 */
import { hostRankOf } from './accepts.ts'
import { hostKey } from './host-pattern.ts'
import type { HostPattern } from './match.ts'
import type { RuleGroup } from './rule-group.ts'
import { type Criterion, compareRank, criterionOf } from './rule-order.ts'
import { coversConditions } from './shadow-conditions.ts'
import { coversPath } from './shadow-path.ts'

/** By what `first` takes every request that `other` matches; undefined when it may leave some. */
export function shadowsBy(first: RuleGroup, other: RuleGroup): Criterion | undefined {
  if (compareRank(first, 0, other, 0) >= 0) return undefined
  const criterion = criterionOf(first, 0, other, 0)
  const [outer, inner] = [first.match, other.match]
  if (!coversPath(outer.path, inner.path)) return undefined
  const isBeforeHost = criterion === 'priority' || criterion === 'path'
  // Where the host counts before what decides, `first` must fit as closely on every host: it does where it names the same ones.
  const coversHosts = isBeforeHost ? takesHosts(outer.hosts, inner.hosts) : namesHosts(outer.hosts, inner.hosts)
  return coversHosts && coversConditions(first.rules[0]!.item, other.rules[0]!.item) ? criterion : undefined
}

/** Lists longer than these are not compared: a list of hosts has up to a thousand. */
const pairsLimit = 10_000

/** Whether every host that fits one of `inner` fits one of `outer`. */
function takesHosts(outer: readonly HostPattern[], inner: readonly HostPattern[]): boolean {
  if (outer.some(({ type }) => type === 'any')) return true
  if (outer.length * inner.length > pairsLimit) return false
  return inner.every(pattern => {
    if (pattern.type === 'any') return false
    if (pattern.type === 'exact') return hostRankOf(outer, pattern.host) !== undefined
    return outer.some(
      other => other.type === 'wildcard' && (other.suffix === pattern.suffix || pattern.suffix.endsWith(`.${other.suffix}`))
    )
  })
}

function namesHosts(outer: readonly HostPattern[], inner: readonly HostPattern[]): boolean {
  const names = new Set(outer.map(hostKey))
  return inner.every(pattern => names.has(hostKey(pattern)))
}
