/** What is measured of overload. */
import { Counter, Gauge, type Registry } from '@prometheus-io/client'
import type { OverloadReason } from './overload.ts'

export interface OverloadMetrics {
  /** A request was answered `overloaded`. `target`: all targets of its service were full. */
  recordRefusal(reason: OverloadReason | 'target'): void
  setEventLoopDelay(seconds: number): void
  /** Connections of clients that are open. */
  setConnections(count: number): void
}

const reasons = ['connections', 'requests', 'event_loop', 'heap', 'target'] as const satisfies readonly (OverloadReason | 'target')[]

export function createOverloadMetrics(registry: Registry): OverloadMetrics {
  const registers = [registry]
  const refused = new Counter({
    name: 'sluice_overload_refused_total',
    help: 'Requests that were answered 503 overloaded, by what there was too much of.',
    labelNames: ['reason'],
    registers
  })
  const delay = new Gauge({
    name: 'sluice_event_loop_delay_seconds',
    help: 'How late the event loop came to its timers, on average over the last half second.',
    registers
  })
  const connections = new Gauge({ name: 'sluice_client_connections', help: 'Open connections of clients.', registers })
  for (const reason of reasons) refused.inc({ reason }, 0)
  return {
    recordRefusal: reason => refused.inc({ reason }),
    setEventLoopDelay: seconds => delay.set(seconds),
    setConnections: count => connections.set(count)
  }
}
