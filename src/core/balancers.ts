/** Which balancer a service has. */
import type { BalancerName } from '../../schemas/service.ts'
import type { Balancer, BalancerContext } from './balance/balancer.ts'
import { RoundRobin } from './balance/round-robin.ts'
import { WeightedRoundRobin } from './balance/weighted-round-robin.ts'
import type { CompiledService } from './route.ts'

// `satisfies` makes a name that the schema allows but nobody implements a compile error.
const factories = {
  round_robin: () => new RoundRobin(),
  weighted_round_robin: () => new WeightedRoundRobin()
} satisfies Record<BalancerName, (service: CompiledService, context: BalancerContext) => Balancer>

/** A new balancer as the service asks for. */
export function createBalancer(service: CompiledService, _context: BalancerContext): Balancer {
  return factories[service.item.balancer.algorithm]()
}
