/** Which balancer a service has. */
import type { BalancerName } from '../../schemas/service.ts'
import type { Balancer, BalancerContext } from './balance/balancer.ts'
import { ConsistentHash, IpHash } from './balance/consistent-hash.ts'
import { Ewma } from './balance/ewma.ts'
import { toHashKey } from './balance/hash-key.ts'
import { LeastConn } from './balance/least-conn.ts'
import { RandomTwoChoices } from './balance/random-two-choices.ts'
import { RoundRobin } from './balance/round-robin.ts'
import { WeightedRoundRobin } from './balance/weighted-round-robin.ts'
import { Weights } from './balance/weights.ts'
import type { CompiledService } from './route.ts'

/** What a new balancer is made of. */
interface Parts extends BalancerContext {
  readonly weights: Weights
  readonly hashOn: string
}

// `satisfies` makes a name that the schema allows but nobody implements a compile error.
const factories = {
  round_robin: () => new RoundRobin(),
  weighted_round_robin: ({ weights }) => new WeightedRoundRobin(weights),
  least_conn: ({ weights }) => new LeastConn(weights),
  ip_hash: () => new IpHash(),
  consistent_hash: ({ hashOn }) => new ConsistentHash(toHashKey(hashOn)),
  ewma: ({ weights, now }) => new Ewma(weights, now),
  random_two_choices: ({ weights, random }) => new RandomTwoChoices(weights, random)
} satisfies Record<BalancerName, (parts: Parts) => Balancer>

/** A new balancer as the service asks for. */
export function createBalancer({ item }: CompiledService, { now, random }: BalancerContext): Balancer {
  const { algorithm, hash_on: hashOn = 'ip' } = item.balancer
  return factories[algorithm]({ now, random, hashOn, weights: new Weights(item.slow_start_ms ?? 0, now) })
}

/** Equal for versions of a service that can go on with one balancer. */
export function balancerKeyOf({ item }: CompiledService): string {
  return JSON.stringify([item.balancer, item.slow_start_ms])
}
