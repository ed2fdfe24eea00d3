/** What a state of the configuration is made of. */
import type { Kind, StoredItem } from './change.ts'
import type { Digest } from './digest.ts'
import { type HeldItem, keyOf, type LiveItem } from './live-item.ts'
import type { PersistentMap } from './persistent-map.ts'
import type { Snapshot } from './snapshot.ts'
import type { TestedRules } from './tested-rules.ts'

export interface StateParts {
  readonly revision: number
  readonly snapshot: Snapshot
  readonly rules: PersistentMap<LiveItem<'forward_rule'>>
  readonly services: PersistentMap<LiveItem<'service'>>
  readonly certificates: PersistentMap<LiveItem<'certificate'>>
  readonly tiers: PersistentMap<LiveItem<'tier'>>
  readonly clients: PersistentMap<LiveItem<'client'>>
  /** Running, and the last ones that ended. */
  readonly rollouts: PersistentMap<LiveItem<'rollout'>>
  /** The rules that are enabled and have tests. */
  readonly tested: TestedRules
  /** Service id to the ids of the live rules that name it. */
  readonly users: PersistentMap<PersistentMap<true>>
  /** By `keyOf`. */
  readonly held: ReadonlyMap<string, HeldItem>
  /** Services that were deleted from the store while live rules use them: kept serving until those rules go. */
  readonly orphans: ReadonlySet<string>
  /** Tiers that were deleted from the store while live clients have them: their limits hold until those clients go. */
  readonly orphanTiers: ReadonlySet<string>
  /** Of everything the store is known to hold, live or held back. */
  readonly digest: Digest
}

/** What the store is known to hold under one name: the item held back, or else the live one. */
export function storedIn(parts: StateParts, kind: Kind, id: string): StoredItem | undefined {
  const waiting = parts.held.get(keyOf(kind, id))
  if (waiting !== undefined) return waiting.stored
  const live = itemsOf(parts, kind).get(id)
  return live === undefined ? undefined : { kind, id, item: live.written, seq: live.seq }
}

/** The live items of a kind, by id. */
export function itemsOf<K extends Kind>(parts: StateParts, kind: K): PersistentMap<LiveItem<K>> {
  const { rules, services, certificates, tiers, clients, rollouts } = parts
  const all = { forward_rule: rules, service: services, certificate: certificates, tier: tiers, client: clients, rollout: rollouts }
  return all[kind] as unknown as PersistentMap<LiveItem<K>>
}
