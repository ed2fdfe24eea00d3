import t from 'tap'
import { createCounter } from '../../../src/core/limit/counters.ts'
import { createDecision } from '../../../src/core/limit/decision.ts'

const spec = { limit: 10, windowMs: 1_000, burst: 10, maxDelayMs: 0 }

for (const algorithm of ['token_bucket', 'leaky_bucket', 'sliding_window', 'fixed_window', 'sliding_log'] as const)
  t.test(`${algorithm}: keys that are as good as new are forgotten as others come, those in use are not`, async t => {
    const counter = createCounter(algorithm, { max: 100_000, used: 0 })
    const decision = createDecision()
    for (let index = 0; index < 1_000; index++) counter.take(`old ${index}`, spec, 10_000, 1, decision)
    t.equal(counter.size, 1_000)
    // Ten seconds later nothing of them is left in any window.
    for (let index = 0; index < 1_000; index++) counter.take(`new ${index}`, spec, 20_000, 1, decision)
    t.ok(counter.size <= 1_001, `${counter.size} keys`)
    t.equal(counter.evictions, 0)
    for (let index = 0; index < 500; index++) counter.take(`more ${index}`, spec, 20_010, 1, decision)
    t.ok(counter.size >= 1_500, `${counter.size} keys are in use`)
  })

t.test('a look makes no key known', async t => {
  for (const algorithm of ['token_bucket', 'sliding_log', 'concurrency'] as const) {
    const counter = createCounter(algorithm, { max: 10, used: 0 })
    const decision = createDecision()
    counter.take('key', spec, 5_000, 0, decision)
    t.same([counter.size, decision.allowed, decision.remaining], [0, true, 10], algorithm)
  }
})

t.test('with more keys than there may be the least recently used begins anew, and is counted', async t => {
  const counter = createCounter('fixed_window', { max: 2, used: 0 })
  const decision = createDecision()
  const take = (key: string) => {
    counter.take(key, { ...spec, limit: 1 }, 5_000, 1, decision)
    return decision.allowed
  }
  t.same([take('a'), take('b'), take('a'), take('c')], [true, true, false, true])
  t.same([take('a'), take('b')], [false, true], 'b was the oldest')
  t.equal(counter.evictions, 2)
})
