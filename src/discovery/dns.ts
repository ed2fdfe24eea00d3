/** Targets by DNS: the addresses of a name, or its SRV records (RFC 2782), for as long as they hold. */

import type { RecordWithTtl, SrvRecord } from 'node:dns'
import { Resolver } from 'node:dns/promises'
import type { Discovery } from '../../schemas/discovery.ts'
import type { DiscoveredTarget } from '../core/discovery.ts'
import { Rounds } from './rounds.ts'
import { type DiscoverySource, type SourceEvents, toUrl, toWeight } from './source.ts'

const defaultRefreshMs = 5_000
/** A TTL of 0 asks no more often than this. */
const minRefreshMs = 500

interface Answer {
  readonly targets: readonly DiscoveredTarget[]
  /** How long it holds, in seconds; Infinity when nothing says so. */
  readonly ttlS: number
}

export function openDnsSource(discovery: Discovery, { onTargets, onTrouble }: SourceEvents): DiscoverySource {
  const resolver = new Resolver({ timeout: 1_000, tries: 2 })
  if (discovery.server !== undefined) resolver.setServers([discovery.server])
  const { refresh_ms: refreshMs = defaultRefreshMs } = discovery
  let isClosed = false
  const round = async (signal: AbortSignal): Promise<number> => {
    const { targets, ttlS } = discovery.record === 'SRV' ? await bySrv(resolver, discovery) : await byAddress(resolver, discovery)
    if (signal.aborted || isClosed) return 0
    onTargets(targets)
    return Math.min(refreshMs, Math.max(minRefreshMs, ttlS * 1_000))
  }
  const rounds = new Rounds({ round, onTrouble: error => (isClosed ? undefined : onTrouble(error)) })
  return {
    refresh: () => rounds.refresh(),
    async close() {
      isClosed = true
      resolver.cancel()
      await rounds.close()
    }
  }
}

async function byAddress(resolver: Resolver, { name, record = 'A', scheme = 'http', port = portOf(scheme) }: Discovery): Promise<Answer> {
  const found = await addresses(resolver, name!, record === 'AAAA')
  return { targets: found.map(({ address }) => ({ url: toUrl(scheme, address, port), weight: 1 })), ttlS: leastTtl(found) }
}

function portOf(scheme: string): number {
  return scheme === 'https' ? 443 : 80
}

// Only the records of the best priority are used: the others are for when none of those can be reached.
async function bySrv(resolver: Resolver, { name, scheme = 'http' }: Discovery): Promise<Answer> {
  const records = await orNone(resolver.resolveSrv(name!))
  const best = Math.min(...records.map(({ priority }) => priority))
  // "." says that there is decidedly no such service.
  const used = records.filter(record => record.priority === best && record.name !== '' && record.name !== '.')
  const weights = scaled(used)
  const found = await Promise.all(
    used.map(async ({ name: host, port }, index) => {
      const both = (await Promise.all([addresses(resolver, host, false), addresses(resolver, host, true)])).flat()
      const targets = both.map(({ address }) => ({ url: toUrl(scheme, address, port), weight: weights[index]! }))
      return { targets, ttlS: leastTtl(both) }
    })
  )
  return { targets: found.flatMap(({ targets }) => targets), ttlS: Math.min(Number.POSITIVE_INFINITY, ...found.map(({ ttlS }) => ttlS)) }
}

// Up to 65535 there, up to 1000 here. A weight of 0 has "a very small chance" and drains nothing.
function scaled(records: readonly SrvRecord[]): readonly number[] {
  const most = Math.max(1_000, ...records.map(({ weight }) => weight))
  return records.map(({ weight }) => Math.max(1, toWeight((weight * 1_000) / most)))
}

function addresses(resolver: Resolver, name: string, isV6: boolean): Promise<readonly RecordWithTtl[]> {
  return orNone(isV6 ? resolver.resolve6(name, { ttl: true }) : resolver.resolve4(name, { ttl: true }))
}

function leastTtl(records: readonly RecordWithTtl[]): number {
  return Math.min(Number.POSITIVE_INFINITY, ...records.map(({ ttl }) => ttl))
}

/** No such name, and no such record of it, are answers. */
async function orNone<T>(query: Promise<readonly T[]>): Promise<readonly T[]> {
  try {
    return await query
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOTFOUND' || code === 'ENODATA') return []
    throw error
  }
}
