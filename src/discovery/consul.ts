/**
 * Instances of a service in Consul that pass their checks, by blocking queries.
 * https://developer.hashicorp.com/consul/api-docs/health#list-service-instances-for-service and …/api-docs/features/blocking
 */
import type { Discovery } from '../../schemas/discovery.ts'
import type { DiscoveredTarget } from '../core/discovery.ts'
import { type ApiAnswer, HttpApi, jsonOf } from './http-api.ts'
import { Rounds } from './rounds.ts'
import { type DiscoverySource, type SourceEvents, toUrl, toWeight } from './source.ts'

/** Short, so that a server that is gone without a word is noticed. */
const waitS = 10
/** Consul adds up to a sixteenth of the wait. */
const blockingMs = waitS * 1_000 * (1 + 1 / 16) + 2_000
const plainMs = 2_000
/** An answer of a server that heard from its leader longer ago is not used. */
const maxStaleMs = 5_000
/** Between two answers: a service that changes all the time must not keep both sides busy. */
const betweenMs = 50
/** Without an index there is no blocking. */
const withoutIndexMs = 500

interface Entry {
  readonly Node?: { readonly Address?: string }
  readonly Service?: {
    readonly Address?: string
    readonly Port?: number
    readonly Tags?: readonly string[] | null
    readonly Weights?: { readonly Passing?: number }
  }
}

export function openConsulSource(discovery: Discovery, { onTargets, onTrouble }: SourceEvents): DiscoverySource {
  const api = new HttpApi(discovery.address!)
  const headers: Record<string, string> = discovery.token === undefined ? {} : { 'x-consul-token': discovery.token }
  let index = 0
  let mayBeStale = true
  const round = async (signal: AbortSignal): Promise<number> => {
    const asked = index
    try {
      const answer = await api.ask({
        path: pathOf(discovery, asked, mayBeStale),
        headers,
        timeoutMs: asked > 0 ? blockingMs : plainMs,
        signal
      })
      const entries = entriesOf(answer)
      if (mayBeStale) checkFresh(answer)
      mayBeStale = true
      index = nextIndex(asked, Number(answer.header('x-consul-index')))
      onTargets(entries.flatMap(entry => toTarget(entry, discovery)))
    } catch (error) {
      // After a failure nothing is known to be the same: the next answer shall come at once.
      index = 0
      if (error instanceof StaleError) mayBeStale = false
      throw error
    }
    return index > 0 ? betweenMs : withoutIndexMs
  }
  const rounds = new Rounds({ round, onTrouble })
  return {
    refresh() {
      index = 0
      rounds.refresh()
    },
    async close() {
      await rounds.close()
      await api.close()
    }
  }
}

function pathOf({ service, tags = [], datacenter }: Discovery, index: number, mayBeStale: boolean): string {
  const query = new URLSearchParams({ passing: '1' })
  for (const tag of tags) query.append('tag', tag)
  if (datacenter !== undefined && datacenter !== null) query.set('dc', datacenter)
  if (mayBeStale) query.set('stale', '')
  if (index > 0) {
    query.set('index', String(index))
    query.set('wait', `${waitS}s`)
  }
  return `/v1/health/service/${encodeURIComponent(service!)}?${query}`
}

function entriesOf(answer: ApiAnswer): readonly Entry[] {
  const entries = jsonOf(answer)
  if (!Array.isArray(entries)) throw new Error('the server answered with something else than a list')
  return entries
}

class StaleError extends Error {}

function checkFresh(answer: ApiAnswer): void {
  if (answer.header('x-consul-knownleader') === 'false') throw new StaleError('the servers of Consul have no leader')
  const ms = Number(answer.header('x-consul-lastcontact'))
  if (ms > maxStaleMs) throw new StaleError(`the answer is ${ms} ms behind the leader`)
}

// "Reset the index if it goes backwards", and "sanity check index is greater than zero".
function nextIndex(before: number, now: number): number {
  return Number.isSafeInteger(now) && now > 0 && now >= before ? now : 0
}

function toTarget({ Node, Service }: Entry, { scheme = 'http', tags = [] }: Discovery): readonly DiscoveredTarget[] {
  const host = Service?.Address || Node?.Address
  if (!host || !Service?.Port) return []
  // Consul before 1.3 looks at one tag only.
  if (!tags.every(tag => Service.Tags?.includes(tag))) return []
  return [{ url: toUrl(scheme, host, Service.Port), weight: toWeight(Service.Weights?.Passing) }]
}
