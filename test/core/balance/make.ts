/** Balancers and their targets, without a gateway. */
import { type BalancerName, balancerNames } from '../../../schemas/service.ts'
import type { Balancer } from '../../../src/core/balance/balancer.ts'
import { createBalancer } from '../../../src/core/balancers.ts'
import { compileService } from '../../../src/core/compile-service.ts'

import type { CompiledService } from '../../../src/core/route.ts'
import { type Candidate, type FlightObserver, TargetState } from '../../../src/core/target-state.ts'
import { makeFacts } from '../make.ts'

export { balancerNames }
export const facts = makeFacts('/')

/** What targets belong to in a test; its clock stands still unless moved. */
export class Owner {
  nowMs = 0
  observer: FlightObserver | undefined
  readonly now = (): number => this.nowMs
  verdictChanged(): void {
    // Nobody caches anything here.
  }
}

/** Targets by host name, in order. */
export function makeCandidates(weights: Readonly<Record<string, number>>, owner = new Owner()): readonly Candidate[] {
  const targets = Object.entries(weights).map(([host, weight]) => ({ url: `http://${host}`, weight }))
  return makeService(targets).targets.map(target => ({ target, state: new TargetState(target.url, owner) }))
}

export function makeService(
  targets: readonly { readonly url: string; readonly weight: number }[],
  { slow_start_ms = 0, ...balancer }: CompiledService['item']['balancer'] & { readonly slow_start_ms?: number } = {
    algorithm: 'round_robin'
  }
): CompiledService {
  const list = targets.map(target => ({ ...target, labels: {} }))
  const item = { id: 's', description: '', labels: {}, targets: list, balancer, slow_start_ms }
  const compiled = compileService(item)
  if ('targets' in compiled) return compiled
  throw new Error(JSON.stringify(compiled))
}

/** A balancer with a clock and randomness of its own, told of flights by `owner`. */
export function makeBalancer(
  algorithm: BalancerName,
  { owner = new Owner(), random = Math.random, ...more }: { owner?: Owner; random?: () => number; [option: string]: unknown } = {}
): Balancer {
  const balancer = createBalancer(makeService([], { algorithm, ...more }), { now: owner.now, random })
  owner.observer = balancer.observer
  return balancer
}

/** The hosts that get `count` requests which end at once. */
export function take(balancer: Balancer, candidates: readonly Candidate[], count: number): string {
  return Array.from({ length: count }, () => balancer.pick(candidates, facts).target.host).join('')
}
