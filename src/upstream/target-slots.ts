/** How many requests each target has in flight, for services that limit it (`max_connections`). Live state, kept by service and target. */
import type { CompiledService, CompiledTarget } from '../core/route.ts'

export class TargetSlots {
  readonly #taken = new Map<string, number>()

  /** Whether the target may not have another request. Services without a limit are not asked about. */
  isFull(service: CompiledService, target: CompiledTarget): boolean {
    return service.maxConnections !== null && (this.#taken.get(keyOf(service, target)) ?? 0) >= service.maxConnections
  }

  /** Counts one request to the target, until what is returned is called: once. */
  take(service: CompiledService, target: CompiledTarget): () => void {
    const key = keyOf(service, target)
    this.#taken.set(key, (this.#taken.get(key) ?? 0) + 1)
    return () => {
      const left = this.#taken.get(key)! - 1
      if (left === 0) this.#taken.delete(key)
      else this.#taken.set(key, left)
    }
  }

  /** How many targets have a request in flight. */
  get size(): number {
    return this.#taken.size
  }
}

// No id and no URL has a space.
function keyOf({ id }: CompiledService, { url }: CompiledTarget): string {
  return `${id} ${url}`
}
