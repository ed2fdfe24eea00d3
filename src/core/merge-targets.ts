/** The targets of a service: those of its configuration, and those that its source has found. */
import type { DiscoveredTarget } from './discovery.ts'
import type { CompiledService, CompiledTarget } from './route.ts'
import { compileTarget } from './target-address.ts'

/** The static targets and, behind them, those that were found at other addresses. A found URL that cannot be one is left out. */
export function mergeTargets(service: CompiledService, found: readonly DiscoveredTarget[]): readonly CompiledTarget[] {
  if (found.length === 0) return service.targets
  const taken = new Set(service.targets.map(addressOf))
  const more: CompiledTarget[] = []
  for (const { url, weight } of found) {
    const target = compileTarget(url, weight)
    if (typeof target === 'string' || taken.has(addressOf(target))) continue
    taken.add(addressOf(target))
    more.push(service.transport === undefined ? target : { ...target, transport: service.transport })
  }
  return [...service.targets, ...more]
}

function addressOf({ origin, basePath }: CompiledTarget): string {
  return origin + basePath
}
