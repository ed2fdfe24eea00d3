/**
 * Derives the parts of the next state from a commit. The order matters and is always the same: services before the rules that name
 * them; all rules that go are out before any comes in, so that one commit can swap the matches of two rules; older rules first.
 */
import type { CommittedChange, Kind, StoredItem } from './change.ts'
import { ClientDraft } from './client-draft.ts'
import { type Digest, withItem } from './digest.ts'
import { type HeldItem, type ItemParser, type ItemRefusal, keyOf, type LiveItem, nameOf } from './live-item.ts'
import { isOverlay } from './overlay.ts'
import { RuleDraft } from './rule-draft.ts'
import { type ServiceCandidate, ServiceDraft } from './service-draft.ts'
import type { Snapshot } from './snapshot.ts'
import { type StateParts, storedIn } from './state-parts.ts'

type Put = Extract<CommittedChange, { op: 'put' }>

/** Refusals that another item's change can lift. */
const dependent: ReadonlySet<string> = new Set(['unknown_service', 'unknown_tier', 'rule_conflict', 'key_conflict'])

/** @param turnsOf whose turns of splits go on; default: those of `base` */
export function applyChanges(
  base: StateParts,
  revision: number,
  changes: readonly CommittedChange[],
  parse: ItemParser,
  turnsOf: Snapshot = base.snapshot
): StateParts {
  const last = [...new Map(changes.map(change => [keyOf(change.kind, change.id), change])).values()]
  const draft = new Draft(
    base,
    revision,
    parse,
    last.map(({ kind, id }) => keyOf(kind, id))
  )
  const isPut = (change: CommittedChange): change is Put => change.op === 'put'
  const of = (kind: Kind) => last.filter(change => change.kind === kind)
  for (const change of last) draft.held.delete(keyOf(change.kind, change.id))
  for (const change of of('service')) if (!isPut(change)) draft.deleteService(change.id)
  draft.admitServices(of('service').filter(isPut))
  for (const change of of('tier')) isPut(change) ? draft.putTier(change) : draft.clients.deleteTier(change.id)
  for (const change of of('client')) if (!isPut(change)) draft.clients.deleteClient(change.id)
  draft.admitClients(of('client').filter(isPut))
  for (const change of of('forward_rule')) if (!isPut(change)) draft.rules.remove(change.id)
  draft.admitRules(of('forward_rule').filter(isPut))
  for (const change of of('certificate')) isPut(change) ? draft.putCertificate(change) : draft.deleteCertificate(change.id)
  for (const change of of('rollout')) isPut(change) ? draft.putRollout(change) : draft.deleteRollout(change.id)
  return draft.finish(turnsOf)
}

class Draft {
  readonly #base: StateParts
  readonly #revision: number
  readonly #parse: ItemParser
  readonly #changed: readonly string[]
  readonly held: Map<string, HeldItem>
  readonly #services: ServiceDraft
  readonly clients: ClientDraft
  readonly rules: RuleDraft
  #certificates: StateParts['certificates']
  #rollouts: StateParts['rollouts']

  constructor(base: StateParts, revision: number, parse: ItemParser, changed: readonly string[]) {
    this.#base = base
    this.#changed = changed
    this.#revision = revision
    this.#parse = parse
    this.held = new Map(base.held)
    this.#services = new ServiceDraft(base)
    this.clients = new ClientDraft(base)
    this.rules = new RuleDraft(base, this.#services, this.clients)
    this.#certificates = base.certificates
    this.#rollouts = base.rollouts
  }

  deleteService(id: string): void {
    this.#services.delete(id)
  }

  admitServices(puts: readonly StoredItem[]): void {
    const candidates: ServiceCandidate[] = []
    const consider = (stored: StoredItem, revision: number): void => {
      const parsed = this.#parse(stored)
      if (parsed.refused) return this.#hold(stored, parsed)
      if (parsed.kind !== 'service') return
      const { id, item: written, seq } = stored
      const { item, compiled } = parsed
      candidates.push({ stored, service: { kind: 'service', id, item, compiled, written, seq, revision } })
    }
    for (const stored of puts) consider(stored, this.#revision)
    for (const { stored, revision } of this.#takeWaiting('service')) consider(stored, revision)
    for (const { stored, refusal, service } of this.#services.admit(candidates))
      this.held.set(keyOf('service', stored.id), { stored, refusal, revision: service.revision })
  }

  putTier(stored: StoredItem): void {
    const parsed = this.#parse(stored)
    if (parsed.refused) return this.#hold(stored, parsed)
    if (parsed.kind !== 'tier') return
    const { kind, item, compiled } = parsed
    const { id, item: written, seq } = stored
    this.clients.putTier({ kind, id, item, compiled, written, seq, revision: this.#revision })
  }

  // All that may come in are out first, so that one commit can give the key of one client to another.
  admitClients(puts: readonly StoredItem[]): void {
    const candidates: { stored: StoredItem; client: LiveItem<'client'> }[] = []
    const consider = (stored: StoredItem, revision: number): void => {
      const parsed = this.#parse(stored)
      if (parsed.refused) return this.#hold(stored, parsed)
      if (parsed.kind !== 'client') return
      const { kind, item, compiled } = parsed
      const { id, item: written, seq } = stored
      candidates.push({ stored, client: { kind, id, item, compiled, written, seq, revision } })
    }
    for (const stored of puts) consider(stored, this.#revision)
    for (const { stored, revision } of this.#takeWaiting('client')) consider(stored, revision)
    const previous = new Map(candidates.map(({ stored: { id } }) => [id, this.clients.deleteClient(id)]))
    candidates.sort((a, b) => a.stored.seq - b.stored.seq)
    for (const { stored, client } of candidates) {
      const refusal = this.clients.admit(client)
      if (refusal === undefined) continue
      this.held.set(keyOf('client', stored.id), { stored, refusal, revision: client.revision })
      const before = previous.get(stored.id)
      if (before !== undefined) this.clients.restore(before)
    }
  }

  putCertificate(stored: StoredItem): void {
    const parsed = this.#parse(stored)
    if (parsed.refused) return this.#hold(stored, parsed)
    if (parsed.kind !== 'certificate') return
    const { kind, item, compiled } = parsed
    const { id, item: written, seq } = stored
    this.#certificates = this.#certificates.set(id, { kind, id, item, compiled, written, seq, revision: this.#revision })
  }

  deleteCertificate(id: string): void {
    this.#certificates = this.#certificates.delete(id)
  }

  putRollout(stored: StoredItem): void {
    const parsed = this.#parse(stored)
    if (parsed.refused) return this.#hold(stored, parsed)
    if (parsed.kind !== 'rollout') return
    const { id, item: written, seq } = stored
    const rollout = { kind: 'rollout', id, item: parsed.item, compiled: undefined, written, seq, revision: this.#revision } as const
    this.#rollouts = this.#rollouts.set(id, rollout)
  }

  deleteRollout(id: string): void {
    this.#rollouts = this.#rollouts.delete(id)
  }

  admitRules(puts: readonly StoredItem[]): void {
    const candidates: { stored: StoredItem; rule: LiveItem<'forward_rule'> }[] = []
    const consider = (stored: StoredItem, revision: number): void => {
      const parsed = this.#parse(stored)
      if (parsed.refused) return this.#hold(stored, parsed)
      if (parsed.kind !== 'forward_rule') return
      const { kind, item, compiled } = parsed
      const { id, item: written, seq } = stored
      candidates.push({ stored, rule: { kind, id, item, compiled, written, seq, revision } })
    }
    for (const stored of puts) consider(stored, this.#revision)
    for (const { stored, revision } of this.#takeWaiting('forward_rule')) consider(stored, revision)
    const previous = new Map(candidates.map(({ stored: { id } }) => [id, this.rules.remove(id)]))
    candidates.sort((a, b) => a.stored.seq - b.stored.seq)
    for (const { stored, rule } of candidates) {
      const refusal = this.rules.admit(rule, previous.get(stored.id))
      if (refusal !== undefined) this.held.set(keyOf('forward_rule', stored.id), { stored, refusal, revision: rule.revision })
    }
  }

  // Those that other items keep out: this commit may have lifted that.
  #takeWaiting(kind: Kind): readonly HeldItem[] {
    const waiting = [...this.held.values()].filter(({ stored, refusal }) => stored.kind === kind && dependent.has(refusal.code))
    for (const { stored } of waiting) this.held.delete(keyOf(kind, stored.id))
    return waiting
  }

  #hold(stored: StoredItem, refusal: ItemRefusal): void {
    this.held.set(keyOf(stored.kind, stored.id), { stored, refusal, revision: this.#revision })
  }

  finish(turnsOf: Snapshot): StateParts {
    this.#services.dropUnused(this.rules.users)
    this.clients.dropUnused()
    const revision = this.#revision
    const snapshot = this.#base.snapshot.with({
      revision,
      ...this.rules.changes,
      services: this.#services.compiled,
      keys: this.clients.keys,
      tiers: this.clients.compiledTiers,
      turnsOf
    })
    const next = {
      revision,
      snapshot,
      rules: this.rules.live,
      services: this.#services.live,
      users: this.rules.users,
      tested: this.rules.tested,
      certificates: this.#certificates,
      tiers: this.clients.tiers,
      clients: this.clients.clients,
      rollouts: this.#rollouts,
      held: this.held,
      orphans: this.#services.orphans,
      orphanTiers: this.clients.orphanTiers
    }
    return { ...next, digest: this.#digest(next) }
  }

  // Whatever this draft touched: what was changed, and what waited and was tried again.
  #digest(next: Omit<StateParts, 'digest'>): Digest {
    const touched = new Set([...this.#changed, ...this.#base.held.keys(), ...this.held.keys()])
    let { digest } = this.#base
    for (const key of touched) {
      const { kind, id } = nameOf(key)
      if (isOverlay({ kind, id })) continue
      digest = withItem(digest, storedIn(this.#base, kind, id), storedIn({ ...next, digest }, kind, id))
    }
    return digest
  }
}
