/** When the process counts as out of breath, and when no longer. */
import t from 'tap'
import { OverloadGuard, type Strain } from '../../src/core/overload-guard.ts'

const limits = { maxEventLoopDelayMs: 100, maxHeapPercent: 90 }
const calm = { eventLoopDelayMs: 1, heapPercent: 20 }

/** What the guard says after each reading; they come every 500 ms. */
function follow(guard: OverloadGuard, readings: readonly Partial<typeof calm>[]): (Strain | undefined)[] {
  return readings.map((reading, index) => {
    guard.record({ ...calm, ...reading }, index * 500)
    return guard.strain
  })
}

t.test('one late reading is a pause, two in a row are an overload', async t => {
  const late = { eventLoopDelayMs: 5_000 }
  t.same(follow(new OverloadGuard(limits), [{}, late, {}, late, {}]), [undefined, undefined, undefined, undefined, undefined])
  t.same(follow(new OverloadGuard(limits), [{}, late, late]), [undefined, undefined, 'event_loop'])
})

t.test('at the limit nothing is refused', async t => {
  const at = { eventLoopDelayMs: 100, heapPercent: 90 }
  t.same(follow(new OverloadGuard(limits), [at, at, at]), [undefined, undefined, undefined])
})

t.test('an overload ends a second after the last reading above, and only well below the limit', async t => {
  const late = { eventLoopDelayMs: 101 }
  const nearly = { eventLoopDelayMs: 90 }
  const said = follow(new OverloadGuard(limits), [late, late, {}, {}, {}])
  t.same(said, [undefined, 'event_loop', 'event_loop', undefined, undefined])
  const around = follow(new OverloadGuard(limits), [late, late, nearly, late, nearly, nearly, nearly, {}])
  t.same(around.slice(1), [...Array(6).fill('event_loop'), undefined], 'readings around the limit change nothing')
})

t.test('a full heap is told before a late event loop', async t => {
  const both = { eventLoopDelayMs: 500, heapPercent: 95 }
  t.same(follow(new OverloadGuard(limits), [both, both, { eventLoopDelayMs: 500 }, { eventLoopDelayMs: 500 }]), [
    undefined,
    'heap',
    'heap',
    'event_loop'
  ])
})

t.test('without limits nothing is an overload', async t => {
  const worst = { eventLoopDelayMs: 1e6, heapPercent: 100 }
  t.same(follow(new OverloadGuard({ maxEventLoopDelayMs: 0, maxHeapPercent: 0 }), [worst, worst, worst]), [undefined, undefined, undefined])
})
