/** Overload, told to the log and the metrics. */
import type { Logger } from 'pino'
import type { Strain } from '../core/overload-guard.ts'
import type { OverloadListener } from './overload.ts'
import type { OverloadMetrics } from './overload-metrics.ts'

const words: Record<Strain, string> = { event_loop: 'the event loop is too late', heap: 'the heap is nearly full' }

export function reportOverload(logger: Logger, metrics: OverloadMetrics): OverloadListener {
  return {
    onReading: ({ eventLoopDelayMs }, connections) => {
      metrics.setEventLoopDelay(eventLoopDelayMs / 1_000)
      metrics.setConnections(connections)
    },
    onStrain: (strain, { eventLoopDelayMs, heapPercent }) => {
      const fields = { event_loop_delay_ms: Math.round(eventLoopDelayMs), heap_percent: Math.round(heapPercent) }
      if (strain === undefined) logger.info(fields, 'no overload any more: requests are taken again')
      else logger.warn({ ...fields, reason: strain }, `overload: ${words[strain]}; new requests are refused`)
    }
  }
}
