/** Entity tags of items (RFC 9110 section 8.8.3). */
import { createHash } from 'node:crypto'
import type { LiveItem } from '../core/live-item.ts'

/**
 * A strong entity tag, with its quotes: a digest of the canonical item. Equal on every instance and after a restart, whatever revision
 * brought the item, so that `If-Match` holds behind a load balancer.
 */
export function etagOf(item: LiveItem): string {
  let etag = known.get(item)
  if (etag === undefined) {
    etag = `"${createHash('sha256')
      .update(JSON.stringify(sorted(item.item)))
      .digest('base64url')
      .slice(0, 22)}"`
    known.set(item, etag)
  }
  return etag
}

const known = new WeakMap<LiveItem, string>()

/** With the fields of every object in one order: two texts of one item are equal. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, sorted(inner)])
  )
}
