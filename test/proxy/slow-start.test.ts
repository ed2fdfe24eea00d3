/** Slow start with real targets; only the clock is the test's. */
import t from 'tap'
import { startProxy, toSnapshot } from '../helpers/proxy-app.ts'
import { startTarget } from '../helpers/target.ts'

t.test('a target that comes to a running service gets a tenth of its share at first, and all of it in the end', async t => {
  const counts: Record<string, number> = {}
  const targets = await Promise.all(
    ['a', 'b', 'fresh'].map(name =>
      startTarget(t, (_request, response) => {
        counts[name] = (counts[name] ?? 0) + 1
        response.end()
      })
    )
  )
  const itemsOf = (count: number) => ({
    services: [
      {
        id: 's',
        targets: targets.slice(0, count).map(({ url }) => ({ url })),
        balancer: { algorithm: 'weighted_round_robin' },
        slow_start_ms: 60_000
      }
    ],
    rules: [{ id: 'r', target_service: 's' }]
  })
  const clock = { nowMs: 0 }
  const proxy = await startProxy(t, itemsOf(2), { limits: { now: () => clock.nowMs } })
  const client = await proxy.connect()
  const ask = async (times: number) => {
    for (const name of Object.keys(counts)) delete counts[name]
    for (let at = 0; at < times; at++) await client.request('GET /')
    return counts
  }
  t.strictSame(await ask(20), { a: 10, b: 10 }, 'those that came together share alike')
  clock.nowMs = 100_000
  proxy.live.snapshot = toSnapshot(itemsOf(3))
  t.strictSame(await ask(42), { a: 20, b: 20, fresh: 2 })
  clock.nowMs = 130_000
  t.strictSame(await ask(50), { a: 20, b: 20, fresh: 10 })
  clock.nowMs = 160_000
  t.strictSame(await ask(60), { a: 20, b: 20, fresh: 20 })
})
