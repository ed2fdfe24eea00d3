import fc from 'fast-check'
import t from 'tap'
import { RetryBudget } from '../../src/core/retry-budget.ts'

/** Sends requests of which each wants up to `wanted` repetitions at once; returns how many were granted. */
function storm(budget: RetryBudget, times: readonly number[], wanted: number): number {
  let granted = 0
  for (const nowMs of times) {
    budget.countRequest(nowMs)
    for (let retry = 0; retry < wanted && budget.take(nowMs); retry++) granted++
  }
  return granted
}

const evenly = (count: number, perSecond: number) => Array.from({ length: count }, (_, index) => (index * 1_000) / perSecond)

t.test('a storm of a thousand requests is repeated by a fifth at most, however fast it comes', async () => {
  const rates = fc.double({ min: 15.1, max: 100_000, noNaN: true })
  fc.assert(
    fc.property(rates, fc.integer({ min: 1, max: 10 }), fc.double({ min: 0, max: 5_000, noNaN: true }), (rate, wanted, beginMs) => {
      const times = evenly(1_000, rate).map(ms => ms + beginMs)
      return storm(new RetryBudget(), times, wanted) <= 200
    }),
    { numRuns: 500 }
  )
})

t.test('what is granted is near the fifth that is allowed', async t => {
  for (const rate of [16, 100, 1_000, 50_000]) {
    const granted = storm(new RetryBudget(), evenly(1_000, rate), 3)
    t.ok(granted >= 150 && granted <= 200, `${granted} at ${rate} per second`)
  }
})

t.test('whatever comes whenever: no window holds more than a fifth of its requests, or three for each second', async () => {
  const gaps = fc.array(fc.oneof(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max: 15_000 })), { maxLength: 400 })
  fc.assert(
    fc.property(gaps, fc.integer({ min: 1, max: 5 }), (list, wanted) => {
      const budget = new RetryBudget()
      const requests: number[] = []
      const retries: number[] = []
      let nowMs = 0
      for (const gap of list) {
        nowMs += gap
        budget.countRequest(nowMs)
        requests.push(nowMs)
        for (let retry = 0; retry < wanted && budget.take(nowMs); retry++) retries.push(nowMs)
        const since = (Math.floor(nowMs / 1_000) - 9) * 1_000
        const inWindow = (times: readonly number[]) => times.filter(ms => ms >= since).length
        if (inWindow(retries) > Math.max(0.2 * inWindow(requests), 30)) return false
      }
      return true
    }),
    { numRuns: 300 }
  )
})

t.test('a quiet service has three for each second', async () => {
  const budget = new RetryBudget()
  for (let second = 0; second < 30; second++) {
    budget.countRequest(second * 1_000)
    const taken = Array.from({ length: 5 }, (_, index) => budget.take(second * 1_000 + index))
    t.same(taken, [true, true, true, false, false])
  }
})

t.test('what was counted is forgotten after ten seconds', async t => {
  const budget = new RetryBudget()
  t.ok(budget.isUnused(0))
  for (let index = 0; index < 1_000; index++) budget.countRequest(0)
  t.ok(storm(budget, [1_000], 500) > 190)
  t.notOk(budget.take(8_999))
  t.notOk(budget.isUnused(9_999))
  t.ok(budget.isUnused(11_000))
  t.ok(budget.take(11_000))
})

t.test('a clock that stands still or goes back does no harm', async t => {
  const budget = new RetryBudget()
  budget.countRequest(50_000)
  t.ok(budget.take(20_000))
  t.ok(budget.take(50_000))
  t.ok(budget.take(50_000))
  t.notOk(budget.take(0))
})
