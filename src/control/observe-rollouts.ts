/** Tells the log, the metrics and the events how a rollout fares. */
import type { Logger } from 'pino'
import type { Rollout } from '../../schemas/rollout.ts'
import type { ConfigState } from '../core/config-state.ts'
import type { EventFeed } from './event-feed.ts'
import type { LiveConfig } from './live-config.ts'
import type { Metrics } from './metrics.ts'
import { percentOf } from './rollout-view.ts'

/** From now on, every move of a rollout is told once, on every instance that follows it. */
export function observeRollouts(live: LiveConfig, logger: Logger, metrics: Pick<Metrics, 'setRolloutPercent'>, feed: EventFeed): void {
  live.on('applied', ({ state, before, revision }) => {
    const rollout = movedRollout(before, state)
    if (rollout === undefined) return
    const { id, status, step, steps, reason, by, updated_at: at } = rollout
    const percent = percentOf(rollout)
    metrics.setRolloutPercent(status === 'running' ? percent : 0)
    const told = { id, status, step, steps: steps.length, percent, reason, by }
    feed.publish({ event: 'rollout', data: { revision, at, ...told } })
    const line = { rollout: id, status, step, percent, reason: reason ?? undefined, by }
    if (status === 'rolled_back' || status === 'aborted') logger.warn(line, `the rollout '${id}' ended: ${reason}`)
    else logger.info(line, status === 'running' ? `the rollout '${id}' is at ${percent} %` : `the rollout '${id}' is completed`)
  })
}

/** The rollout that began, went on or ended between two states; when one went and another came, the one that runs. */
function movedRollout(before: ConfigState | undefined, after: ConfigState): Rollout | undefined {
  const [was, is] = [before?.rollout, after.rollout]
  if (is !== undefined) return was?.id === is.id && was.item.step === is.item.step ? undefined : is.item
  if (was === undefined) return undefined
  const gone = { ...was.item, status: 'aborted', reason: 'it is not in the store any more' } as const
  return after.get('rollout', was.id)?.item ?? gone
}
