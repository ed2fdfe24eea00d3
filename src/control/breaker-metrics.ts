/** What is measured of circuit breakers. The states are read at a scrape. */
import { Counter, Gauge, type Registry } from '@prometheus-io/client'
import type { BreakerState } from '../../schemas/breaker.ts'
import type { BreakerChange, BreakerReading } from '../upstream/breakers.ts'

export interface BreakerMetrics {
  /** Where the states come from. Default: there are none. */
  readBreakers(source: () => readonly BreakerReading[]): void
  /** A breaker changed its state. */
  recordBreaker(change: BreakerChange): void
}

const levels: Readonly<Record<BreakerState, number>> = { closed: 0, half_open: 1, open: 2 }

export function createBreakerMetrics(registry: Registry): BreakerMetrics {
  const registers = [registry]
  let read: () => readonly BreakerReading[] = () => []
  new Gauge({
    name: 'sluice_breaker_state',
    help: '0 closed, 1 half-open, 2 open. Of those that had a request; target is empty for the one for all, rule for that of the service.',
    labelNames: ['service', 'rule', 'target'],
    registers,
    collect() {
      this.reset()
      for (const { service, rule, target, state } of read()) this.set({ service, rule, target }, levels[state])
    }
  })
  const transitions = new Counter({
    name: 'sluice_breaker_transitions_total',
    help: 'How often breakers of a service changed to a state.',
    labelNames: ['service', 'rule', 'state'],
    registers
  })
  return {
    readBreakers: source => {
      read = source
    },
    recordBreaker: ({ service, rule, to }) => transitions.inc({ service, rule, state: to })
  }
}
