import type { ConfigSet } from '../core/change.ts'

/** Which life of a store a handle has loaded: data of another life may be at any revision, and must never be taken for what comes next. */
export class StoreLife {
  #loaded: { readonly epoch: string; readonly revision: number } | undefined

  /** '' when nothing was loaded, or what was loaded has none. */
  get epoch(): string {
    return this.#loaded?.epoch ?? ''
  }

  /** Takes what was loaded, or given back. Its items are not held. */
  load({ epoch, revision }: Pick<ConfigSet, 'epoch' | 'revision'>): void {
    this.#loaded = { epoch, revision }
  }

  /** Whether what comes after `revision` in the life `epoch` goes on from what was loaded. */
  followsOn(epoch: string, revision: number): boolean {
    const loaded = this.#loaded
    if (loaded === undefined || loaded.epoch === epoch) return true
    // The first commit gives an empty store its epoch.
    if (loaded.epoch !== '' || loaded.revision !== revision) return false
    this.#loaded = { epoch, revision }
    return true
  }
}
