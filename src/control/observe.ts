/** Tells the log and the metrics what the live configuration goes through. */
import type { Logger } from 'pino'
import { ConfigState } from '../core/config-state.ts'
import { brokenTests, type FailedTest } from '../core/expectations.ts'
import type { Quarantined } from '../core/live-item.ts'
import { failingRules } from './config-problems.ts'
import type { FleetListener } from './fleet.ts'
import type { LastGoodReport } from './keep-last-good.ts'
import type { LiveConfig } from './live-config.ts'
import type { Estrangement } from './live-events.ts'
import type { Metrics } from './metrics.ts'

/** From now on, every apply, every quarantined item and every change of the store's state is logged and counted. */
export function observe(live: LiveConfig, logger: Logger, metrics: Metrics): void {
  const reported = new Map<string, string>()
  metrics.setStoreUp(live.storeName, false)
  live.on('applied', ({ revision, changes, durationMs, state, before, commit, source }) => {
    metrics.recordApply(revision, state.problems.length)
    if (commit !== undefined)
      for (const change of commit.changes) if (change.op === 'delete' && change.kind === 'forward_rule') metrics.forgetRule(change.id)
    logger.info({ revision, changes, duration_ms: Math.round(durationMs * 100) / 100, by: commit?.by, source }, 'configuration applied')
    reportProblems(state.problems, reported, logger, metrics)
    reportTests(brokenTests(before ?? ConfigState.empty, state, commit?.changes, Date.now()), logger)
  })
  live.on('went_back', ({ from, to }) => {
    logger.error({ from, to }, `the store went back from revision ${from} to ${to}: commits were lost there; it is followed`)
  })
  live.on('estranged', reason => {
    metrics.setStoreFollowed(reason === undefined)
    if (reason === undefined) logger.info('the store is followed again')
    else logger.error({ reason }, `the store ${describe(reason)}; what is live stays live until POST /config/recover decides`)
  })
  // Each reason once while it is away: attempts to connect fail now in this way, now in that, several times a second.
  const reasons = new Set<string | undefined>()
  live.on('store', ({ up, reason }) => {
    metrics.setStoreUp(live.storeName, up)
    if (up) {
      reasons.clear()
      logger.info({ store: live.storeName, reason }, 'the store answers')
    } else if (!reasons.has(reason)) {
      reasons.add(reason)
      logger.error({ store: live.storeName, reason }, 'the store does not answer; the last good configuration stays live')
    }
  })
  live.on('trouble', error => {
    // A store that is known to be away has said so once.
    if (!live.storeState.up) return
    metrics.recordApplyFailure()
    logger.warn({ err: error }, 'the configuration could not be read; trying again')
  })
}

function describe(reason: Estrangement): string {
  return reason === 'lost' ? 'lost its data' : 'holds the data of another life'
}

/** What happens to the last good configuration on disk, told to the log and the metrics. */
export function reportLastGood(logger: Logger, metrics: Metrics): LastGoodReport {
  return {
    onWriteFailure: error => {
      metrics.recordLastGoodFailure()
      logger.error({ err: error }, 'the last good configuration could not be written to disk')
    },
    onDamage: (reason, aside) => logger.error({ reason, aside }, `the last good configuration on disk is not used: ${reason}`)
  }
}

/** What is found out about the other instances, told to the log and the metrics. */
export function reportFleet(logger: Logger, metrics: Metrics): FleetListener {
  return {
    onCount: count => metrics.setInstances(count),
    onMismatch: (other, { revision, digest }) => {
      metrics.recordDigestMismatch()
      logger.error(
        { instance: other.id, revision, digest: other.digest, own_digest: digest },
        `instance '${other.id}' holds something else at revision ${revision}; the configuration is read again`
      )
    },
    onNamesake: id =>
      logger.error(
        { instance: id },
        `another process is called '${id}', too: give each a SLUICE_INSTANCE of its own, or ?wait=all cannot tell them apart`
      )
  }
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

// Once, when they begin to fail: of a change made in the file, or by a version that knows no tests.
function reportTests(broken: readonly FailedTest[], logger: Logger): void {
  for (const { kind, id, code, faults, previousLive } of failingRules(broken))
    logger.error(
      { kind, id, code, faults, previous_live: previousLive },
      `a test of ${kind} '${id}' fails: ${faults[0]!.pointer} ${faults[0]!.detail}`
    )
}
