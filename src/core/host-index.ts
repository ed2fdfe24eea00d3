/** The rules of one host, found by path. Immutable: an edit shares all that it does not touch. */
import { type Bucket, editBucket } from './bucket.ts'
import { countLevel, type LevelCounts } from './level-counts.ts'
import type { PathMatcher } from './match.ts'
import type { PathProbe } from './path-probe.ts'
import { PersistentMap } from './persistent-map.ts'
import type { RuleGroup } from './rule-group.ts'
import { editTemplate, findTemplate, type TemplateShape } from './template-shapes.ts'

/** Is shown every bucket whose path fits; a bucket of regex rules is shown for every path. */
export interface BucketVisitor {
  visit(bucket: Bucket, hostRank: number): void
}

interface Parts {
  readonly exact: PersistentMap<Bucket>
  readonly prefixes: PersistentMap<Bucket>
  /** How many prefixes there are, by number of segments. */
  readonly prefixLevels: LevelCounts
  readonly templates: readonly TemplateShape[]
  readonly patterns: Bucket | undefined
}

const emptyParts: Parts = {
  exact: PersistentMap.empty(),
  prefixes: PersistentMap.empty(),
  prefixLevels: [],
  templates: [],
  patterns: undefined
}

export class HostIndex {
  static readonly empty = new HostIndex(emptyParts)

  readonly #parts: Parts

  private constructor(parts: Parts) {
    this.#parts = parts
  }

  get isEmpty(): boolean {
    const { exact, prefixes, templates, patterns } = this.#parts
    return exact.size === 0 && prefixes.size === 0 && templates.length === 0 && patterns === undefined
  }

  /** Shows the buckets of the path, the closest paths first. */
  visit(probe: PathProbe, hostRank: number, visitor: BucketVisitor): void {
    const { exact, prefixes, prefixLevels, templates, patterns } = this.#parts
    const { path, ends, hashes } = probe
    const whole = exact.size === 0 ? undefined : exact.getSlice(path, path.length, probe.hash)
    if (whole !== undefined) visitor.visit(whole, hostRank)
    for (let index = 0; index < templates.length; index++) {
      const bucket = findTemplate(templates[index]!, probe)
      if (bucket !== undefined) visitor.visit(bucket, hostRank)
    }
    for (let depth = Math.min(ends.length, prefixLevels.length) - 1; depth >= 0; depth--) {
      if (prefixLevels[depth] === 0) continue
      const bucket = prefixes.getSlice(path, ends[depth]!, hashes[depth]!)
      if (bucket !== undefined) visitor.visit(bucket, hostRank)
    }
    if (patterns !== undefined) visitor.visit(patterns, hostRank)
  }

  /** The index with one version of a group replaced by the next; both have the same path. */
  replace(before: RuleGroup | undefined, after: RuleGroup | undefined): HostIndex {
    const path = (after ?? before)?.match.path
    if (path === undefined) return this
    return new HostIndex({ ...this.#parts, ...this.#edited(path, bucket => editBucket(bucket, before, after)) })
  }

  #edited(path: PathMatcher, edit: (bucket: Bucket | undefined) => Bucket | undefined): Partial<Parts> {
    const { exact, prefixes, prefixLevels, templates, patterns } = this.#parts
    if (path.type === 'regex') return { patterns: edit(patterns) }
    if (path.type === 'template') return { templates: editTemplate(templates, path, edit) }
    if (path.type === 'exact') return { exact: editAt(exact, path.path, edit) }
    const edited = editAt(prefixes, path.path, edit)
    if (edited.size === prefixes.size) return { prefixes: edited }
    return { prefixes: edited, prefixLevels: countLevel(prefixLevels, path.segments, edited.size > prefixes.size ? 1 : -1) }
  }
}

function editAt(
  buckets: PersistentMap<Bucket>,
  key: string,
  edit: (bucket: Bucket | undefined) => Bucket | undefined
): PersistentMap<Bucket> {
  const bucket = edit(buckets.get(key))
  return bucket === undefined ? buckets.delete(key) : buckets.set(key, bucket)
}
