/** The history, page by page. */
import { ValidationError, withFaults } from '../errors.ts'
import type { History } from './history.ts'
import { type RevisionSummary, toRevisionSummary } from './revision-view.ts'

/** Wire shape of a page. */
export interface RevisionPage {
  readonly items: readonly RevisionSummary[]
  readonly next_cursor: string | null
}

/**
 * One page of the history, newest first. A cursor names the last revision of its page: commits that are made between two pages do not
 * shift them.
 * @throws {ValidationError} when the cursor is none of ours
 */
export async function revisionPage(
  history: History,
  { limit = 50, cursor }: { readonly limit?: number; readonly cursor?: string }
): Promise<RevisionPage> {
  // One more tells whether there is another page.
  const commits = await history.list(cursor === undefined ? undefined : fromCursor(cursor), limit + 1)
  const page = commits.slice(0, limit)
  const last = page.at(-1)
  return {
    items: page.map(toRevisionSummary),
    next_cursor: last === undefined || commits.length <= limit ? null : toCursor(last.revision)
  }
}

function toCursor(revision: number): string {
  return Buffer.from(String(revision)).toString('base64url')
}

function fromCursor(cursor: string): number {
  const text = Buffer.from(cursor, 'base64url').toString('latin1')
  if (/^\d{1,15}$/.test(text)) return Number(text)
  const fault = { pointer: '/cursor', detail: 'is not a next_cursor of this list' }
  throw withFaults(new ValidationError(`Query parameter 'cursor' ${fault.detail}`), [fault])
}
