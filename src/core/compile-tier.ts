import type { Tier } from '../../schemas/tier.ts'
import type { CompiledTier } from './client.ts'
import { compileLimits } from './limit/compile-limit.ts'
import { Faults, type RuleFault } from './rule-fault.ts'

/** The compiled tier, or all that is wrong with it. */
export function compileTier(item: Tier): CompiledTier | readonly RuleFault[] {
  const faults = new Faults()
  const limits = compileLimits([...item.limits], { kind: 'tier', id: item.id, knowsClients: true }, faults, ['limits'])
  return faults.list.length > 0 ? faults.list : { id: item.id, item, limits }
}
