/** A rollout as the admin API shows it. */
import type { Rollout, TrafficResult } from '../../schemas/rollout.ts'
import { withoutDiscoverySecrets } from './discovery-secrets.ts'

/** Wire shape of a rollout. */
export interface RolloutView extends Omit<Rollout, 'base'> {
  readonly percent: number
  readonly traffic: TrafficResult | null
}

/** @param traffic of the step in force; null when it has ended or cannot be known */
export function toRolloutView({ base: _base, ...rollout }: Rollout, traffic: TrafficResult | null): RolloutView {
  const { changes } = rollout
  const shown = changes === undefined ? rollout : { ...rollout, changes: changes.map(withoutSecrets) }
  return { ...shown, percent: percentOf(rollout), traffic: rollout.status === 'running' ? traffic : null }
}

/** The share that a rollout has now: 0 when it ended without completing. */
export function percentOf({ status, steps, step, ramp }: Pick<Rollout, 'status' | 'steps' | 'step' | 'ramp'>): number {
  if (status === 'running' || (status === 'completed' && ramp !== undefined)) return steps[step]!.percent
  return status === 'completed' ? 100 : 0
}

type Change = NonNullable<Rollout['changes']>[number]

function withoutSecrets(change: Change): Change {
  return change.kind === 'service' ? { ...change, item: withoutDiscoverySecrets(change.item) } : change
}
