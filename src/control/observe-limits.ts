/** Refusals by limits, told to the log and to those who follow the events: a sample, since there may be very many. */
import type { Logger } from 'pino'
import type { LimitedRequest } from '../limits/admission.ts'
import type { LiveLimit } from '../limits/live-limit.ts'
import type { Take } from '../limits/take.ts'
import type { EventFeed } from './event-feed.ts'

/** How often the refusals of one limit are told at most, in milliseconds. */
const sampleMs = 1_000

interface Sampled {
  atMs: number
  /** Refusals since then. */
  suppressed: number
}

/** A listener that tells of the first refusal of a limit in each second, and of how many others there were. */
export function reportRefusals(
  logger: Logger,
  feed: Pick<EventFeed, 'publish'>,
  now: () => number = () => performance.now()
): (take: Take, request: LimitedRequest) => void {
  const samples = new WeakMap<LiveLimit, Sampled>()
  return ({ limit, live, decision }, { rule, facts }) => {
    const nowMs = now()
    const before = samples.get(live)
    if (before !== undefined && nowMs - before.atMs < sampleMs) return void before.suppressed++
    samples.set(live, { atMs: nowMs, suppressed: 0 })
    const line = {
      rule,
      limit: limit.id,
      algorithm: limit.algorithm,
      client: facts.client?.id,
      tier: facts.client?.tier,
      ip: facts.ip,
      method: facts.method,
      path: facts.path.match,
      retry_after_ms: Math.ceil(decision.retryMs),
      shadow: limit.shadow || undefined,
      suppressed: before?.suppressed ?? 0
    }
    feed.publish({ event: 'limit', data: { at: new Date().toISOString(), ...line } })
    logger.info(line, limit.shadow ? 'a limit in shadow would have refused a request' : 'a limit refused a request')
  }
}

/** A listener that tells the log when the store of limits stops answering, and when it answers again. */
export function reportLimitStore(logger: Logger): (available: boolean, reason: string) => void {
  let wasAway = false
  return (available, reason) => {
    if (!available) logger.warn({ reason }, 'the Redis of rate limits does not answer; on_store_failure of each limit holds')
    else if (wasAway) logger.info('the Redis of rate limits answers again')
    wasAway = !available
  }
}
