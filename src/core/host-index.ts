/** The rules of one host, found by path. Immutable: an edit shares all that it does not touch. */
import { type Bucket, editBucket } from './bucket.ts'
import { countLevel, greatestLevel, hasLevel, type LevelCounts, toLevelBits } from './level-counts.ts'
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

const noTemplates: readonly TemplateShape[] = []

export class HostIndex {
  static readonly empty = new HostIndex({
    exact: PersistentMap.empty(),
    prefixes: PersistentMap.empty(),
    prefixLevels: [],
    templates: noTemplates,
    patterns: undefined
  })

  readonly #exact: PersistentMap<Bucket>
  readonly #prefixes: PersistentMap<Bucket>
  readonly #prefixLevels: LevelCounts
  readonly #prefixBits: number
  readonly #templates: readonly TemplateShape[]
  readonly #patterns: Bucket | undefined

  private constructor({ exact, prefixes, prefixLevels, templates, patterns }: Parts) {
    this.#exact = exact
    this.#prefixes = prefixes
    this.#prefixLevels = prefixLevels
    this.#prefixBits = toLevelBits(prefixLevels)
    this.#templates = templates
    this.#patterns = patterns
  }

  get isEmpty(): boolean {
    return this.#exact.size === 0 && this.#prefixes.size === 0 && this.#templates.length === 0 && this.#patterns === undefined
  }

  /** Shows the buckets of the path, the closest paths first. */
  visit(probe: PathProbe, hostRank: number, visitor: BucketVisitor): void {
    const { path } = probe
    const whole = this.#exact.getSlice(path, path.length, probe.hash)
    if (whole !== undefined) visitor.visit(whole, hostRank)
    for (let index = 0; index < this.#templates.length; index++) {
      const bucket = findTemplate(this.#templates[index]!, probe)
      if (bucket !== undefined) visitor.visit(bucket, hostRank)
    }
    this.#visitPrefixes(probe, hostRank, visitor)
    if (this.#patterns !== undefined) visitor.visit(this.#patterns, hostRank)
  }

  #visitPrefixes({ path, ends, hashes }: PathProbe, hostRank: number, visitor: BucketVisitor): void {
    const bits = this.#prefixBits
    for (let depth = Math.min(ends.length - 1, greatestLevel(bits)); depth >= 0; depth--) {
      if (!hasLevel(bits, depth)) continue
      const bucket = this.#prefixes.getSlice(path, ends[depth]!, hashes[depth]!)
      if (bucket !== undefined) visitor.visit(bucket, hostRank)
    }
  }

  /** The index with one version of a group replaced by the next; both have the same path. */
  replace(before: RuleGroup | undefined, after: RuleGroup | undefined): HostIndex {
    const path = (after ?? before)?.match.path
    if (path === undefined) return this
    const parts = {
      exact: this.#exact,
      prefixes: this.#prefixes,
      prefixLevels: this.#prefixLevels,
      templates: this.#templates,
      patterns: this.#patterns
    }
    return new HostIndex({ ...parts, ...edited(parts, path, bucket => editBucket(bucket, before, after)) })
  }
}

type Edit = (bucket: Bucket | undefined) => Bucket | undefined

function edited({ exact, prefixes, prefixLevels, templates, patterns }: Parts, path: PathMatcher, edit: Edit): Partial<Parts> {
  if (path.type === 'regex') return { patterns: edit(patterns) }
  if (path.type === 'template') return { templates: editTemplate(templates, path, edit) }
  if (path.type === 'exact') return { exact: editAt(exact, path.path, edit) }
  const next = editAt(prefixes, path.path, edit)
  if (next.size === prefixes.size) return { prefixes: next }
  return { prefixes: next, prefixLevels: countLevel(prefixLevels, path.segments, next.size > prefixes.size ? 1 : -1) }
}

function editAt(buckets: PersistentMap<Bucket>, key: string, edit: Edit): PersistentMap<Bucket> {
  const bucket = edit(buckets.get(key))
  return bucket === undefined ? buckets.delete(key) : buckets.set(key, bucket)
}
