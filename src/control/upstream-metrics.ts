/** What is measured of requests that the gateway makes on its own account: further attempts and copies. */
import { Counter, type Registry } from '@prometheus-io/client'
import type { MirrorMetrics, RetryMetrics } from '../upstream/own-requests.ts'

export interface UpstreamMetrics extends RetryMetrics, MirrorMetrics {
  /** Removes the series of all services for which `isLive` is false. */
  retainServices(isLive: (service: string) => boolean): void
}

export function createUpstreamMetrics(registry: Registry): UpstreamMetrics {
  const registers = [registry]
  /** By service, then by reason. */
  const retries = new Map<string, Map<string, number>>()
  const refused = new Map<string, number>()
  new Counter({
    name: 'sluice_retries_total',
    help: 'Further requests sent on behalf of one of a client, by service and reason.',
    labelNames: ['service', 'reason'],
    registers,
    collect() {
      this.reset()
      for (const [service, counts] of retries) for (const [reason, count] of counts) this.inc({ service, reason }, count)
    }
  })
  new Counter({
    name: 'sluice_retries_refused_total',
    help: 'Further requests that were not sent for want of budget.',
    labelNames: ['service'],
    registers,
    collect() {
      this.reset()
      for (const [service, count] of refused) this.inc({ service }, count)
    }
  })
  const mirrored = new Counter({
    name: 'sluice_mirror_requests_total',
    help: 'Copies of requests for a mirror, by what became of them.',
    labelNames: ['outcome'],
    registers
  })
  return {
    recordRetry: (service, reason) => {
      const counts = retries.get(service) ?? new Map<string, number>()
      counts.set(reason, (counts.get(reason) ?? 0) + 1)
      retries.set(service, counts)
    },
    recordRetryRefused: service => void refused.set(service, (refused.get(service) ?? 0) + 1),
    recordMirror: outcome => mirrored.inc({ outcome }),
    retainServices: isLive => {
      for (const series of [retries, refused]) for (const service of series.keys()) if (!isLive(service)) series.delete(service)
    }
  }
}
