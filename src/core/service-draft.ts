/** The services of the next state: which of those that come can be live together, and which that went are still needed. */
import type { StoredItem } from './change.ts'
import type { ItemRefusal, LiveItem } from './live-item.ts'
import type { PersistentMap } from './persistent-map.ts'
import { fallbackPointer } from './references.ts'
import type { CompiledService } from './route.ts'
import type { StateParts } from './state-parts.ts'

type LiveService = LiveItem<'service'>

/** A service that is as it should be by itself, with what the store holds of it. */
export interface ServiceCandidate {
  readonly stored: StoredItem
  readonly service: LiveService
}

export interface RefusedService extends ServiceCandidate {
  readonly refusal: ItemRefusal
}

export class ServiceDraft {
  readonly #base: StateParts
  /** What the next snapshot has of them instead of the one before. */
  readonly compiled = new Map<string, CompiledService | undefined>()
  /** As `StateParts.orphans`; until `dropUnused`, all that were deleted. */
  readonly orphans: Set<string>
  #services: PersistentMap<LiveService>

  constructor(base: StateParts) {
    this.#base = base
    this.#services = base.services
    this.orphans = new Set(base.orphans)
  }

  get live(): PersistentMap<LiveService> {
    return this.#services
  }

  has(id: string): boolean {
    return this.#services.has(id)
  }

  delete(id: string): void {
    if (!this.#services.has(id)) return
    this.#services = this.#services.delete(id)
    this.orphans.add(id)
  }

  /** Makes `candidates` live, except those whose fallback would not be there. Of these, the previous version stays. */
  admit(candidates: readonly ServiceCandidate[]): readonly RefusedService[] {
    for (const { service } of candidates) this.#services = this.#services.set(service.id, service)
    const refused: RefusedService[] = []
    // All are in at first, since two may stand in for each other. One that goes out again may have been the fallback of another.
    let admitted = candidates
    for (let before = -1; before !== refused.length; ) {
      before = refused.length
      admitted = admitted.filter(candidate => {
        const refusal = this.#missingFallback(candidate.service)
        if (refusal === undefined) return true
        refused.push({ ...candidate, refusal })
        this.#putBack(candidate.service.id)
        return false
      })
    }
    for (const { service } of admitted) {
      this.compiled.set(service.id, service.compiled)
      this.orphans.delete(service.id)
    }
    return refused
  }

  /** Lets go of the deleted services that no live rule names, and no service that is live or kept falls back to. */
  dropUnused(users: StateParts['users']): void {
    if (this.orphans.size === 0) return
    const kept = new Set([...this.orphans].filter(id => users.has(id)))
    const keep = (id: string | undefined): void => void (id !== undefined && this.orphans.has(id) && kept.add(id))
    for (const { compiled } of this.#services.values()) keep(compiled.breaker?.fallbackService)
    // What is added meanwhile is visited, too.
    for (const id of kept) keep(this.#base.snapshot.service(id)?.breaker?.fallbackService)
    for (const id of this.orphans) {
      if (kept.has(id)) continue
      this.orphans.delete(id)
      this.compiled.set(id, undefined)
    }
  }

  #missingFallback({ compiled }: LiveService): ItemRefusal | undefined {
    const other = compiled.breaker?.fallbackService
    if (other === undefined || this.#services.has(other)) return undefined
    const faults = [{ pointer: fallbackPointer, detail: `names the unknown service '${other}'` }]
    return { refused: true, code: 'unknown_service', faults, other }
  }

  #putBack(id: string): void {
    const previous = this.#base.services.get(id)
    this.#services = previous === undefined ? this.#services.delete(id) : this.#services.set(id, previous)
  }
}
