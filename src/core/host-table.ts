/** The indexes of all hosts, found by the host of a request. Immutable. */

import { type BucketVisitor, HostIndex } from './host-index.ts'
import { anyHostRank, exactHostRank } from './host-pattern.ts'
import { countLevel, type LevelCounts } from './level-counts.ts'
import type { HostPattern } from './match.ts'
import type { PathProbe } from './path-probe.ts'
import { PersistentMap } from './persistent-map.ts'

interface Parts {
  readonly exact: PersistentMap<HostIndex>
  /** By suffix. */
  readonly wildcards: PersistentMap<HostIndex>
  /** How many suffixes there are, by number of labels. */
  readonly wildcardLevels: LevelCounts
  readonly any: HostIndex
}

/** No name that a rule can hold is longer (RFC 1035 section 2.3.4). */
const maxNameLength = 253

type Edit = (index: HostIndex) => HostIndex

export class HostTable {
  static readonly empty = new HostTable({
    exact: PersistentMap.empty(),
    wildcards: PersistentMap.empty(),
    wildcardLevels: [],
    any: HostIndex.empty
  })

  readonly #parts: Parts

  private constructor(parts: Parts) {
    this.#parts = parts
  }

  /** Shows the buckets of the host and path: the exact host's, then the wildcards' by length, then those of any host. */
  visit(host: string, probe: PathProbe, visitor: BucketVisitor): void {
    const { exact, wildcards, any } = this.#parts
    exact.get(host)?.visit(probe, exactHostRank, visitor)
    if (wildcards.size > 0) for (const [index, rank] of this.#wildcardsOf(host)) index.visit(probe, rank, visitor)
    any.visit(probe, anyHostRank, visitor)
  }

  /** The indexes that `visit` does not ask for this host. */
  *others(host: string): Generator<HostIndex> {
    const asked = new Set(this.#wildcardsOf(host).map(([index]) => index))
    for (const [name, index] of this.#parts.exact) if (name !== host) yield index
    for (const index of this.#parts.wildcards.values()) if (!asked.has(index)) yield index
  }

  /** The longest suffix first. */
  #wildcardsOf(host: string): readonly (readonly [index: HostIndex, rank: number])[] {
    const { wildcards, wildcardLevels } = this.#parts
    const found: [HostIndex, number][] = []
    let labels = host.split('.').length
    // From 1: what stands before the first dot must be something.
    for (let dot = host.indexOf('.', 1); dot !== -1; dot = host.indexOf('.', dot + 1)) {
      labels--
      if (!wildcardLevels[labels] || host.length - dot > maxNameLength) continue
      const suffix = host.slice(dot + 1)
      const index = wildcards.get(suffix)
      if (index !== undefined) found.push([index, suffix.length])
    }
    return found
  }

  /** The table after the index of one host was edited. */
  edit(host: HostPattern, edit: Edit): HostTable {
    const { exact, wildcards, wildcardLevels, any } = this.#parts
    if (host.type === 'any') return new HostTable({ ...this.#parts, any: edit(any) })
    if (host.type === 'exact') return new HostTable({ ...this.#parts, exact: editAt(exact, host.host, edit) })
    const edited = editAt(wildcards, host.suffix, edit)
    const change = edited.size - wildcards.size
    if (change === 0) return new HostTable({ ...this.#parts, wildcards: edited })
    const levels = countLevel(wildcardLevels, host.suffix.split('.').length, change > 0 ? 1 : -1)
    return new HostTable({ ...this.#parts, wildcards: edited, wildcardLevels: levels })
  }
}

function editAt(indexes: PersistentMap<HostIndex>, name: string, edit: Edit): PersistentMap<HostIndex> {
  const index = edit(indexes.get(name) ?? HostIndex.empty)
  return index.isEmpty ? indexes.delete(name) : indexes.set(name, index)
}
