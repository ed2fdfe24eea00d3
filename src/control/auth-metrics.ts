/** What is measured of authentication. */
import { Counter, type Registry } from '@prometheus-io/client'
import type { AuthRefusal } from './authenticate.ts'

export interface AuthMetrics {
  /** A request was not let in. */
  recordAuthRefusal(reason: AuthRefusal): void
}

export function createAuthMetrics(registry: Registry): AuthMetrics {
  const refusals = new Counter({
    name: 'sluice_auth_refusals_total',
    help: 'Requests that were not let in by the auth of their rule.',
    labelNames: ['reason'],
    registers: [registry]
  })
  return { recordAuthRefusal: reason => refusals.inc({ reason }) }
}
