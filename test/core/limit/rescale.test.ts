import t from 'tap'
import type { LimitAlgorithm } from '../../../schemas/rate-limit.ts'
import { createCounter } from '../../../src/core/limit/counters.ts'
import { createDecision } from '../../../src/core/limit/decision.ts'
import type { LimitSpec } from '../../../src/core/limit/spec.ts'

const minute = (limit: number): LimitSpec => ({ limit, windowMs: 60_000, burst: limit, maxDelayMs: 0 })

function remainingAfter(algorithm: LimitAlgorithm, used: number, from: LimitSpec, to: LimitSpec): number {
  const counter = createCounter(algorithm, { max: 100, used: 0 })
  const decision = createDecision()
  for (let left = used; left > 0; left--) counter.take('key', from, 60_001, 1, decision)
  counter.take('key', to, 60_001, 0, decision)
  return decision.remaining
}

for (const algorithm of ['token_bucket', 'sliding_window', 'fixed_window'] as const)
  t.test(`${algorithm}: a changed limit keeps the share that is used`, async t => {
    t.equal(remainingAfter(algorithm, 5, minute(10), minute(100)), 50)
    t.equal(remainingAfter(algorithm, 50, minute(100), minute(10)), 5)
    t.equal(remainingAfter(algorithm, 10, minute(10), minute(20)), 0, 'who has used all has used all')
    t.equal(remainingAfter(algorithm, 5, minute(10), { ...minute(10), windowMs: 120_000 }), 5, 'of another window, too')
  })

t.test('leaky_bucket: who waits for an hour under the old limit does not under the new', async t => {
  const counter = createCounter('leaky_bucket', { max: 100, used: 0 })
  const decision = createDecision()
  const slow = { limit: 1, windowMs: 3_600_000, burst: 1, maxDelayMs: 0 }
  const quick = { limit: 100, windowMs: 1_000, burst: 100, maxDelayMs: 0 }
  counter.take('key', slow, 0, 1, decision)
  counter.take('key', slow, 1, 1, decision)
  t.equal(decision.allowed, false)
  counter.take('key', quick, 1, 1, decision)
  t.equal(decision.allowed, false, 'the place in the queue stays')
  t.ok(decision.retryMs <= 10, `but it is ${decision.retryMs} ms long`)
})

t.test('sliding_log and concurrency: what came, came', async t => {
  t.equal(remainingAfter('sliding_log', 5, minute(10), minute(100)), 95)
  t.equal(remainingAfter('sliding_log', 10, minute(10), minute(4)), 0)
  t.equal(remainingAfter('concurrency', 5, minute(10), minute(100)), 95)
})

t.test('a limit that changes all the time does not take memory for ever', async t => {
  const counter = createCounter('token_bucket', { max: 100, used: 0 })
  const decision = createDecision()
  for (let limit = 1; limit <= 70_000; limit++) counter.take('key', minute(limit), 60_001, 1, decision)
  t.equal(counter.size, 1)
  t.equal(decision.allowed, true)
})
