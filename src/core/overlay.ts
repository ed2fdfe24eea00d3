/** Rules that come from beside the store (the Redis hash `proxy_routes`): live like any other, but not the store's, and not the API's to write. */
import type { Kind } from './change.ts'

/** What the id of every such rule begins with. */
export const overlayIdPrefix = 'proxy_routes.'

export function isOverlay({ kind, id }: { readonly kind: Kind; readonly id: string }): boolean {
  return kind === 'forward_rule' && id.startsWith(overlayIdPrefix)
}
