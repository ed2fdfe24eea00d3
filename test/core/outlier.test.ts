import fc from 'fast-check'
import t from 'tap'
import { LatencySample } from '../../src/core/latency-sample.ts'
import { longestEjectionMs, mostEjected, type OutlierPolicy, Outliers, successRateRequests } from '../../src/core/outlier.ts'
import { OutlierTarget, restore } from '../../src/core/outlier-target.ts'

interface Target {
  readonly name: string
  readonly outlier: OutlierTarget
  isUnhealthy: boolean
}

const defaults: OutlierPolicy = {
  consecutiveErrors: 5,
  intervalMs: 10_000,
  baseEjectionMs: 30_000,
  maxEjectionPercent: 50,
  latencyFactor: null
}

/** A service with targets `t0`, `t1` … and a clock that a test moves. */
function serviceOf(count: number, changes: Partial<OutlierPolicy> = {}) {
  const policy = { ...defaults, ...changes }
  const all = Array.from({ length: count }, (_, index): Target => {
    return { name: `t${index}`, outlier: new OutlierTarget(), isUnhealthy: false }
  })
  const outliers = new Outliers<Target>(0)
  const clock = { nowMs: 0 }
  const end = (index: number, isError: boolean, tookMs: number | undefined = 10) =>
    outliers.ended(all[index]!, { isError, tookMs }, policy, all, clock.nowMs)
  return {
    all,
    clock,
    policy,
    end,
    fail: (index: number, times = 1) => Array.from({ length: times }, () => end(index, true)).at(-1),
    judge: () => outliers.judge(policy, all, clock.nowMs),
    dueMs: () => outliers.dueMs(policy, all),
    out: () => all.filter(({ outlier }) => outlier.outUntilMs !== undefined).map(({ name }) => name)
  }
}

t.test('the fifth error in a row ejects at once; a success begins the row anew', async t => {
  const { end, fail, out } = serviceOf(3)
  t.equal(fail(0, 4), undefined)
  end(0, false)
  t.equal(fail(0, 4), undefined)
  t.match(fail(0), { target: { name: 't0' }, cause: 'consecutive_errors', forMs: 30_000, reason: '5 errors in a row' })
  t.same(out(), ['t0'])
})

t.test('an ejection ends by itself, when its time is over', async t => {
  const { clock, fail, judge, out, dueMs } = serviceOf(3, { baseEjectionMs: 3_000 })
  clock.nowMs = 1_000
  fail(0, 5)
  t.equal(dueMs(), 4_000)
  clock.nowMs = 3_999
  t.same(judge(), { back: [], ejected: [] })
  clock.nowMs = 4_000
  t.match(judge(), { back: [{ name: 't0' }], ejected: [] })
  t.same(out(), [])
  t.equal(dueMs(), 10_000, 'next the interval is over')
  t.equal(fail(0, 4), undefined, 'the row begins anew')
})

t.test('the next ejection lasts longer, up to a limit; good behaviour makes it shorter again', async t => {
  const { all, clock, fail, judge } = serviceOf(3)
  const lasted: (number | undefined)[] = []
  for (let time = 1; time <= 12; time++) {
    const { forMs } = fail(0, 5)!
    lasted.push(forMs)
    const { outlier } = all[0]!
    clock.nowMs = outlier.outUntilMs!
    judge()
  }
  t.same(lasted.slice(0, 3), [30_000, 60_000, 90_000])
  t.equal(lasted.at(-1), longestEjectionMs)
  for (let interval = 0; interval < 10; interval++) {
    clock.nowMs += 10_000
    judge()
  }
  t.equal(fail(0, 5)?.forMs, 90_000, 'ten intervals in: ten less')
  t.equal(all[0]!.outlier.ejections, 13)
})

t.test('so many may be out at once, one in any case, all never', async t => {
  t.same(
    [1, 2, 3, 4, 10].map(count => mostEjected(count, 50)),
    [0, 1, 1, 2, 5]
  )
  t.same(
    [1, 2, 3, 10].map(count => [mostEjected(count, 0), mostEjected(count, 100)]),
    [
      [0, 0],
      [1, 1],
      [1, 2],
      [1, 9]
    ]
  )
  const { fail, out } = serviceOf(4)
  for (const index of [0, 1, 2, 3]) fail(index, 20)
  t.same(out(), ['t0', 't1'])
})

t.test('who was spared because others were out is ejected when one comes back, if it still fails', async t => {
  const { clock, fail, judge, out } = serviceOf(2, { baseEjectionMs: 5_000 })
  fail(0, 5)
  fail(1, 50)
  t.same(out(), ['t0'])
  clock.nowMs = 10_000
  t.match(judge(), { back: [{ name: 't0' }], ejected: [{ target: { name: 't1' }, cause: 'consecutive_errors' }] })
})

t.test('the last target that probes do not find unhealthy is not ejected', async t => {
  const { all, fail, out } = serviceOf(3, { maxEjectionPercent: 100 })
  all[1]!.isUnhealthy = true
  all[2]!.isUnhealthy = true
  fail(0, 50)
  t.same(out(), [])
  all[2]!.isUnhealthy = false
  fail(0)
  t.same(out(), ['t0'])
})

t.test('a target that is not among those with a weight is not ejected', async t => {
  const { policy } = serviceOf(0)
  const drained: Target = { name: 'd', outlier: new OutlierTarget(), isUnhealthy: false }
  const { all } = serviceOf(3)
  const outliers = new Outliers<Target>(0)
  for (let request = 0; request < 10; request++) t.equal(outliers.ended(drained, { isError: true, tookMs: 1 }, policy, all, 0), undefined)
})

t.test('requests that were under way when it was ejected do not count', async t => {
  const { all, fail, end } = serviceOf(3)
  fail(0, 5)
  fail(0, 20)
  end(0, false)
  const { outlier } = all[0]!
  t.strictSame([outlier.requests, outlier.errors, outlier.consecutive, outlier.ejections], [0, 0, 0, 1])
  restore(all[0]!)
  t.equal(fail(0, 4), undefined)
})

function traffic(service: ReturnType<typeof serviceOf>, errorsPerHundred: readonly number[], requests = successRateRequests): void {
  // Spread evenly: none in a row.
  for (const [index, errors] of errorsPerHundred.entries())
    for (let request = 0; request < requests; request++)
      service.end(index, Math.floor(((request + 1) * errors) / 100) > Math.floor((request * errors) / 100))
}

t.test('a target that fails more than 1.9 deviations more often than the mean is ejected at the end of the interval', async t => {
  const service = serviceOf(6)
  traffic(service, [0, 1, 0, 2, 0, 40])
  t.same(service.out(), [])
  service.clock.nowMs = 10_000
  const { ejected } = service.judge()
  t.match(ejected, [{ target: { name: 't5' }, cause: 'success_rate', reason: '60 % of its requests succeeded; 92.8 % on average' }])
  t.equal(ejected.length, 1)
})

t.test('where nearly nothing fails, a little more is no reason', async t => {
  const service = serviceOf(10)
  traffic(service, [0, 0, 0, 0, 0, 0, 0, 0, 0, 4])
  service.clock.nowMs = 10_000
  t.same(service.judge().ejected, [])
})

t.test('success rates of few targets or few requests say nothing', async t => {
  for (const [targets, requests] of [
    [4, 100],
    [6, 99]
  ] as const) {
    const service = serviceOf(targets)
    traffic(service, [...new Array<number>(targets - 1).fill(0), 45], requests)
    service.clock.nowMs = 10_000
    t.same(service.judge().ejected, [], `${targets} targets, ${requests} requests`)
  }
})

t.test('a target slower than the others by the factor is ejected; counts are of the interval', async t => {
  const service = serviceOf(3, { latencyFactor: 3 })
  const { clock, end, judge } = service
  const answer = (ms: readonly number[], times = 30) => {
    for (const [index, took] of ms.entries()) for (let request = 0; request < times; request++) end(index, false, took)
  }
  answer([20, 30, 74])
  clock.nowMs = 10_000
  t.same(judge().ejected, [], '74 ms is less than thrice 25')
  answer([20, 30, 76])
  clock.nowMs = 20_000
  t.match(judge().ejected, [{ target: { name: 't2' }, cause: 'latency', reason: /76 ms.* 25 ms/ }])
})

t.test('of a few answers, or by a few milliseconds, nobody is slow', async t => {
  const { clock, end, judge } = serviceOf(2, { latencyFactor: 2 })
  for (let request = 0; request < 30; request++) {
    end(0, false, 1)
    end(1, false, 10)
  }
  clock.nowMs = 10_000
  t.same(judge().ejected, [])
  for (let request = 0; request < 19; request++) {
    end(0, false, 1)
    end(1, false, 1_000)
  }
  clock.nowMs = 20_000
  t.same(judge().ejected, [])
})

t.test('with latency_factor off no latency is kept', async t => {
  const { all, end } = serviceOf(2)
  end(0, false, 5)
  t.equal(all[0]!.outlier.latencies.count, 0)
})

t.test('the median of the latest 64 latencies is what it says', async () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 200 }), values => {
      const sample = new LatencySample()
      for (const value of values) sample.add(value)
      const kept = values.slice(-64).sort((a, b) => a - b)
      const low = kept[Math.floor((kept.length - 1) / 2)]!
      const high = kept[Math.ceil((kept.length - 1) / 2)]!
      return sample.median === (low + high) / 2
    })
  )
})

t.test('whatever happens: never more out than allowed, never all, each ejection ends, and none is told twice', async () => {
  const steps = fc.array(
    fc.record({ target: fc.nat(9), ok: fc.boolean(), tookMs: fc.integer({ min: 0, max: 300 }), gapMs: fc.constantFrom(0, 1, 100, 9_000) }),
    { maxLength: 600 }
  )
  const shape = { count: fc.integer({ min: 1, max: 10 }), percent: fc.integer({ min: 0, max: 100 }), row: fc.integer({ min: 1, max: 3 }) }
  fc.assert(
    fc.property(steps, shape.count, shape.percent, shape.row, (list, count, percent, row) => {
      const service = serviceOf(count, { consecutiveErrors: row, maxEjectionPercent: percent, latencyFactor: 2, baseEjectionMs: 1_000 })
      const out = new Set<string>()
      for (const { target, ok, tookMs, gapMs } of list) {
        service.clock.nowMs += gapMs
        const { back, ejected } = service.judge()
        for (const { name } of back) if (!out.delete(name)) return false
        const one = service.end(target % count, !ok, tookMs)
        for (const { target: gone } of one === undefined ? ejected : [...ejected, one]) {
          if (out.has(gone.name)) return false
          out.add(gone.name)
        }
        if (out.size > mostEjected(count, percent) || out.size >= Math.max(count, 1)) return false
        if (service.out().sort().join() !== [...out].sort().join()) return false
        if (service.dueMs() <= service.clock.nowMs) return false
      }
      service.clock.nowMs += longestEjectionMs
      service.judge()
      return service.all.every(({ outlier }) => outlier.outUntilMs === undefined || outlier.outUntilMs > service.clock.nowMs)
    }),
    { numRuns: 500 }
  )
})
