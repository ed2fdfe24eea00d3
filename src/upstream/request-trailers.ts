/** The trailers of a request on their way to the target (RFC 9110 section 6.5). */
import type { CompiledHeaderEdits } from '../core/route.ts'
import { framingFields, nominatedBy, requestFieldOf } from './fields.ts'

/** What decides about trailers beside their names. */
export interface TrailerRules {
  /** The client's Connection field. */
  readonly connection: string | undefined
  /** A target that takes trailers for header fields must not get by them what the rule takes away or sets itself. */
  readonly edits: CompiledHeaderEdits | undefined
}

// RFC 9110 section 6.5.1: what is needed before the content, and who asks. The rest is in `fields.ts`.
const headerOnly: ReadonlySet<string> = new Set([
  'authorization',
  'cache-control',
  'content-encoding',
  'content-range',
  'content-type',
  'cookie',
  'max-forwards',
  'pragma',
  'range',
  'set-cookie'
])

const token = /^[!#$%&'*+.^_`|~0-9a-z-]+$/

/** The value of the Trailer field for the target: the names that may be trailers, in lower case. `''` when there are none. */
export function announcedTrailers(trailer: string, rules: TrailerRules): string {
  const mayPass = createFilter(rules)
  const names = trailer.split(',').map(name => name.trim().toLowerCase())
  return names.filter(name => token.test(name) && mayPass(name)).join(', ')
}

/** The trailers for the target as pairs. `raw` holds names and values in turn. */
export function toTargetTrailers(raw: readonly string[], rules: TrailerRules): [name: string, value: string][] {
  const mayPass = createFilter(rules)
  const list: [string, string][] = []
  for (let at = 0; at < raw.length; at += 2) {
    const name = raw[at]!.toLowerCase()
    if (mayPass(name)) list.push([name, raw[at + 1]!])
  }
  return list
}

function createFilter({ connection, edits }: TrailerRules): (name: string) => boolean {
  const nominated = connection === undefined ? undefined : nominatedBy(connection)
  const taken = new Set([...(edits?.remove ?? []), ...(edits?.set ?? []).map(([name]) => name)])
  return name =>
    requestFieldOf(name).use === 'pass' &&
    !framingFields.has(name) &&
    !headerOnly.has(name) &&
    !name.startsWith('if-') &&
    !taken.has(name) &&
    nominated?.has(name) !== true
}
