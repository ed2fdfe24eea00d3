/** One text per set of requests: rules with equal keys form a group. */
import { hostKey } from './host-pattern.ts'
import type { HostPattern, PathMatcher } from './match.ts'

/** The canonical text of all match fields and the priority. Equal whatever the order and spelling in which they were written. */
export function toMatchKey(priority: number, path: PathMatcher, hosts: readonly HostPattern[], predicates: readonly unknown[]): string {
  const isAnyHost = hosts.length === 1 && hosts[0]!.type === 'any'
  const parts = [priority, path.type, pathKey(path), isAnyHost ? null : hosts.map(hostKey), ...predicates]
  while (parts.at(-1) === null) parts.pop()
  return JSON.stringify(parts)
}

// The names of a template's parameters say nothing about what it matches.
function pathKey(path: PathMatcher): string {
  if (path.type === 'template') return `${path.shape}${path.literals}`
  return path.type === 'regex' ? path.source : path.path
}
