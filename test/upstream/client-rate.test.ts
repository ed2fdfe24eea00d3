/** When a request body counts as too slow. */
import type { IncomingMessage } from 'node:http'
import t from 'tap'
import { RateWatch } from '../../src/upstream/client-rate.ts'

const rate = { minBytesPerSecond: 100, afterMs: 20_000 }
const source = (headers: Record<string, string> = {}) => ({ headers }) as unknown as IncomingMessage

t.test('a client may be slow for a while, then its average counts', async t => {
  const watch = new RateWatch(rate, source())
  watch.begin(1_000)
  t.notOk(watch.isTooSlow(1, 20_999))
  t.ok(watch.isTooSlow(1, 21_000), '2 bytes in 20 s')
  const fast = new RateWatch(rate, source())
  fast.begin(0)
  t.notOk(fast.isTooSlow(2_000, 20_000), 'just enough')
  t.ok(fast.isTooSlow(1, 20_100), 'and no longer enough')
})

t.test('time in which the target takes nothing is not counted', async t => {
  const watch = new RateWatch(rate, source())
  watch.begin(0)
  t.notOk(watch.isTooSlow(10, 10_000))
  watch.begin(100_000)
  t.notOk(watch.isTooSlow(10, 110_000))
  t.ok(watch.isTooSlow(10, 120_000))
})

t.test('a call that streams messages may say nothing for long', async t => {
  const watch = new RateWatch(rate, source({ 'content-type': 'application/grpc+proto' }))
  watch.begin(0)
  t.notOk(watch.isTooSlow(1, 60_000))
})
