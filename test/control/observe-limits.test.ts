import { pino } from 'pino'
import t from 'tap'
import type { FeedEvent } from '../../src/control/event-feed.ts'
import { createMetrics } from '../../src/control/metrics.ts'
import { reportRefusals } from '../../src/control/observe-limits.ts'
import { Limiter } from '../../src/limits/limiter.ts'
import { toLimitedRequest } from '../helpers/limited-request.ts'

t.test('of many refusals one in a second is told, with how many were not', async t => {
  const lines: Record<string, unknown>[] = []
  const events: FeedEvent[] = []
  const clock = { nowMs: 5_000 }
  const logger = pino({ base: null, timestamp: true }, { write: (text: string) => void lines.push(JSON.parse(text)) })
  const onRefusal = reportRefusals(logger, { publish: event => void events.push(event) }, () => clock.nowMs)
  const limiter = new Limiter({ now: () => clock.nowMs, onRefusal })
  const limited = toLimitedRequest({ limit: 1, window_ms: 60_000, algorithm: 'fixed_window' })
  for (let left = 11; left > 0; left--) await limiter.admit(limited)
  t.equal(lines.length, 1)
  t.match(lines[0], {
    rule: 'r1',
    ip: '10.0.0.7',
    path: '/a/b',
    algorithm: 'fixed_window',
    limit: 'rule/r1/fixed_window/ip',
    suppressed: 0,
    time: Number
  })
  t.match(events, [{ event: 'limit', data: { at: String, rule: 'r1', path: '/a/b' } }])
  clock.nowMs += 1_000
  await limiter.admit(limited)
  t.match(lines[1], { suppressed: 9 })
})

t.test('the metrics count by limit, rule, tier and outcome, and the keys', async t => {
  const limiter = new Limiter({ now: () => 5_000 })
  const metrics = createMetrics({ measureProcess: false })
  metrics.readLimits(limiter)
  const limited = toLimitedRequest([
    { limit: 2, window_ms: 60_000 },
    { limit: 1, key: 'rule', shadow: true }
  ])
  for (let left = 5; left > 0; left--) await limiter.admit(limited)
  const text = await metrics.registry.metrics()
  const has = (line: string) => t.ok(text.includes(line), line)
  has('sluice_rate_limit_requests_total{limit="rule/r1/token_bucket/ip",rule="r1",tier="",outcome="allowed"} 2')
  has('sluice_rate_limit_requests_total{limit="rule/r1/token_bucket/ip",rule="r1",tier="",outcome="refused"} 3')
  has('sluice_rate_limit_requests_total{limit="rule/r1/token_bucket/rule",rule="r1",tier="",outcome="allowed"} 2')
  has('sluice_rate_limit_requests_total{limit="rule/r1/token_bucket/rule",rule="r1",tier="",outcome="shadowed"} 1')
  has('sluice_rate_limit_keys{limit="rule/r1/token_bucket/ip"} 1')
  limiter.retain(() => false)
  t.notMatch(await metrics.registry.metrics(), /r1/)
  t.equal(limiter.keys, 0)
})
