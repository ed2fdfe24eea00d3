import fc from 'fast-check'
import t from 'tap'
import { type LeasedAlgorithm, largestLease, maxOvershoot } from '../../../src/core/limit/lease-bounds.ts'
import type { LimitSpec } from '../../../src/core/limit/spec.ts'
import { slack } from './arrivals.ts'
import { type ClusterArrival, type Passage, runCluster } from './lease-cluster.ts'

const anySpec: fc.Arbitrary<LimitSpec> = fc
  .record({ limit: fc.integer({ min: 1, max: 60 }), windowMs: fc.integer({ min: 20, max: 2_000 }), burst: fc.integer({ min: 1, max: 60 }) })
  .map(spec => ({ ...spec, maxDelayMs: 0 }))

const anyArrivals: fc.Arbitrary<readonly ClusterArrival[]> = fc.array(
  fc.record({
    gapMs: fc.oneof(
      { weight: 5, arbitrary: fc.constant(0) },
      { weight: 5, arbitrary: fc.double({ min: 0, max: 30, noNaN: true }) },
      { weight: 1, arbitrary: fc.double({ min: 0, max: 1_500, noNaN: true }) }
    ),
    instance: fc.nat(7)
  }),
  { minLength: 1, maxLength: 400, size: 'max' }
)

const anyPassages: fc.Arbitrary<readonly Passage[]> = fc.array(
  fc.record({
    thereMs: fc.double({ min: 0, max: 24, noNaN: true }),
    backMs: fc.double({ min: 0, max: 24, noNaN: true }),
    lost: fc.constantFrom('no', 'no', 'no', 'no', 'no', 'no', 'ask', 'answer')
  }),
  { minLength: 1, maxLength: 40 }
)

/** The most by which those that passed are above the definition, in any window. */
const excess: Record<LeasedAlgorithm, (passed: readonly number[], spec: LimitSpec) => number> = {
  token_bucket(passed, { limit, windowMs, burst }) {
    let level = 0
    let worst = 0
    for (const [index, atMs] of passed.entries()) {
      level = Math.max(0, level - ((atMs - (passed[index - 1] ?? atMs)) * limit) / windowMs) + 1
      worst = Math.max(worst, level - burst)
    }
    return worst
  },
  fixed_window(passed, { limit, windowMs }) {
    const windows = Map.groupBy(passed, atMs => Math.floor(atMs / windowMs))
    return Math.max(0, ...[...windows.values()].map(({ length }) => length - limit))
  },
  sliding_window(passed, { limit, windowMs }) {
    const counts = new Map<number, number>()
    let worst = 0
    for (const atMs of passed) {
      const index = Math.floor(atMs / windowMs)
      counts.set(index, (counts.get(index) ?? 0) + 1)
      const past = (counts.get(index - 1) ?? 0) * (1 - (atMs - index * windowMs) / windowMs)
      worst = Math.max(worst, counts.get(index)! + past - limit)
    }
    return worst
  }
}

for (const algorithm of ['token_bucket', 'fixed_window', 'sliding_window'] as const) {
  const specOf = (spec: LimitSpec): LimitSpec => (algorithm === 'token_bucket' ? spec : { ...spec, burst: spec.limit })

  t.test(`${algorithm}: a cluster stays within the stated overshoot, whatever is late or lost`, async t => {
    fc.assert(
      fc.property(anySpec, fc.integer({ min: 1, max: 8 }), anyArrivals, anyPassages, (any, instances, arrivals, passages) => {
        const spec = specOf(any)
        let turn = 0
        const passed = runCluster(algorithm, spec, instances, arrivals, () => passages[turn++ % passages.length]!)
        return excess[algorithm](passed, spec) <= maxOvershoot(algorithm, spec, instances) + slack
      }),
      { numRuns: 500 }
    )
    t.pass()
  })

  t.test(`${algorithm}: one instance lets through what is due, but for what is on its way`, async t => {
    fc.assert(
      fc.property(anySpec, fc.double({ min: 0, max: 5, noNaN: true }), (any, wayMs) => {
        const spec = specOf({ ...any, windowMs: any.windowMs + 80 })
        const lengthMs = 4 * spec.windowMs
        const gapMs = Math.min(0.5, spec.windowMs / spec.limit / 4)
        const arrivals = Array.from({ length: Math.ceil(lengthMs / gapMs) }, () => ({ gapMs, instance: 0 }))
        const passed = runCluster(algorithm, spec, 1, arrivals, () => ({ thereMs: wayMs, backMs: wayMs, lost: 'no' }))
        return passed.length >= dueOf(spec, lengthMs, 2 * wayMs)
      }),
      { numRuns: 30 }
    )
    t.pass()
  })

  function dueOf(spec: LimitSpec, lengthMs: number, roundTripMs: number): number {
    const perMs = spec.limit / spec.windowMs
    const onItsWay = 1 + largestLease(spec, 1)
    const perTrip = (roundTripMs + 1) * perMs
    // A bucket that fills up while an answer is on its way runs over.
    if (algorithm === 'token_bucket') return spec.burst < 1 + onItsWay + perTrip ? 0 : spec.burst + lengthMs * perMs - perTrip - onItsWay
    // Of four windows' length, three windows are whole.
    if (algorithm === 'fixed_window') return 3 * (spec.limit - onItsWay - perTrip)
    return spec.limit + 2 * (spec.limit - onItsWay) - 4 * perTrip - onItsWay
  }
}
