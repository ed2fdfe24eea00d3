/**
 * Everything this instance knows of the configuration at one revision: the items that are live, those that cannot be, and the compiled
 * snapshot. Immutable: a commit derives the next state, and what it does not touch is shared with the one before.
 */

import type { RolloutChange } from '../../schemas/rollout.ts'
import { applyChanges } from './apply-changes.ts'
import type { CommittedChange, Kind, StoredItem } from './change.ts'
import { digestText, emptyDigest } from './digest.ts'
import { tiersOf } from './limit/compile-limit.ts'
import { type HeldItem, type ItemParser, keyOf, type LiveItem, type Quarantined } from './live-item.ts'
import { isOverlay } from './overlay.ts'
import { PersistentMap } from './persistent-map.ts'
import { fallbackPointer, referencesOf } from './references.ts'
import { pointerTo } from './rule-fault.ts'
import { Snapshot } from './snapshot.ts'
import { itemsOf, type StateParts } from './state-parts.ts'
import { TestedRules } from './tested-rules.ts'

export type { LiveItem, Quarantined } from './live-item.ts'

/** The kinds whose live items are all in the store, and the store's alone. */
const plainKinds = ['certificate', 'tier', 'client', 'rollout'] as const

export class ConfigState {
  static readonly empty = new ConfigState({
    revision: 0,
    snapshot: Snapshot.empty,
    rules: PersistentMap.empty(),
    services: PersistentMap.empty(),
    certificates: PersistentMap.empty(),
    tiers: PersistentMap.empty(),
    clients: PersistentMap.empty(),
    rollouts: PersistentMap.empty(),
    tested: TestedRules.empty,
    users: PersistentMap.empty(),
    held: new Map(),
    orphans: new Set(),
    orphanTiers: new Set(),
    digest: emptyDigest
  })

  readonly #parts: StateParts
  readonly #lists = new Map<Kind, readonly LiveItem[]>()
  #candidate: ConfigState | undefined

  private constructor(parts: StateParts) {
    this.#parts = parts
  }

  get revision(): number {
    return this.#parts.revision
  }

  get snapshot(): Snapshot {
    return this.#parts.snapshot
  }

  /**
   * The state after a commit. Never throws for a bad item: that item is held back with its reason and its previous version stays
   * live; items held back before because of others are tried again.
   */
  apply(commit: { readonly revision: number; readonly changes: readonly CommittedChange[] }, parse: ItemParser): ConfigState {
    const next = new ConfigState(applyChanges(this.#parts, commit.revision, commit.changes, parse))
    const candidate = next.#candidateParts(this, commit.changes, parse)
    if (candidate === undefined) return next
    const known = this.#candidate
    next.#candidate = known !== undefined && known.#parts === candidate ? known : new ConfigState(candidate)
    return next
  }

  /** The rollout that is running. */
  get rollout(): LiveItem<'rollout'> | undefined {
    if (this.#parts.rollouts.size === 0) return undefined
    return this.list('rollout').find(({ item }) => item.status === 'running')
  }

  /** This state with the changes of the running rollout on top; undefined when none is running, or one that changes weights only. */
  get candidate(): ConfigState | undefined {
    return this.#candidate
  }

  // Anew for each commit: whether and how the changes can be live may depend on anything. Splits that the rollout changes have turns of
  // their own, or each side would get what the other had too much.
  #candidateParts(before: ConfigState, committed: readonly CommittedChange[], parse: ItemParser): StateParts | undefined {
    const changes = this.rollout?.item.changes
    if (changes === undefined) return undefined
    const known = isSameRollout(before.rollout, this.rollout!) ? before.candidate : undefined
    if (known !== undefined && committed.every(({ kind }) => kind === 'rollout')) return known.#parts
    const applied = changes.map((change, index) => this.#asCommitted(change, Number.MAX_SAFE_INTEGER - changes.length + index))
    return applyChanges(this.#parts, this.revision, applied, parse, known?.snapshot ?? Snapshot.empty)
  }

  #asCommitted({ op, kind, id, item }: RolloutChange, newest: number): CommittedChange {
    if (op === 'delete') return { op, kind, id }
    return { op, kind, id, item, seq: (this.get(kind, id) ?? this.held(kind, id)?.stored)?.seq ?? newest }
  }

  get<K extends Kind>(kind: K, id: string): LiveItem<K> | undefined {
    return this.#items(kind).get(id)
  }

  /** The live certificates by id: the same map as long as none of them changes. */
  get certificates(): PersistentMap<LiveItem<'certificate'>> {
    return this.#parts.certificates
  }

  count(kind: Kind): number {
    return this.#items(kind).size
  }

  /** The live items of a kind, oldest first. */
  list<K extends Kind>(kind: K): readonly LiveItem<K>[] {
    let list = this.#lists.get(kind)
    if (list === undefined) {
      list = [...this.#items(kind).values()].sort((a, b) => a.seq - b.seq || (a.id < b.id ? -1 : 1))
      this.#lists.set(kind, list)
    }
    return list as unknown as readonly LiveItem<K>[]
  }

  /** The live rules that are enabled and have tests. */
  get tested(): TestedRules {
    return this.#parts.tested
  }

  /** Ids of the rules that `changes` can make another of: those that it names, and those that are held back and may come in now. */
  *affectedRules(changes: Iterable<{ readonly kind: Kind; readonly id: string }>): Generator<string> {
    for (const { kind, id } of changes) if (kind === 'forward_rule') yield id
    for (const { stored } of this.#parts.held.values()) if (stored.kind === 'forward_rule') yield stored.id
  }

  /** Ids of the live rules that name the service. */
  rulesOf(serviceId: string): readonly string[] {
    return [...(this.#parts.users.get(serviceId)?.keys() ?? [])].sort()
  }

  /** The live items that name the service, with the place where they do, relative to the item. */
  usersOf(serviceId: string): readonly { readonly kind: Kind; readonly id: string; readonly pointer: string }[] {
    const rules = this.rulesOf(serviceId).map(id => {
      const { pointer } = referencesOf(this.get('forward_rule', id)!.compiled).find(({ service }) => service === serviceId)!
      return { kind: 'forward_rule', id, pointer } as const
    })
    const services = this.list('service').filter(({ compiled }) => compiled.breaker?.fallbackService === serviceId)
    return [...rules, ...services.map(({ kind, id }) => ({ kind, id, pointer: fallbackPointer }))]
  }

  /** The live items that name the tier, with the place where they do, relative to the item. */
  usersOfTier(tierId: string): readonly { readonly kind: Kind; readonly id: string; readonly pointer: string }[] {
    const clients = this.list('client').filter(({ compiled }) => compiled.tier === tierId)
    const rules = this.list('forward_rule').flatMap(({ kind, id, item }) => {
      const place = [...tiersOf(item.rate_limit, ['rate_limit'])].find(({ tier }) => tier === tierId)
      return place === undefined ? [] : [{ kind, id, pointer: pointerTo(...place.keys) }]
    })
    return [...clients.map(({ kind, id }) => ({ kind, id, pointer: '/tier' })), ...rules]
  }

  /** The stored item that is held back under this name, or undefined. */
  held(kind: Kind, id: string): HeldItem | undefined {
    return this.#parts.held.get(keyOf(kind, id))
  }

  /** Whether the service was deleted while rules use it. */
  isOrphan(serviceId: string): boolean {
    return this.#parts.orphans.has(serviceId)
  }

  /** Names of everything the store is known to hold: live or held back. */
  *known(): Generator<{ kind: Kind; id: string }> {
    for (const { kind, id } of this.#parts.services.values()) yield { kind, id }
    for (const rule of this.#parts.rules.values()) if (!isOverlay(rule)) yield { kind: rule.kind, id: rule.id }
    for (const { stored } of this.#parts.held.values())
      if (this.get(stored.kind, stored.id) === undefined && !isOverlay(stored)) yield stored
    for (const kind of plainKinds) for (const { id } of this.#items<Kind>(kind).values()) yield { kind, id }
  }

  /** The rules that come from beside the store, live or held back, as stored. */
  *overlay(): Generator<StoredItem> {
    for (const { kind, id, written, seq } of this.#parts.rules.values())
      if (isOverlay({ kind, id }) && this.held(kind, id) === undefined) yield { kind, id, item: written, seq }
    for (const { stored } of this.#parts.held.values()) if (isOverlay(stored)) yield stored
  }

  /** Of everything the store is known to hold: equal on every instance that holds the same. 16 hexadecimal digits. */
  get digest(): string {
    return digestText(this.#parts.digest)
  }

  /** What is live, as it can be written and read back: with it, a gateway serves what it serves now. Lazy: for large configurations. */
  *liveItems(): Generator<StoredItem> {
    const { services, rules, orphans, orphanTiers, snapshot } = this.#parts
    for (const { kind, id, written, seq } of services.values()) yield { kind, id, item: written, seq }
    for (const id of orphans) yield { kind: 'service', id, item: snapshot.service(id)?.item, seq: 0 }
    for (const id of orphanTiers) yield { kind: 'tier', id, item: snapshot.tier(id)?.item, seq: 0 }
    for (const { kind, id, written, seq } of rules.values()) yield { kind, id, item: written, seq }
    for (const kind of plainKinds)
      for (const { id, written, seq } of this.#items<Kind>(kind).values()) yield { kind, id, item: written, seq }
  }

  /** The items that the store holds and that are not live as stored, with why. */
  get problems(): readonly Quarantined[] {
    const list = [...this.#parts.held.values()].map(({ stored, refusal, revision }) => ({
      kind: stored.kind,
      id: stored.id,
      code: refusal.code,
      faults: refusal.faults,
      previousLive: this.get(stored.kind, stored.id) !== undefined,
      revision
    }))
    return [...list, ...this.#orphanProblems()]
  }

  // What outlived a service that it names is itself unchanged, but could not be written as it is now.
  *#orphanProblems(): Generator<Quarantined> {
    for (const service of this.#parts.orphans)
      for (const user of this.usersOf(service)) {
        const { kind, id, pointer } = user
        if (this.held(kind, id) !== undefined) continue
        const faults = [{ pointer, detail: `names the service '${service}', which was deleted; its last version keeps serving` }]
        yield { kind, id, code: 'unknown_service', faults, previousLive: true, revision: this.revision }
      }
    for (const tier of this.#parts.orphanTiers)
      for (const { kind, id, pointer } of this.usersOfTier(tier)) {
        if (kind !== 'client' || this.held(kind, id) !== undefined) continue
        const faults = [{ pointer, detail: `names the tier '${tier}', which was deleted; its limits still hold` }]
        yield { kind, id, code: 'unknown_tier', faults, previousLive: true, revision: this.revision }
      }
  }

  #items<K extends Kind>(kind: K): PersistentMap<LiveItem<K>> {
    return itemsOf(this.#parts, kind)
  }
}

// What a rollout changes is said once, when it begins; edits by hand cannot be ruled out.
function isSameRollout(before: LiveItem<'rollout'> | undefined, after: LiveItem<'rollout'>): boolean {
  return before?.id === after.id && JSON.stringify(before.item.changes) === JSON.stringify(after.item.changes)
}
