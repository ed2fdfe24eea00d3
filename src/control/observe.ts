/** Tells the log and the metrics what the live configuration goes through. */
import type { Logger } from 'pino'
import type { Quarantined } from '../core/live-item.ts'
import type { LiveConfig } from './live-config.ts'
import type { Metrics } from './metrics.ts'

/** From now on, every apply, every quarantined item and every change of the store's state is logged and counted. */
export function observe(live: LiveConfig, logger: Logger, metrics: Metrics): void {
  const reported = new Map<string, string>()
  metrics.setStoreUp(live.storeName, false)
  live.on('applied', ({ revision, changes, durationMs, state, commit }) => {
    metrics.recordApply(revision, state.problems.length)
    if (commit !== undefined)
      for (const change of commit.changes) if (change.op === 'delete' && change.kind === 'forward_rule') metrics.forgetRule(change.id)
    logger.info({ revision, changes, duration_ms: Math.round(durationMs * 100) / 100, by: commit?.by }, 'configuration applied')
    reportProblems(state.problems, reported, logger, metrics)
  })
  live.on('store', ({ up, reason }) => {
    metrics.setStoreUp(live.storeName, up)
    if (up) logger.info({ store: live.storeName, reason }, 'the store answers')
    else logger.error({ store: live.storeName, reason }, 'the store does not answer; the last good configuration stays live')
  })
  live.on('trouble', error => {
    metrics.recordApplyFailure()
    logger.warn({ err: error }, 'the configuration could not be read; trying again')
  })
}

// Each problem once, when it is new or has changed.
function reportProblems(problems: readonly Quarantined[], reported: Map<string, string>, logger: Logger, metrics: Metrics): void {
  const current = new Map(problems.map(problem => [`${problem.kind}/${problem.id}`, problem]))
  for (const key of reported.keys()) if (!current.has(key)) reported.delete(key)
  for (const [key, { kind, id, code, faults, previousLive }] of current) {
    const text = JSON.stringify([code, faults])
    if (reported.get(key) === text) continue
    reported.set(key, text)
    metrics.recordApplyFailure()
    logger.error(
      { kind, id, code, faults, previous_live: previousLive },
      `${kind} '${id}' is not live: ${faults[0]?.pointer ?? ''} ${faults[0]?.detail ?? code}`
    )
  }
}
