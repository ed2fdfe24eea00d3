/** What is measured of rollouts. */
import { Counter, Gauge, type Registry } from '@prometheus-io/client'
import type { Arm } from '../core/rollout-traffic.ts'

export interface RolloutMetrics {
  /** The share of the rollout that is running; 0 when none is. */
  setRolloutPercent(percent: number): void
  /** An exchange that the rollout concerns is over. */
  recordRolloutRequest(arm: Arm['name'], status: number): void
}

export function createRolloutMetrics(registry: Registry): RolloutMetrics {
  const registers = [registry]
  const percent = new Gauge({
    name: 'sluice_rollout_percent',
    help: 'The share of the rollout that is running; 0 when none is.',
    registers
  })
  const requests = new Counter({
    name: 'sluice_rollout_requests_total',
    help: 'Requests that a running rollout concerned, by side and class of status.',
    labelNames: ['arm', 'code'],
    registers
  })
  percent.set(0)
  return {
    setRolloutPercent: share => percent.set(share),
    recordRolloutRequest: (arm, status) => requests.inc({ arm, code: `${Math.floor(status / 100)}xx` })
  }
}
