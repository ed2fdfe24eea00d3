/** Services that register themselves in etcd, one key each below a prefix, mostly with a lease: when that runs out, the key is gone. */
import type { Discovery } from '../../schemas/discovery.ts'
import type { DiscoveredTarget } from '../core/discovery.ts'
import { EtcdClient } from '../etcd/etcd-client.ts'
import { EtcdKv } from '../etcd/etcd-kv.ts'
import { openEtcdWatch } from '../etcd/etcd-watch.ts'
import { Rounds } from './rounds.ts'
import { type DiscoverySource, type SourceEvents, toWeight } from './source.ts'

/** The keys are read again so often though nothing was told. */
const rereadMs = 30_000

export function openEtcdSource(discovery: Discovery, { onTargets, onTrouble }: SourceEvents): DiscoverySource {
  const { address, prefix, username = '', password = '', scheme = 'http' } = discovery
  const client = new EtcdClient({ endpoints: [new URL(address!).origin], username, password })
  const kv = new EtcdKv(client)
  const range = { from: prefix!, to: behind(prefix!) }
  const round = async (signal: AbortSignal): Promise<number> => {
    const entries = await kv.range(range)
    // Something has changed meanwhile: the next round is there for it.
    if (!signal.aborted) onTargets(entries.flatMap(({ value }) => toTarget(value.toString(), scheme)))
    return rereadMs
  }
  const rounds = new Rounds({ round, onTrouble })
  // What changed is not followed key by key: a few keys are read as fast, and nothing can be missed, compactions included.
  const reread = (): void => rounds.refresh()
  const watch = openEtcdWatch(client, range, {
    onWatching: reread,
    onEvents: reread,
    onLost: reason => onTrouble(new Error(reason))
  })
  return {
    refresh: reread,
    async close() {
      await Promise.all([watch.close(), rounds.close()])
      await client.close()
    }
  }
}

/** The end of the range of all keys that begin with `prefix`, which is ASCII. */
function behind(prefix: string): string {
  return prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1)
}

/** `host:port`, a URL, or `{"url", "weight"}`; none when it is something else: one bad key must not hide the others. */
function toTarget(value: string, scheme: string): readonly DiscoveredTarget[] {
  const text = value.trim()
  if (/^https?:\/\//i.test(text)) return [{ url: text, weight: 1 }]
  if (/^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):\d{1,5}$/.test(text)) return [{ url: `${scheme}://${text}`, weight: 1 }]
  try {
    const { url, weight } = JSON.parse(text) as { url?: unknown; weight?: unknown }
    return typeof url === 'string' ? [{ url, weight: toWeight(weight) }] : []
  } catch {
    return []
  }
}
