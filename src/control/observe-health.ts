/** The health of targets, told to the log and to those who follow the events. */
import type { Logger } from 'pino'
import type { StoreState } from '../core/store.ts'
import type { HealthListener } from '../upstream/services-health.ts'
import type { EventFeed } from './event-feed.ts'

/** A listener that tells of each change once. */
export function reportHealth(logger: Logger, feed: Pick<EventFeed, 'publish'>): HealthListener {
  return {
    onChange: (service, target, { atMs, from, to, reason }, scope) => {
      const rollout = scope === '' ? undefined : scope
      feed.publish({ event: 'health', data: { at: new Date(atMs).toISOString(), service, target, from, to, reason, rollout } })
      const line = { service, target, from, to, reason, rollout }
      const level = to === 'unhealthy' || to === 'ejected' ? 'warn' : 'info'
      logger[level](line, `a target of service '${service}' is ${to}: ${reason}`)
    },
    onPanic: (service, isPanic, scope) => {
      const line = { service, panic: isPanic, rollout: scope === '' ? undefined : scope }
      if (isPanic) logger.warn(line, `service '${service}' has no target left: those that are only ejected get traffic`)
      else logger.info(line, `ejections of service '${service}' count again`)
    }
  }
}

/** Tells whether the health of targets is shared with the other instances. */
export function reportSharedHealth(logger: Logger): (state: StoreState) => void {
  return ({ up, reason }) => {
    if (up) logger.info('the health of targets is shared with the other instances')
    else logger.warn({ reason }, `the other instances are not heard: this one probes and judges targets alone: ${reason}`)
  }
}
