/** The rules of the next state: which of those that come can be live together, and what that makes of groups, users and tests. */
import type { ClientDraft } from './client-draft.ts'
import { tiersOf } from './limit/compile-limit.ts'
import type { ItemRefusal, LiveItem } from './live-item.ts'
import { PersistentMap } from './persistent-map.ts'
import { referencesOf } from './references.ts'
import type { CompiledRule } from './route.ts'
import { pointerTo } from './rule-fault.ts'
import type { ServiceDraft } from './service-draft.ts'
import type { StateParts } from './state-parts.ts'

type LiveRule = LiveItem<'forward_rule'>

export class RuleDraft {
  readonly #base: StateParts
  readonly #services: ServiceDraft
  readonly #clients: ClientDraft
  /** Rules that went or came, by id: what is live now. */
  readonly #touched = new Map<string, LiveRule | undefined>()
  /** Groups that this draft changed: match key to the rules that are in it now. */
  readonly #groups = new Map<string, CompiledRule[]>()
  #rules: StateParts['rules']
  #users: StateParts['users']
  #tested: StateParts['tested']

  /** @param services @param clients what rules may name, as it will be */
  constructor(base: StateParts, services: ServiceDraft, clients: ClientDraft) {
    this.#base = base
    this.#services = services
    this.#clients = clients
    this.#rules = base.rules
    this.#users = base.users
    this.#tested = base.tested
  }

  get live(): StateParts['rules'] {
    return this.#rules
  }

  /** As `StateParts.users`. */
  get users(): StateParts['users'] {
    return this.#users
  }

  get tested(): StateParts['tested'] {
    return this.#tested
  }

  remove(id: string): LiveRule | undefined {
    const live = this.#rules.get(id)
    if (live === undefined) return undefined
    this.#rules = this.#rules.delete(id)
    this.#tested = this.#tested.without(id)
    this.#touched.set(id, undefined)
    for (const { service } of referencesOf(live.compiled)) this.#setUsers(service, users => users.delete(id))
    const { matchKey } = live.compiled
    this.#groups.set(
      matchKey,
      this.#group(matchKey).filter(rule => rule.id !== id)
    )
    return live
  }

  /** Makes a rule live, or says why it cannot be: then `previous`, which was removed for it, comes back where it can. */
  admit(rule: LiveRule, previous: LiveRule | undefined): ItemRefusal | undefined {
    const refusal = this.#missingService(rule) ?? this.#missingTier(rule) ?? this.#conflict(rule)
    if (refusal === undefined) this.#add(rule)
    else if (previous !== undefined && this.#conflict(previous) === undefined) this.#add(previous)
    return refusal
  }

  /** What the next snapshot has to take out and in. A rule that was taken out and put back as it was is no change at all. */
  get changes(): { removedRules: CompiledRule[]; addedRules: CompiledRule[] } {
    const removedRules: CompiledRule[] = []
    const addedRules: CompiledRule[] = []
    for (const [id, now] of this.#touched) {
      const before = this.#base.rules.get(id)
      if (before === now) continue
      if (before?.item.enabled) removedRules.push(before.compiled)
      if (now?.item.enabled) addedRules.push(now.compiled)
    }
    return { removedRules, addedRules }
  }

  #add(rule: LiveRule): void {
    this.#rules = this.#rules.set(rule.id, rule)
    this.#touched.set(rule.id, rule)
    for (const { service } of referencesOf(rule.compiled)) this.#setUsers(service, users => users.set(rule.id, true))
    if (!rule.item.enabled) return
    this.#groups.set(rule.compiled.matchKey, [...this.#group(rule.compiled.matchKey), rule.compiled])
    this.#tested = this.#tested.with(rule)
  }

  #missingService(rule: LiveRule): ItemRefusal | undefined {
    const unknown = referencesOf(rule.compiled).filter(({ service }) => !this.#services.has(service))
    if (unknown.length === 0) return undefined
    const faults = unknown.map(({ service, pointer }) => ({ pointer, detail: `names the unknown service '${service}'` }))
    return { refused: true, code: 'unknown_service', faults, other: unknown[0]!.service }
  }

  #missingTier({ item }: LiveRule): ItemRefusal | undefined {
    const unknown = [...tiersOf(item.rate_limit, ['rate_limit'])].filter(({ tier }) => !this.#clients.tiers.has(tier))
    if (unknown.length === 0) return undefined
    const faults = unknown.map(({ tier, keys }) => ({ pointer: pointerTo(...keys), detail: `names the unknown tier '${tier}'` }))
    return { refused: true, code: 'unknown_tier', faults, other: unknown[0]!.tier }
  }

  #conflict(rule: LiveRule): ItemRefusal | undefined {
    if (!rule.item.enabled) return undefined
    const group = this.#group(rule.compiled.matchKey)
    const other = rule.item.weight === undefined ? group[0] : group.find(member => member.item.weight === undefined)
    if (other === undefined) return undefined
    const faults = [{ pointer: '/weight', detail: `has the same match and priority as '${other.id}'; both need a weight` }]
    return { refused: true, code: 'rule_conflict', faults, other: other.id }
  }

  #group(matchKey: string): CompiledRule[] {
    return this.#groups.get(matchKey) ?? [...this.#base.snapshot.group(matchKey)]
  }

  #setUsers(service: string, edit: (users: PersistentMap<true>) => PersistentMap<true>): void {
    const users = edit(this.#users.get(service) ?? PersistentMap.empty())
    this.#users = users.size === 0 ? this.#users.delete(service) : this.#users.set(service, users)
  }
}
