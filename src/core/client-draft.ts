/** The clients and tiers of the next state: which of those that come can be live together, and which tiers that went are still needed. */
import type { CompiledTier, KeyOwner } from './client.ts'
import type { ItemRefusal, LiveItem } from './live-item.ts'
import type { PersistentMap } from './persistent-map.ts'
import type { StateParts } from './state-parts.ts'

type LiveClient = LiveItem<'client'>
type LiveTier = LiveItem<'tier'>

export class ClientDraft {
  readonly #base: StateParts
  /** What the next snapshot has of them instead of the one before, by digest of the key. */
  readonly keys = new Map<string, KeyOwner | undefined>()
  /** As `keys`, by id. */
  readonly compiledTiers = new Map<string, CompiledTier | undefined>()
  /** As `StateParts.orphanTiers`; until `dropUnused`, all that were deleted. */
  readonly orphanTiers: Set<string>
  #clients: PersistentMap<LiveClient>
  #tiers: PersistentMap<LiveTier>

  constructor(base: StateParts) {
    this.#base = base
    this.#clients = base.clients
    this.#tiers = base.tiers
    this.orphanTiers = new Set(base.orphanTiers)
  }

  get clients(): PersistentMap<LiveClient> {
    return this.#clients
  }

  get tiers(): PersistentMap<LiveTier> {
    return this.#tiers
  }

  putTier(tier: LiveTier): void {
    this.#tiers = this.#tiers.set(tier.id, tier)
    this.compiledTiers.set(tier.id, tier.compiled)
    this.orphanTiers.delete(tier.id)
  }

  deleteTier(id: string): void {
    if (!this.#tiers.has(id)) return
    this.#tiers = this.#tiers.delete(id)
    this.orphanTiers.add(id)
  }

  deleteClient(id: string): LiveClient | undefined {
    const live = this.#clients.get(id)
    if (live === undefined) return undefined
    this.#clients = this.#clients.delete(id)
    for (const { sha256 } of live.compiled.keys) this.keys.set(sha256, undefined)
    return live
  }

  /** Makes a client live, or says why it cannot be. */
  admit(client: LiveClient): ItemRefusal | undefined {
    const refusal = this.#missingTier(client) ?? this.#conflict(client)
    if (refusal === undefined) this.#add(client)
    return refusal
  }

  /** Makes a client live that was, unless another has one of its keys by now. */
  restore(client: LiveClient): void {
    if (this.#conflict(client) === undefined) this.#add(client)
  }

  /** Lets go of the deleted tiers that no client has. */
  dropUnused(): void {
    if (this.orphanTiers.size === 0) return
    const needed = new Set<string>()
    for (const { compiled } of this.#clients.values()) if (compiled.tier !== undefined) needed.add(compiled.tier)
    for (const id of this.orphanTiers) {
      if (needed.has(id)) continue
      this.orphanTiers.delete(id)
      this.compiledTiers.set(id, undefined)
    }
  }

  #add(client: LiveClient): void {
    this.#clients = this.#clients.set(client.id, client)
    for (const { sha256, expiresMs } of client.compiled.keys) this.keys.set(sha256, { client: client.compiled, expiresMs })
  }

  #missingTier({ compiled: { tier } }: LiveClient): ItemRefusal | undefined {
    if (tier === undefined || this.#tiers.has(tier)) return undefined
    return { refused: true, code: 'unknown_tier', faults: [{ pointer: '/tier', detail: `names the unknown tier '${tier}'` }], other: tier }
  }

  #conflict({ id, compiled }: LiveClient): ItemRefusal | undefined {
    const faults = compiled.keys.flatMap(({ sha256 }, index) => {
      const owner = this.#ownerOf(sha256)
      if (owner === undefined || owner.client.id === id) return []
      return [{ pointer: `/api_keys/${index}`, detail: `is a key of the client '${owner.client.id}' as well`, other: owner.client.id }]
    })
    const [first] = faults
    if (first === undefined) return undefined
    return { refused: true, code: 'key_conflict', faults: faults.map(({ pointer, detail }) => ({ pointer, detail })), other: first.other }
  }

  #ownerOf(sha256: string): KeyOwner | undefined {
    return this.keys.has(sha256) ? this.keys.get(sha256) : this.#base.snapshot.keyOwner(sha256)
  }
}
