import { createHash } from 'node:crypto'
import type { StoredItem } from '../core/change.ts'
import { overlayIdPrefix } from '../core/overlay.ts'

/** The priority of every rule made from a route: the lowest there is. */
export const proxyRoutePriority = -1_000_000

/**
 * The rule that a path of `proxy_routes` stands for: exact path, lowest priority, the whole request path sent to the target. Nothing is promised
 * about path and target: whoever takes the item checks it, as any other.
 * @param target undefined for a value that is too long to be one
 */
export function toProxyRouteItem(path: string, target: string | undefined): StoredItem {
  const id = proxyRouteId(path)
  const known = { kind: 'forward_rule', id, seq: 0 } as const
  if (target === undefined) return { ...known, item: undefined, fault: 'is too long to be a URL' }
  const rule = { path, path_type: 'exact', target, priority: proxyRoutePriority, labels: { source: 'proxy_routes' } }
  return { ...known, item: { id, ...rule } }
}

/** Stable, and valid as an id whatever the path is: readable first, then a digest that keeps apart what reads the same. */
export function proxyRouteId(path: string): string {
  const readable = path
    .replace(/[^A-Za-z0-9_-]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 32)
  const digest = createHash('sha256').update(path).digest('hex').slice(0, 12)
  return `${overlayIdPrefix}${readable === '' ? '' : `${readable}.`}${digest}`
}
