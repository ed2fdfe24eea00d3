/** JSON Merge Patch (RFC 7396), and what it is applied to here. */
import type { Kind } from '../core/change.ts'
import { withoutDiscoverySecrets } from './discovery-secrets.ts'
import { isRecord } from './is-record.ts'

/** `target` with `patch` merged into it (RFC 7396 section 2). Changes neither. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isRecord(patch)) return patch
  // A Map and fromEntries, not assignment: a key named `__proto__` stays a key.
  const result = new Map<string, unknown>(isRecord(target) ? Object.entries(target) : [])
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) result.delete(key)
    else result.set(key, mergePatch(result.get(key), value))
  }
  return Object.fromEntries(result)
}

/**
 * Patches an item as it was written. The short form `method` is read as `methods` on both sides, so that `{"methods": null}` removes
 * what was written as `method` and `{"method": "GET"}` replaces what was written as `methods`.
 */
export function patchItem(kind: Kind, written: unknown, patch: unknown): unknown {
  if (kind === 'service') return mergePatch(secretsStay(written, patch) ? written : withoutDiscoverySecrets(written), patch)
  if (kind !== 'forward_rule') return mergePatch(written, patch)
  return mergePatch(withoutAlias(written), withoutAlias(patch))
}

// A secret goes to the server that it was given for, and to no other.
function secretsStay(written: unknown, patch: unknown): boolean {
  if (!isRecord(patch) || !isRecord(patch.discovery) || !isRecord(written) || !isRecord(written.discovery)) return true
  const [before, after] = [written.discovery, patch.discovery]
  return ['type', 'address'].every(name => after[name] === undefined || after[name] === before[name])
}

function withoutAlias(value: unknown): unknown {
  if (!isRecord(value) || !Object.hasOwn(value, 'method')) return value
  const { method, ...rest } = value
  const { methods = null } = rest
  // A null beside the other name says only that the short form shall not be there.
  if (method === null) return { ...rest, methods }
  // When both are given, a rule takes the methods of both.
  return { ...rest, methods: [methods ?? [], method].flat() }
}
