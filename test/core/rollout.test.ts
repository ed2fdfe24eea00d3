import fc from 'fast-check'
import t from 'tap'
import type { ArmResult, Rollout, TrafficResult } from '../../schemas/rollout.ts'
import { decide } from '../../src/core/rollout.ts'
import { arm, guard, makeRollout, traffic } from './make-rollout.ts'

const good = traffic(arm(1_000), arm(100))
const action = (...args: Parameters<typeof decide>) => decide(...args).action

t.test('a step lasts as long as it says, then the next begins, and after the last all is done', async t => {
  t.equal(action(makeRollout(), good, 999), 'stay')
  t.equal(action(makeRollout(), good, 1_000), 'advance')
  t.equal(action(makeRollout({ step: 1 }), good, 999), 'stay')
  t.equal(action(makeRollout({ step: 1 }), good, 1_000), 'complete')
})

t.test('more errors than allowed end it at once, and so many are fine', async t => {
  const rollout = makeRollout()
  t.equal(action(rollout, traffic(arm(1_000, 10), arm(100, 6)), 1_000), 'advance', '6 % against 1 %')
  const decision = decide(rollout, traffic(arm(1_000, 10), arm(100, 7)), 0)
  t.match(decision, { action: 'roll_back', reason: '7 % of 100 requests failed, 1 % with the current configuration: more than 5 % more' })
  t.equal(action(rollout, traffic(arm(1_000, 500), arm(100, 50)), 1_000), 'advance', 'it is no worse than what is there')
})

t.test('slower answers end it, unless the difference is too small to mean anything', async t => {
  const rollout = makeRollout({ guard: { ...guard, max_p95_ratio: 1.5 } })
  const with95 = (before: number, after: number) => traffic(arm(1_000, 0, before), arm(100, 0, after))
  t.equal(action(rollout, with95(100, 150), 1_000), 'advance')
  t.match(decide(rollout, with95(100, 151), 0), { action: 'roll_back', reason: /151 ms, 100 ms .* more than 1.5 times/ })
  t.equal(action(rollout, with95(1, 6), 1_000), 'advance', '5 ms are noise')
  t.equal(action(rollout, with95(1, 6.1), 1_000), 'roll_back')
  t.equal(action(makeRollout(), with95(1, 1_000), 1_000), 'advance', 'nothing is asked of it without a limit')
})

t.test('nothing is judged and no step ends before there were enough requests on either side', async t => {
  const rollout = makeRollout()
  t.equal(action(rollout, traffic(arm(1_000), arm(99, 99)), 1_000), 'stay')
  t.equal(action(rollout, traffic(arm(99), arm(100, 100)), 1_000), 'stay')
  t.equal(action(rollout, traffic(arm(100), arm(100, 100)), 0), 'roll_back')
  t.equal(action(rollout, traffic(arm(99), arm(99)), 10_999), 'stay')
  t.match(decide(rollout, traffic(arm(98), arm(99)), 11_000), {
    action: 'roll_back',
    reason: 'too few requests to judge it: 99 of its own and 98 of the current configuration in the whole step, 100 are wanted'
  })
})

t.test('without a minimum, or without a limit, time alone moves it on', async t => {
  const none = traffic(arm(0), arm(0))
  t.equal(action(makeRollout({ guard: { ...guard, min_requests: 0 } }), none, 1_000), 'advance')
  t.equal(
    action(makeRollout({ guard: { ...guard, min_requests: 0 } }), traffic(arm(1), arm(1, 1)), 0),
    'roll_back',
    'what there is is judged'
  )
  const blind = { ...guard, max_error_rate_increase: null }
  t.equal(action(makeRollout({ guard: blind }), traffic(arm(0), arm(5, 5)), 1_000), 'advance')
})

t.test('at 100 % the candidate is held against what was measured before', async t => {
  const [first, last] = makeRollout({ percents: [50, 100] }).steps
  const measured = { ...first!, traffic: traffic(arm(500, 50), arm(500, 50)) }
  const rollout = makeRollout({ step: 1, steps: [measured, last!] })
  t.equal(action(rollout, traffic(arm(0), arm(100, 15)), 1_000), 'complete')
  t.equal(action(rollout, traffic(arm(0), arm(100, 16)), 0), 'roll_back')
  const atOnce = makeRollout({ percents: [100] })
  t.equal(action(atOnce, traffic(arm(0), arm(100, 5)), 1_000), 'complete', 'with nothing before, against no errors at all')
  t.equal(action(atOnce, traffic(arm(0), arm(100, 6)), 0), 'roll_back')
})

const arms: fc.Arbitrary<ArmResult> = fc
  .tuple(fc.nat(2_000), fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: 0.1, max: 1_000, noNaN: true }))
  .map(([requests, share, ms]) => arm(requests, Math.floor(requests * share), requests === 0 ? null : ms))
const rollouts: fc.Arbitrary<Rollout> = fc
  .record({
    percents: fc.uniqueArray(fc.integer({ min: 1, max: 100 }), { minLength: 1, maxLength: 6 }).map(list => list.sort((a, b) => a - b)),
    hold_ms: fc.nat(1_000),
    guard: fc.record({
      max_error_rate_increase: fc.option(fc.double({ min: 0, max: 1, noNaN: true })),
      max_p95_ratio: fc.option(fc.double({ min: 1, max: 3, noNaN: true })),
      min_requests: fc.nat(200),
      max_wait_ms: fc.nat(5_000)
    })
  })
  .map(({ percents, hold_ms, guard }) => {
    const rollout = makeRollout({ percents, guard })
    return { ...rollout, steps: rollout.steps.map(step => ({ ...step, hold_ms })) }
  })

/** Whether anybody could hold against it what the guard forbids. */
function isViolated({ guard }: Rollout, { current, candidate }: TrafficResult): boolean {
  if (Math.min(current.requests, candidate.requests) < Math.max(1, guard.min_requests)) return false
  const more = candidate.errors / candidate.requests - current.errors / current.requests
  const { max_error_rate_increase: limit, max_p95_ratio: ratio } = guard
  return (limit !== null && more > limit) || (ratio !== null && candidate.p95_ms! > current.p95_ms! * ratio + 5)
}

t.test('whatever the traffic is: no step is skipped, none begins over a violated guard, and it always ends', async () => {
  fc.assert(
    fc.property(rollouts, fc.infiniteStream(fc.tuple(fc.integer({ min: 1, max: 500 }), arms, arms)), (begun, ticks) => {
      let rollout = begun
      let elapsedMs = 0
      let totalMs = 0
      const longest = begun.steps.length * (begun.steps[0]!.hold_ms + begun.guard.max_wait_ms + 500)
      for (const [ms, current, candidate] of ticks) {
        elapsedMs += ms
        totalMs += ms
        const measured = { current, candidate }
        const decision = decide(rollout, measured, elapsedMs)
        const moves = decision.action === 'advance' || decision.action === 'complete'
        if (moves && rollout.steps[rollout.step]!.percent < 100 && isViolated(rollout, measured)) return false
        if (moves && elapsedMs < rollout.steps[rollout.step]!.hold_ms) return false
        if (decision.action === 'complete') return rollout.step === rollout.steps.length - 1
        if (decision.action === 'roll_back') return decision.reason.length > 0
        if (totalMs > longest) return false
        if (decision.action !== 'advance') continue
        const steps = rollout.steps.with(rollout.step, { ...rollout.steps[rollout.step]!, traffic: measured })
        rollout = { ...rollout, steps, step: rollout.step + 1 }
        elapsedMs = 0
        if (rollout.step >= rollout.steps.length) return false
      }
      return false
    }),
    { numRuns: 300 }
  )
})
