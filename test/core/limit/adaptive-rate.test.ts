import fc from 'fast-check'
import t from 'tap'
import { AdaptiveRate } from '../../../src/core/limit/adaptive-rate.ts'
import type { AdaptivePolicy } from '../../../src/core/limit/compiled-limit.ts'
import { defaultPolicy, mean, simulate } from './queue-model.ts'

const policy: AdaptivePolicy = { ...defaultPolicy, start: 100, min: 10, max: 1_000 }

t.test('whatever is observed, the rate stays within its bounds', async t => {
  const anyStep = fc.record({
    gapMs: fc.double({ min: 0, max: 5_000, noNaN: true }),
    latencyMs: fc.option(fc.double({ min: 0, max: 1e6, noNaN: true }), { nil: undefined }),
    allowed: fc.boolean()
  })
  const anyGain = fc.double({ min: 0, max: 1_000, noNaN: true })
  fc.assert(
    fc.property(fc.array(anyStep, { maxLength: 200 }), anyGain, anyGain, anyGain, (steps, kp, ki, kd) => {
      const rate = new AdaptiveRate({ ...policy, kp, ki, kd }, 0)
      let nowMs = 0
      return steps.every(({ gapMs, latencyMs, allowed }) => {
        nowMs += gapMs
        rate.advance(nowMs)
        rate.count(allowed, nowMs)
        if (allowed) rate.ended(latencyMs, nowMs)
        return rate.rate >= 10 && rate.rate <= 1_000 && rate.spec.burst >= 1
      })
    })
  )
  t.pass()
})

t.test('against a queue it holds the target within 20 %, whatever its capacity does', async t => {
  for (const [name, options] of Object.entries({
    'ten workers of 50 ms': {},
    'four workers of 20 ms': { workers: 4, serviceMs: 20 },
    'begun far too high': { policy: { start: 3_000, max: 5_000 } },
    'begun far too low': { policy: { start: 10 } },
    'a target of a second': { workers: 20, serviceMs: 500, seconds: 240, policy: { targetMs: 1_000, start: 40 } },
    'a target of ten milliseconds': { workers: 4, serviceMs: 4, policy: { targetMs: 10, start: 900, max: 100_000 } }
  })) {
    const { latencies, targetMs } = simulate(options)
    const third = latencies.length / 3
    for (const [phase, from] of [
      ['full', 0],
      ['half', 1],
      ['full again', 2]
    ] as const) {
      // The last part of each phase: it has settled.
      const settled = mean(latencies.slice(Math.floor((from + 0.7) * third), Math.floor((from + 1) * third)))
      t.ok(Math.abs(settled - targetMs) <= 0.2 * targetMs, `${name}, ${phase}: ${settled.toFixed(1)} ms`)
    }
  }
})

t.test('an hour at a bound leaves nothing behind: it reacts at once', async t => {
  const rate = new AdaptiveRate(policy, 0)
  const hour = 3_600_000
  let nowMs = 0
  const run = (latencyMs: number, untilMs: number) => {
    for (; nowMs < untilMs; nowMs += 10) {
      rate.advance(nowMs)
      rate.count(true, nowMs)
      rate.count(false, nowMs)
      rate.ended(latencyMs, nowMs)
    }
  }
  run(5, hour)
  t.equal(rate.rate, 1_000)
  run(300, hour + 1_000)
  t.ok(rate.rate < 500, `${rate.rate} after a second`)
  run(300, 2 * hour)
  t.equal(rate.rate, 10)
  run(5, 2 * hour + 3_000)
  t.ok(rate.rate > 50, `${rate.rate} after three seconds`)
})

t.test('while the demand is below the rate, quick answers do not raise it', async t => {
  const rate = new AdaptiveRate(policy, 0)
  for (let nowMs = 0; nowMs < 60_000; nowMs += 100) {
    rate.advance(nowMs)
    rate.count(true, nowMs)
    rate.ended(5, nowMs)
  }
  t.equal(rate.rate, 100)
})

t.test('a target that answers nothing any more is a slow one; a pause without requests is none', async t => {
  const silent = new AdaptiveRate(policy, 0)
  for (let nowMs = 0; nowMs < 5_000; nowMs += 10) {
    silent.advance(nowMs)
    silent.count(true, nowMs)
  }
  t.equal(silent.rate, 10)
  const idle = new AdaptiveRate(policy, 0)
  idle.count(true, 0)
  idle.ended(100, 100)
  idle.advance(3_600_000)
  idle.count(true, 3_600_000)
  idle.advance(3_600_050)
  t.ok(Math.abs(idle.rate - 100) < 5, `${idle.rate}`)
})

t.test('other numbers hold at once, from where it is', async t => {
  const rate = new AdaptiveRate(policy, 0)
  rate.follow({ ...policy, max: 50 })
  t.equal(rate.rate, 50)
  rate.follow({ ...policy, min: 80 })
  t.equal(rate.rate, 80)
  rate.follow({ ...policy, windowMs: 60_000, min: 10, max: 100_000 })
  t.equal(Math.round(rate.rate), 4_800, 'of another window: as many a second')
})
