import t from 'tap'
import type { RateLimit } from '../../schemas/rate-limit.ts'
import { createMetrics } from '../../src/control/metrics.ts'
import { Limiter } from '../../src/limits/limiter.ts'
import { toLimitedRequest } from '../helpers/limited-request.ts'

const adaptive: RateLimit = { algorithm: 'adaptive', limit: 100, min: 10, max: 1_000, target_latency_ms: 100, key: 'rule' }

/** A request each millisecond for five seconds; those that are let through take so long. @returns the limiter, and the rate at the end */
async function run(limits: RateLimit | RateLimit[], latencyMs: number) {
  const clock = { nowMs: 1_000_000 }
  const limiter = new Limiter({ now: () => clock.nowMs })
  const request = toLimitedRequest(limits)
  for (let left = 5_000; left > 0; left--, clock.nowMs++) {
    const admission = await limiter.admit(request)
    admission.release(latencyMs)
  }
  const { rate } = [...limiter.live].find(({ rate }) => rate !== undefined)!.rate!
  return { limiter, rate }
}

t.test('what it refuses itself raises the rate while answers are quick, and only that', async t => {
  t.equal((await run(adaptive, 5)).rate, 1_000)
  const held = { limit: 20, burst: 5, key: 'rule' } satisfies RateLimit
  t.equal((await run([held, adaptive], 5)).rate, 100, 'a limit before it holds the requests back')
  t.equal((await run([adaptive, held], 5)).rate, 100, 'a limit behind it does')
})

t.test('in shadow its rate moves as if it refused', async t => {
  t.equal((await run({ ...adaptive, shadow: true }, 5)).rate, 1_000)
  t.equal((await run({ ...adaptive, shadow: true }, 300)).rate, 10)
})

t.test('the metrics say where the rate is, and what latency was measured', async t => {
  const { limiter } = await run(adaptive, 300)
  const metrics = createMetrics({ measureProcess: false })
  metrics.readLimits(limiter)
  const text = await metrics.registry.metrics()
  t.match(text, 'sluice_rate_limit_adaptive_rate{limit="rule/r1/adaptive/rule"} 10\n')
  t.match(text, 'sluice_rate_limit_adaptive_latency_seconds{limit="rule/r1/adaptive/rule"} 0.3\n')
})
