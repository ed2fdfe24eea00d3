import fc from 'fast-check'
import t from 'tap'
import { AdaptiveRate } from '../../../src/core/limit/adaptive-rate.ts'
import type { AdaptivePolicy } from '../../../src/core/limit/compiled-limit.ts'
import { defaultPolicy } from './queue-model.ts'

const policy: AdaptivePolicy = { ...defaultPolicy, start: 100, min: 10, max: 1_000 }

interface Step {
  readonly gapMs: number
  readonly latencyMs: number | undefined
  readonly refused: boolean
  readonly admitted: boolean
}

const anyStep: fc.Arbitrary<Step> = fc.record({
  gapMs: fc.oneof(fc.double({ min: 0, max: 5_000, noNaN: true }), fc.constantFrom(3_600_000, -3_600_000)),
  latencyMs: fc.oneof(fc.double({ min: 0, max: 1e6 }), fc.constantFrom(undefined, Number.NaN, Number.POSITIVE_INFINITY, -1)),
  refused: fc.boolean(),
  admitted: fc.boolean()
})

/** Requests that come one after the other, each answered at once. @returns when the last came */
function play(rate: AdaptiveRate, steps: readonly Step[], fromMs: number, check: () => void = () => {}): number {
  let nowMs = fromMs
  for (const { gapMs, latencyMs, refused, admitted } of steps) {
    nowMs += gapMs
    rate.advance(nowMs)
    rate.count(refused, admitted, nowMs)
    if (admitted) rate.ended(latencyMs)
    check()
  }
  return nowMs
}

/** A request each 10 ms that is let through and answered so late, and with it one that is refused, if any is. */
function steady(latencyMs: number | undefined, spanMs: number, refused: boolean): readonly Step[] {
  return new Array<Step>(spanMs / 10).fill({ gapMs: 10, latencyMs, refused, admitted: true })
}

t.test('whatever is observed, the rate stays within its bounds', async t => {
  const anyGain = fc.double({ min: 0, max: 1_000, noNaN: true })
  const anyTarget = fc.constantFrom(0.001, 1, 100, 600_000)
  fc.assert(
    fc.property(fc.array(anyStep, { maxLength: 200 }), anyGain, anyGain, anyGain, anyTarget, (steps, kp, ki, kd, targetMs) => {
      const rate = new AdaptiveRate({ ...policy, kp, ki, kd, targetMs }, 0)
      let isWithin = true
      play(rate, steps, 0, () => {
        const { integral, error } = rate.state
        isWithin &&=
          rate.rate >= 10 && rate.rate <= 1_000 && rate.spec.burst >= 1 && integral >= 9.99 && integral <= 1_000.01 && Math.abs(error) <= 1
      })
      return isWithin
    })
  )
  t.pass()
})

t.test('whatever came before, it goes by what comes now within seconds', async t => {
  fc.assert(
    fc.property(fc.array(anyStep, { maxLength: 100 }), steps => {
      const quick = new AdaptiveRate(policy, 0)
      // Up to a moment after all that the steps may have moved the clock to: time goes only forward here.
      const fromMs = play(quick, steps, 0) + 3_600_000 * 100
      play(quick, steady(5, 8_000, true), fromMs)
      const slow = new AdaptiveRate(policy, 0)
      play(slow, steps, 0)
      play(slow, steady(300, 8_000, true), fromMs)
      return quick.rate === 1_000 && slow.rate === 10
    })
  )
  t.pass()
})

t.test('an hour at a bound leaves nothing behind: it reacts at once', async t => {
  const rate = new AdaptiveRate(policy, 0)
  let nowMs = play(rate, steady(5, 3_600_000, true), 0)
  t.equal(rate.state.bound, 'max')
  nowMs = play(rate, steady(300, 1_000, true), nowMs)
  t.ok(rate.rate < 500, `${rate.rate} after a second`)
  nowMs = play(rate, steady(300, 3_600_000, true), nowMs)
  t.equal(rate.state.bound, 'min')
  play(rate, steady(5, 3_000, true), nowMs)
  t.ok(rate.rate > 50, `${rate.rate} after three seconds`)
})

t.test('while nothing is refused, quick answers do not raise it, however many come; nor do they later', async t => {
  const rate = new AdaptiveRate(policy, 0)
  const nowMs = play(rate, steady(5, 60_000, false), 0)
  t.equal(rate.rate, 100)
  play(rate, steady(100, 1_000, true), nowMs)
  t.ok(rate.rate < 110, `${rate.rate} once it refuses something`)
})

t.test('what another limit refuses does not raise it', async t => {
  const rate = new AdaptiveRate(policy, 0)
  const elsewhere: Step = { gapMs: 1, latencyMs: undefined, refused: false, admitted: false }
  for (let nowMs = 0; nowMs < 60_000; ) nowMs = play(rate, [elsewhere, ...steady(5, 10, false)], nowMs)
  t.equal(rate.rate, 100)
})

t.test('few slow answers among quick ones do not bring down a rate that nobody uses', async t => {
  const rate = new AdaptiveRate({ ...policy, start: 1_000 }, 0)
  const quick = new Array<Step>(98).fill({ gapMs: 200, latencyMs: 5, refused: false, admitted: true })
  const slow = new Array<Step>(2).fill({ gapMs: 200, latencyMs: 2_000, refused: false, admitted: true })
  let nowMs = 0
  let least = 1_000
  for (let round = 0; round < 100; round++)
    nowMs = play(rate, [...quick, ...slow], nowMs, () => {
      least = Math.min(least, rate.rate)
    })
  t.ok(least > 300, `${least} at least`)
  play(rate, quick, nowMs)
  t.equal(rate.rate, 1_000)
})

t.test('one slow answer that is due is no silence while others are given', async t => {
  const rate = new AdaptiveRate({ ...policy, start: 1_000 }, 0)
  rate.count(false, true, 0)
  play(rate, new Array<Step>(20).fill({ gapMs: 500, latencyMs: 5, refused: false, admitted: true }), 0)
  t.equal(rate.rate, 1_000)
})

t.test('a rate far above the demand comes down to it as soon as the target is slow for good', async t => {
  const rate = new AdaptiveRate({ ...policy, start: 100_000, max: 100_000 }, 0)
  // 100 requests a second.
  play(rate, steady(300, 500, false), 0)
  t.ok(rate.rate < 110, `${rate.rate} after half a second`)
})

t.test('a target that answers nothing any more is a slow one', async t => {
  const rate = new AdaptiveRate(policy, 0)
  for (let nowMs = 0; nowMs < 5_000; nowMs += 10) {
    rate.advance(nowMs)
    rate.count(false, true, nowMs)
  }
  t.equal(rate.rate, 10)
})

t.test('a pause without requests is no slow answer, nor does it count for more than a moment', async t => {
  const rate = new AdaptiveRate(policy, 0)
  let nowMs = play(rate, steady(100, 1_000, true), 0)
  const quick: Step = { gapMs: 60, latencyMs: 50, refused: true, admitted: true }
  nowMs = play(rate, [quick, { ...quick, gapMs: 3_600_000 }], nowMs)
  t.ok(rate.rate >= 100 && rate.rate < 150, `${rate.rate}`)
})

t.test('where requests are few it rises all the same', async t => {
  const rate = new AdaptiveRate({ ...policy, start: 1, min: 1 }, 0)
  // Two a second, each second one refused: refusals and answers are never of one period.
  for (let nowMs = 0; nowMs < 60_000; nowMs += 1_000) {
    play(rate, [{ gapMs: 0, latencyMs: 5, refused: false, admitted: true }], nowMs)
    play(rate, [{ gapMs: 0, latencyMs: undefined, refused: true, admitted: false }], nowMs + 500)
  }
  t.ok(rate.rate > 5, `${rate.rate}`)
})

t.test('its state says what it knows', async t => {
  const rate = new AdaptiveRate({ ...policy, start: 1_000 }, 0)
  t.match(rate.state, { rate: 1_000, observedMs: null, error: 0, bound: 'max' })
  play(rate, steady(150, 100, true), 0)
  const { observedMs, error, integral, bound } = rate.state
  t.match({ observedMs, error, bound }, { observedMs: 150, error: -0.5, bound: null })
  t.ok(integral < 1_000 && integral > rate.rate, 'the error of the moment takes some more')
})

t.test('other numbers hold at once, from where it is', async t => {
  const rate = new AdaptiveRate(policy, 0)
  const { spec } = rate
  rate.follow({ ...policy, max: 50 })
  t.equal(rate.rate, 50)
  rate.follow({ ...policy, min: 80 })
  t.equal(rate.rate, 80)
  rate.follow({ ...policy, windowMs: 60_000, min: 10, max: 100_000 })
  t.equal(Math.round(rate.rate), 4_800, 'of another window: as many a second')
  t.equal(rate.spec, spec, 'what the bucket counts with is the same object')
})
