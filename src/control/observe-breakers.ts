/** Circuit breakers, told to the log, to the metrics and to those who follow the events. */
import type { Logger } from 'pino'
import type { BreakerChange } from '../upstream/breakers.ts'
import type { BreakerMetrics } from './breaker-metrics.ts'
import type { EventFeed } from './event-feed.ts'

/** A listener that tells of each change once. */
export function reportBreakers(
  logger: Logger,
  metrics: Pick<BreakerMetrics, 'recordBreaker'>,
  feed: Pick<EventFeed, 'publish'>
): (change: BreakerChange) => void {
  return change => {
    const { service, rule, target, scope, from, to, reason } = change
    metrics.recordBreaker(change)
    const line = {
      service: service || undefined,
      rule: rule || undefined,
      target: target || undefined,
      from,
      to,
      reason,
      rollout: scope || undefined
    }
    feed.publish({ event: 'breaker', data: { at: new Date().toISOString(), ...line } })
    const text = `the breaker of ${rule === '' ? `service '${service}'` : `rule '${rule}'`} is ${to.replace('_', '-')}: ${reason}`
    if (to === 'open') logger.warn(line, text)
    else logger.info(line, text)
  }
}
