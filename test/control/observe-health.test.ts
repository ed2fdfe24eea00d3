import { pino } from 'pino'
import t from 'tap'
import type { FeedEvent } from '../../src/control/event-feed.ts'
import { createMetrics } from '../../src/control/metrics.ts'
import { reportHealth } from '../../src/control/observe-health.ts'
import type { HealthReading } from '../../src/upstream/services-health.ts'

t.test('each change of a target is one event and one line: a warning when it goes, a note when it comes', async t => {
  const lines: Record<string, unknown>[] = []
  const events: FeedEvent[] = []
  const logger = pino({ base: null }, { write: (text: string) => void lines.push(JSON.parse(text)) })
  const listener = reportHealth(logger, { publish: event => void events.push(event) })
  const change = { atMs: 0, from: 'healthy', to: 'unhealthy', reason: '3 probes failed: status 500' } as const
  listener.onChange('s', 'http://a', change, '')
  listener.onChange('s', 'http://a', { ...change, from: 'unhealthy', to: 'healthy', reason: '1 probe succeeded' }, 'r1')
  listener.onPanic('s', true, '')
  listener.onPanic('s', false, '')
  t.match(lines, [
    { level: 40, service: 's', target: 'http://a', to: 'unhealthy', msg: /unhealthy: 3 probes failed: status 500/ },
    { level: 30, to: 'healthy', rollout: 'r1' },
    { level: 40, service: 's', panic: true },
    { level: 30, panic: false }
  ])
  const told = { at: '1970-01-01T00:00:00.000Z', service: 's', target: 'http://a', from: 'healthy', to: 'unhealthy' }
  t.match(events, [
    { event: 'health', data: told },
    { event: 'health', data: { rollout: 'r1' } }
  ])
  t.equal(events.length, 2)
})

t.test('the series of a target go with the target', async t => {
  const metrics = createMetrics({ measureProcess: false })
  const targets = [
    { target: 'http://a', isUp: true, ejections: 2 },
    { target: 'http://b', isUp: false, ejections: 0 }
  ]
  let readings: HealthReading[] = [{ service: 's', isPanic: true, targets }]
  metrics.readHealth(() => readings)
  const text = await metrics.registry.metrics()
  for (const series of [
    'sluice_target_up{service="s",target="http://a"} 1',
    'sluice_target_up{service="s",target="http://b"} 0',
    'sluice_target_ejections_total{service="s",target="http://a"} 2',
    'sluice_target_ejections_total{service="s",target="http://b"} 0',
    'sluice_service_panic{service="s"} 1'
  ])
    t.ok(text.includes(series), series)
  readings = []
  t.notMatch(await metrics.registry.metrics(), /service="s"/)
})
