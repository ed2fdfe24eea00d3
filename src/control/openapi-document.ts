/** Pure steps that turn the routes' schemas into a good OpenAPI 3.1 document. */
import { stringify } from 'yaml'
import { isRecord } from './is-record.ts'

/** Schemas that have a `title`, by it: they become `components/schemas`. */
export type NamedSchemas = Map<string, Record<string, unknown>>

/**
 * Collects every schema with a `title` below `value`, as it was written: the conversion of `@fastify/swagger` loses what OpenAPI 3.0
 * could not say (`patternProperties`).
 * @throws {Error} when two different schemas have one title
 */
export function collectNamed(value: unknown, into: NamedSchemas): void {
  if (Array.isArray(value)) return value.forEach(inner => void collectNamed(inner, into))
  if (!isRecord(value)) return
  // The examples of a body belong to the operation, not to the schema.
  const { 'x-examples': _examples, ...schema } = value
  if (typeof schema.title === 'string') {
    const known = into.get(schema.title)
    if (known !== undefined && JSON.stringify(known) !== JSON.stringify(schema)) throw new Error(`two schemas are called ${schema.title}`)
    into.set(schema.title, schema)
  }
  for (const inner of Object.values(schema)) collectNamed(inner, into)
}

/** `value` with every named schema in it replaced by a reference. */
export function withReferences(value: unknown, named: NamedSchemas): unknown {
  if (Array.isArray(value)) return value.map(inner => withReferences(inner, named))
  if (!isRecord(value)) return value
  if (typeof value.title === 'string' && named.has(value.title)) return { $ref: `#/components/schemas/${value.title}` }
  return withReferencesInside(value, named)
}

/** The `components/schemas` section: each named schema, with references to the others. */
export function toComponents(named: NamedSchemas): Record<string, unknown> {
  const sorted = [...named].sort(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(sorted.map(([name, schema]) => [name, withReferencesInside(schema, named)]))
}

function withReferencesInside(schema: Record<string, unknown>, named: NamedSchemas): Record<string, unknown> {
  return Object.fromEntries(Object.entries(schema).map(([key, inner]) => [key, withReferences(inner, named)]))
}

/**
 * Takes the problem answers out of the operations: one `components/responses` entry per status, referred to.
 * @returns the paths without them, and the section
 */
export function withSharedProblems(paths: Record<string, unknown>): { paths: Record<string, unknown>; responses: Record<string, unknown> } {
  const responses: Record<string, unknown> = {}
  const share = (status: string, response: unknown): unknown => {
    if (!isRecord(response) || !isRecord(response.content) || response.content['application/problem+json'] === undefined) return response
    const name = `Problem${status}`
    responses[name] ??= response
    return { $ref: `#/components/responses/${name}` }
  }
  const shared = mapValues(paths, path =>
    mapValues(path, operation =>
      isRecord(operation)
        ? { ...operation, responses: mapValues(operation.responses, (response, status) => share(status, response)) }
        : operation
    )
  )
  return { paths: shared, responses: Object.fromEntries(Object.entries(responses).sort(([a], [b]) => (a < b ? -1 : 1))) }
}

function mapValues(value: unknown, map: (inner: unknown, key: string) => unknown): Record<string, unknown> {
  return Object.fromEntries(Object.entries(isRecord(value) ? value : {}).map(([key, inner]) => [key, map(inner, key)]))
}

/** The document as YAML, the same text each time. Lines are not folded: a change of one word is a change of one line. */
export function toYaml(document: object): string {
  return stringify(document, { aliasDuplicateObjects: false, lineWidth: 0 })
}
