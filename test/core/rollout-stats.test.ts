import fc from 'fast-check'
import t from 'tap'
import { ArmStats, noCounts, sumCounts, toArmResult, trafficOf } from '../../src/core/rollout-stats.ts'

function countsOf(times: readonly number[], failed = 0) {
  const stats = new ArmStats()
  for (const [index, ms] of times.entries()) stats.record(index < failed, ms)
  return stats.counts
}

t.test('requests and failures are counted, and without any there is no percentile', async t => {
  t.same(toArmResult(countsOf([1, 2, 3], 2)), { requests: 3, errors: 2, p95_ms: toArmResult(countsOf([1, 2, 3])).p95_ms })
  t.same(toArmResult(new ArmStats().counts), { requests: 0, errors: 0, p95_ms: null })
})

t.test('the percentile is that of the requests, to a tenth', async () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0.3, max: 100_000, noNaN: true }), { minLength: 1, maxLength: 200 }), times => {
      const exact = times.toSorted((a, b) => a - b)[Math.ceil(times.length * 0.95) - 1]!
      const { p95_ms: p95 } = toArmResult(countsOf(times))
      return p95! > exact / 1.101 && p95! < exact * 1.101
    }),
    { numRuns: 200 }
  )
})

t.test('a request that takes no time, and one that takes an hour, are counted', async t => {
  t.ok(toArmResult(countsOf([0])).p95_ms! <= 0.25)
  t.ok(toArmResult(countsOf([3_600_000])).p95_ms! > 120_000)
})

t.test('what several instances counted adds up to what one would have', async t => {
  const times = fc.array(fc.double({ min: 0, max: 1_000, noNaN: true }), { maxLength: 50 })
  fc.assert(
    fc.property(times, times, (a, b) => {
      t.same(sumCounts(countsOf(a), countsOf(b)), countsOf([...a, ...b]))
    }),
    { numRuns: 50 }
  )
  t.same(sumCounts(noCounts, countsOf([5])), countsOf([5]))
})

t.test('only reports of the same step count, and nothing that is none', async t => {
  const report = { id: 'x', step: 1, current: countsOf([1, 1], 1), candidate: countsOf([1]) }
  const others = [
    undefined,
    null,
    'x',
    { ...report, id: 'y' },
    { ...report, step: 0 },
    { ...report, current: undefined },
    { ...report, candidate: { requests: -1, errors: 0, latencies: [] } },
    { ...report, candidate: { requests: 1, errors: 0, latencies: ['1'] } },
    { ...report, candidate: { requests: 1e300, errors: 0, latencies: [] } },
    { ...report, candidate: { requests: 1, errors: 0, latencies: new Array(10_000).fill(1) } }
  ]
  const found = trafficOf([report, ...others, report], 'x', 1)
  t.match(found, { current: { requests: 4, errors: 2 }, candidate: { requests: 2, errors: 0 } })
})
