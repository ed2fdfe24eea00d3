/** The templates of one host: those of one shape (`/users/{id}`, `/orders/{x}`) are found by their literals in one lookup. */
import type { Bucket } from './bucket.ts'
import type { PathTemplate } from './match.ts'
import type { PathProbe } from './path-probe.ts'
import { PersistentMap } from './persistent-map.ts'

/** All templates with parameters in the same places. */
export interface TemplateShape {
  readonly shape: string
  /** The indexes of the segments that are parameters. */
  readonly parameters: readonly number[]
  /** By `PathTemplate.literals`. */
  readonly buckets: PersistentMap<Bucket>
}

/** The bucket of the shape's template that matches the path, if there is one. */
export function findTemplate({ shape, parameters, buckets }: TemplateShape, probe: PathProbe): Bucket | undefined {
  if (shape.length !== probe.segments) return undefined
  const { path, ends } = probe
  let literals = ''
  let from = 0
  for (let index = 0; index < parameters.length; index++) {
    const start = ends[parameters[index]!]! + 1
    const end = probe.endOfSegment(parameters[index]!)
    // A parameter stands for something.
    if (start === end) return undefined
    literals += path.slice(from, start)
    from = end
  }
  return buckets.get(literals + path.slice(from))
}

/** The shapes after the bucket of one template was edited. */
export function editTemplate(
  shapes: readonly TemplateShape[],
  { shape, literals }: PathTemplate,
  edit: (bucket: Bucket | undefined) => Bucket | undefined
): readonly TemplateShape[] {
  const before = shapes.find(other => other.shape === shape)
  const known = before?.buckets ?? PersistentMap.empty<Bucket>()
  const bucket = edit(known.get(literals))
  const buckets = bucket === undefined ? known.delete(literals) : known.set(literals, bucket)
  const others = shapes.filter(other => other !== before)
  if (buckets.size === 0) return others
  const parameters = [...shape].flatMap((letter, index) => (letter === 'p' ? [index] : []))
  return [...others, { shape, parameters, buckets }]
}
