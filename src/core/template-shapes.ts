/** The templates of one host: those of one shape (`/users/{id}`, `/orders/{x}`) are found by their literals in one lookup. */
import type { Bucket } from './bucket.ts'
import type { PathTemplate } from './match.ts'
import type { PathProbe } from './path-probe.ts'
import { PersistentMap } from './persistent-map.ts'

/** All templates with parameters in the same places. */
export interface TemplateShape {
  readonly shape: string
  /** By `PathTemplate.literals`. */
  readonly buckets: PersistentMap<Bucket>
}

/** The bucket of the shape's template that matches the path, if there is one. */
export function findTemplate({ shape, buckets }: TemplateShape, { segments }: PathProbe): Bucket | undefined {
  if (shape.length !== segments.length) return undefined
  let literals = ''
  for (let index = 0; index < shape.length; index++) {
    const segment = segments[index]!
    literals += '/'
    if (shape.charCodeAt(index) === 108 /* l */) literals += segment
    // A parameter stands for something.
    else if (segment === '') return undefined
  }
  return buckets.get(literals)
}

/** The shapes after the bucket of one template was edited. */
export function editTemplate(
  shapes: readonly TemplateShape[],
  path: PathTemplate,
  edit: (bucket: Bucket | undefined) => Bucket | undefined
): readonly TemplateShape[] {
  const before = shapes.find(({ shape }) => shape === path.shape)?.buckets ?? PersistentMap.empty<Bucket>()
  const bucket = edit(before.get(path.literals))
  const buckets = bucket === undefined ? before.delete(path.literals) : before.set(path.literals, bucket)
  const others = shapes.filter(({ shape }) => shape !== path.shape)
  return buckets.size === 0 ? others : [...others, { shape: path.shape, buckets }]
}
