/** Lists of items, page by page. */
import type { Kind } from '../core/change.ts'
import type { ConfigState, LiveItem } from '../core/config-state.ts'
import { ValidationError, withFaults } from '../errors.ts'

export interface PageRequest<K extends Kind> {
  /** How many items at most. */
  readonly limit: number
  /** `next_cursor` of the page before. */
  readonly cursor: string | undefined
  readonly matches: (item: LiveItem<K>['item']) => boolean
}

/** Wire shape of a page. */
export interface Page<K extends Kind> {
  readonly items: readonly LiveItem<K>['item'][]
  readonly next_cursor: string | null
  /** How many items match, on all pages. */
  readonly total: number
}

/**
 * One page of the live items that match, oldest first. A cursor names the last item of its page by age: items that come or go between
 * two pages neither repeat nor hide another.
 * @throws {ValidationError} when the cursor is none of ours
 */
export function pageOf<K extends Kind>(state: ConfigState, kind: K, { limit, cursor, matches }: PageRequest<K>): Page<K> {
  const matching = state.list(kind).filter(live => matches(live.item))
  const begin = cursor === undefined ? 0 : positionAfter(state, kind, matching, cursor)
  const page = matching.slice(begin, begin + limit)
  const last = page.at(-1)
  const isLast = last === undefined || begin + limit >= matching.length
  return { items: page.map(live => live.item), next_cursor: isLast ? null : toCursor(last), total: matching.length }
}

interface Position {
  readonly seq: number
  readonly id: string
}

function positionAfter<K extends Kind>(state: ConfigState, kind: K, list: readonly LiveItem<K>[], cursor: string): number {
  const position = fromCursor(cursor)
  // A file may count its items anew when it is edited: where the item is now wins over where it was.
  const anchor = state.get(kind, position.id) ?? position
  const index = list.findIndex(live => live.seq > anchor.seq || (live.seq === anchor.seq && live.id > anchor.id))
  return index === -1 ? list.length : index
}

function toCursor({ seq, id }: Position): string {
  return Buffer.from(`${seq}:${id}`).toString('base64url')
}

function fromCursor(cursor: string): Position {
  const found = /^(\d{1,16}):([A-Za-z0-9._-]{1,64})$/.exec(Buffer.from(cursor, 'base64url').toString('latin1'))
  if (found?.[1] === undefined || found[2] === undefined) {
    const fault = { pointer: '/cursor', detail: 'is not a next_cursor of this list' }
    throw withFaults(new ValidationError(`Query parameter 'cursor' ${fault.detail}`), [fault])
  }
  return { seq: Number(found[1]), id: found[2] }
}
