/** From a service in canonical form to what requests need of it. */
import type { Service } from '../../schemas/service.ts'
import { compileBreaker } from './compile-breaker.ts'
import { compileDiscovery } from './compile-discovery.ts'
import { compileTransport } from './compile-transport.ts'
import { compileHealthCheck, compileOutlier } from './health-check.ts'
import type { CompiledService, CompiledTarget } from './route.ts'
import { Faults, type RuleFault } from './rule-fault.ts'
import { compileSticky } from './sticky.ts'
import { compileTarget } from './target-address.ts'

/** The compiled service, or all that is wrong with it. Pure. */
export function compileService(item: Service): CompiledService | readonly RuleFault[] {
  const faults = new Faults()
  const targets: CompiledTarget[] = []
  const seen = new Map<string, number>()
  const transport = compileTransport(item)
  for (const [index, { url, weight }] of item.targets.entries()) {
    const target = compileTarget(url, weight)
    if (typeof target === 'string') {
      faults.add(['targets', index, 'url'], target)
      continue
    }
    // Two spellings of one address are one target: state is kept by target.
    const address = target.origin + target.basePath
    const other = seen.get(address)
    if (other !== undefined) faults.add(['targets', index, 'url'], `is the same address as target ${other}`)
    seen.set(address, other ?? index)
    targets.push(transport === undefined ? target : { ...target, transport })
  }
  const discovery = item.discovery === undefined ? undefined : compileDiscovery(item.discovery, faults)
  const healthCheck = item.health_check === undefined ? undefined : compileHealthCheck(item.health_check, faults)
  const outlier = item.outlier === undefined ? undefined : compileOutlier(item.outlier)
  if (item.balancer.hash_on !== undefined && item.balancer.algorithm !== 'consistent_hash')
    faults.add(['balancer', 'hash_on'], `is for consistent_hash; ${item.balancer.algorithm} has none`)
  const sticky = item.sticky === undefined ? undefined : compileSticky(item.sticky, faults)
  const breaker = item.breaker === undefined ? undefined : compileBreaker(item.breaker, item.id, faults)
  if (faults.list.length > 0) return faults.list
  return {
    id: item.id,
    item,
    maxConnections: item.max_connections ?? null,
    targets,
    transport,
    discovery,
    sticky,
    healthCheck,
    outlier,
    breaker
  }
}
