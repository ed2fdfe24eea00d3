/** The whole configuration at one revision, compiled and immutable. A request keeps the snapshot it started with. */
import type { CompiledTier, KeyOwner } from './client.ts'
import type { RequestFacts } from './facts.ts'
import { PersistentMap } from './persistent-map.ts'
import { type CompiledRule, type CompiledService, drained, type Route } from './route.ts'
import { RouteIndex } from './route-index.ts'

/** What one commit changes in a snapshot. */
export interface SnapshotChange {
  /** Of the snapshot that comes out. */
  readonly revision: number
  /** Rules that go, also those that come back changed. What is not in is passed over. */
  readonly removedRules?: readonly CompiledRule[]
  /** Rules that come. A rule that is not enabled is known and matches nothing. */
  readonly addedRules?: readonly CompiledRule[]
  /** Services by id; undefined deletes. */
  readonly services?: ReadonlyMap<string, CompiledService | undefined>
  /** Owners of API keys by the digest of the key; undefined deletes. */
  readonly keys?: ReadonlyMap<string, KeyOwner | undefined>
  /** Tiers by id; undefined deletes. */
  readonly tiers?: ReadonlyMap<string, CompiledTier | undefined>
  /** Whose turns of splits go on in the groups that change. Default: those of the snapshot before. */
  readonly turnsOf?: Snapshot
}

interface Parts {
  readonly index: RouteIndex
  readonly rules: PersistentMap<CompiledRule>
  readonly services: PersistentMap<CompiledService>
  readonly keys: PersistentMap<KeyOwner>
  readonly tiers: PersistentMap<CompiledTier>
}

export class Snapshot {
  /** At revision 0, with nothing in it. */
  static readonly empty = new Snapshot(0, {
    index: RouteIndex.empty,
    rules: PersistentMap.empty(),
    services: PersistentMap.empty(),
    keys: PersistentMap.empty(),
    tiers: PersistentMap.empty()
  })

  readonly revision: number
  readonly #parts: Parts

  private constructor(revision: number, parts: Parts) {
    this.revision = revision
    this.#parts = parts
  }

  /** The snapshot after `change`. This one stays valid; what the change does not touch is shared, live state of splits too. */
  with({ revision, removedRules = [], addedRules = [], services, keys, tiers, turnsOf = this }: SnapshotChange): Snapshot {
    const parts = this.#parts
    // What is looked up by its id goes as it is in here, whichever version the caller holds.
    const known = [...removedRules, ...addedRules].flatMap(({ id }) => parts.rules.get(id) ?? [])
    let rules = parts.rules
    for (const { id } of known) rules = rules.delete(id)
    for (const rule of addedRules) rules = rules.set(rule.id, rule)
    return new Snapshot(revision, {
      index: parts.index.with(known, addedRules, turnsOf.index),
      rules,
      services: changed(parts.services, services),
      keys: changed(parts.keys, keys),
      tiers: changed(parts.tiers, tiers)
    })
  }

  /**
   * The route of a request; `drained` when the group that takes it has only zero weights; undefined when no rule matches. Moves the split
   * of the group on.
   */
  match(facts: RequestFacts): Route | typeof drained | undefined {
    const group = this.#parts.index.match(facts)
    if (group === undefined) return undefined
    const rule = group.pick(facts)
    return rule === undefined ? drained : toRoute(rule, facts)
  }

  /** By id. The same map as long as no service changes. */
  get services(): PersistentMap<CompiledService> {
    return this.#parts.services
  }

  service(id: string): CompiledService | undefined {
    return this.#parts.services.get(id)
  }

  /** Whose API key it is, by the digest of the key; undefined when nobody's. */
  keyOwner(sha256: string): KeyOwner | undefined {
    return this.#parts.keys.get(sha256)
  }

  tier(id: string): CompiledTier | undefined {
    return this.#parts.tiers.get(id)
  }

  rule(id: string): CompiledRule | undefined {
    return this.#parts.rules.get(id)
  }

  /** The enabled rules with this match key, oldest first. */
  group(matchKey: string): readonly CompiledRule[] {
    return this.#parts.index.group(matchKey)
  }

  /** What `explain` looks into. */
  get index(): RouteIndex {
    return this.#parts.index
  }
}

function changed<V>(before: PersistentMap<V>, changes: ReadonlyMap<string, V | undefined> = new Map()): PersistentMap<V> {
  let after = before
  for (const [key, value] of changes) after = value === undefined ? after.delete(key) : after.set(key, value)
  return after
}

/** What the request follows, once its rule is chosen. */
export function toRoute(rule: CompiledRule, facts: RequestFacts): Route {
  const path = rule.rewritePath === undefined ? facts.path.forward : rule.rewritePath(facts.path)
  const location = rule.toLocation?.(facts, path)
  return { rule, upstreamPath: path + facts.search, location }
}
