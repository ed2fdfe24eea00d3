/** Conditional requests: RFC 9110 section 13.1. */
import { BadRequestError, PreconditionFailedError } from '../errors.ts'

/** The header fields as they came. */
export interface Conditions {
  readonly ifMatch: string | undefined
  readonly ifNoneMatch: string | undefined
}

export const unconditional: Conditions = { ifMatch: undefined, ifNoneMatch: undefined }

/**
 * Holds a write to its conditions.
 * @param current the strong entity tag of what is there, undefined when nothing is
 * @throws {PreconditionFailedError} when a condition does not hold
 * @throws {BadRequestError} when a field is not a list of entity tags
 */
export function checkConditions({ ifMatch, ifNoneMatch }: Conditions, current: string | undefined): void {
  if (ifMatch !== undefined && !matchesStrongly(parseTags('If-Match', ifMatch), current))
    throw new PreconditionFailedError(
      current === undefined ? 'If-Match: there is no such item' : 'If-Match: the item is another by now; read it again'
    )
  if (ifNoneMatch !== undefined && matchesWeakly(parseTags('If-None-Match', ifNoneMatch), current))
    throw new PreconditionFailedError('If-None-Match: the item is there already')
}

/** Whether a read can be answered with 304: `If-None-Match` names what the client would get. */
export function isNotModified(ifNoneMatch: string | undefined, current: string): boolean {
  return ifNoneMatch !== undefined && matchesWeakly(parseTags('If-None-Match', ifNoneMatch), current)
}

type Tags = '*' | readonly { readonly weak: boolean; readonly tag: string }[]

// If-Match protects against lost updates: a weak tag is no promise that the bytes are the same (section 13.1.1).
function matchesStrongly(tags: Tags, current: string | undefined): boolean {
  if (current === undefined) return false
  return tags === '*' || tags.some(({ weak, tag }) => !weak && tag === current)
}

function matchesWeakly(tags: Tags, current: string | undefined): boolean {
  if (current === undefined) return false
  return tags === '*' || tags.some(({ tag }) => tag === current)
}

function parseTags(field: string, value: string): Tags {
  if (value.trim() === '*') return '*'
  // Sticky: commas may stand inside a tag, so the list cannot be split. Empty elements are allowed (section 5.6.1).
  const element = /[ \t]*(?:(W\/)?("[\x21\x23-\x7e\x80-\xff]*")[ \t]*)?(?:,|$)/y
  const tags: { weak: boolean; tag: string }[] = []
  while (element.lastIndex < value.length) {
    const found = element.exec(value)
    if (found === null) throw new BadRequestError(`${field} is not '*' or a list of entity tags in double quotes`)
    if (found[2] !== undefined) tags.push({ weak: found[1] !== undefined, tag: found[2] })
  }
  if (tags.length === 0) throw new BadRequestError(`${field} is empty`)
  return tags
}
