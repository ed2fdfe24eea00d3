import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { createDecision } from '../../src/core/limit/decision.ts'
import { type LeasedAlgorithm, maxOvershoot } from '../../src/core/limit/lease-bounds.ts'
import type { LimitSpec } from '../../src/core/limit/spec.ts'
import { type BoundedLimit, BoundedLimits } from '../../src/limits/bounded-limits.ts'
import { startRedis } from '../helpers/redis.ts'
import { openClient, openStore, toSpec, until, untilAvailable } from './open.ts'

const server = await startRedis(t)
const out = createDecision()

async function openBounded(t: Parameters<typeof openStore>[0], port: number): Promise<BoundedLimits> {
  const bounded = new BoundedLimits(await openStore(t, port))
  t.teardown(() => bounded.close())
  return bounded
}

/** Asks all in turn, for so long. Returns when one was let through, by the server's time as near as it can be told. */
async function hammer(limits: readonly BoundedLimit[], key: string, spec: LimitSpec, lengthMs: number): Promise<readonly number[]> {
  const passed: number[] = []
  const endMs = performance.now() + lengthMs
  while (performance.now() < endMs) {
    for (const limit of limits)
      for (let left = 3; left > 0; left--)
        if (limit.take(key, spec, limits.length, out) && out.allowed) passed.push(performance.timeOrigin + performance.now())
    await delay(1)
  }
  return passed
}

t.test('token_bucket: a cluster lets through what the definition allows, and at most the stated overshoot above', async t => {
  const instances = await Promise.all([1, 2, 3, 4].map(() => openBounded(t, server.port)))
  const spec = toSpec({ limit: 400, burst: 200 })
  const passed = await hammer(
    instances.map(one => one.open('rule/0', 'token_bucket', { max: 100, used: 0 })),
    'key',
    spec,
    2_000
  )
  let level = 0
  let worst = 0
  for (const [index, atMs] of passed.entries()) {
    level = Math.max(0, level - (atMs - (passed[index - 1] ?? atMs)) * 0.4) + 1
    worst = Math.max(worst, level - spec.burst)
  }
  t.ok(worst <= maxOvershoot('token_bucket', spec, 4), `${worst} above`)
  t.ok(passed.length >= 0.9 * (200 + 0.4 * 2_000), `${passed.length} passed`)
})

for (const algorithm of ['fixed_window', 'sliding_window'] as const satisfies readonly LeasedAlgorithm[]) {
  t.test(`${algorithm}: no window holds more than the limit and the stated overshoot`, async t => {
    const instances = await Promise.all([1, 2, 3].map(() => openBounded(t, server.port)))
    const spec = toSpec({ limit: 120, windowMs: 400 })
    const passed = await hammer(
      instances.map(one => one.open('rule/1', algorithm, { max: 100, used: 0 })),
      'key',
      spec,
      2_000
    )
    const windows = Map.groupBy(passed, atMs => Math.floor(atMs / spec.windowMs))
    const most = Math.max(...[...windows.values()].map(({ length }) => length))
    t.ok(most <= 120 + maxOvershoot(algorithm, spec, 3), `${most} in one window`)
    t.ok(passed.length >= 300, `${passed.length} passed`)
  })
}

t.test('what one instance has used, another knows of; what is leased comes back', async t => {
  const [one, two] = await Promise.all(
    [1, 2].map(async () => (await openBounded(t, server.port)).open('r', 'token_bucket', { max: 9, used: 0 }))
  )
  const spec = toSpec({ limit: 20, windowMs: 3_600_000 })
  let passed = 0
  await until(() => {
    if (one!.take('known', spec, 2, out) && out.allowed) passed++
    return !out.allowed && out.retryMs > 1_000
  })
  t.equal(passed, 20, 'one alone gets all')
  // Two has never heard of it, and has its share on credit; that is told, and is too much.
  await until(() => two!.take('known', spec, 2, out) && !out.allowed && out.retryMs > 1_000)
  t.ok(two!.overshoot > 0 && two!.overshoot <= 10, `${two!.overshoot} above`)
})

t.test('closing gives back what is leased', async t => {
  const redis = await startRedis(t)
  const client = await openClient(t, redis.port)
  const bounded = await openBounded(t, redis.port)
  const limit = bounded.open('r', 'token_bucket', { max: 9, used: 0 })
  const spec = toSpec({ limit: 1_000, windowMs: 3_600_000 })
  let passed = 0
  for (let left = 50; left > 0; left--) if (limit.take('k', spec, 1, out) && out.allowed) passed++
  const [key] = await new Promise<string[]>(
    resolve => void until(async () => (await client.keys('*')).length > 0).then(() => resolve(client.keys('*')))
  )
  const level = async (): Promise<number> => (await client.getBuffer(key!))!.readDoubleLE(24)
  t.ok((await level()) > passed, 'some are leased')
  await bounded.close()
  t.ok(Math.abs((await level()) - passed) < 1, 'only what was used is counted')
  t.notOk(limit.take('k', spec, 1, out))
})

t.test('while the store is away what is leased goes, then nothing is said; all is told when it is back', async t => {
  const redis = await startRedis(t)
  const store = await openStore(t, redis.port, 200)
  const bounded = new BoundedLimits(store)
  t.teardown(() => bounded.close())
  const limit = bounded.open('r', 'token_bucket', { max: 9, used: 0 })
  const spec = toSpec({ limit: 10, windowMs: 3_600_000 })
  await redis.kill()
  await untilAvailable(store, false)
  t.notOk(limit.take('k', spec, 1, out))
  await redis.restart()
  await untilAvailable(store)
  t.ok(limit.take('k', spec, 1, out) && out.allowed)
  await until(() => limit.debts === 1)
})

t.test('a store that answers with errors only is a store that is away', async t => {
  const redis = await startRedis(t)
  const client = await openClient(t, redis.port)
  const limit = (await openBounded(t, redis.port)).open('r', 'token_bucket', { max: 9, used: 0 })
  const spec = toSpec({ limit: 1_000_000, windowMs: 3_600_000 })
  await client.config('SET', 'maxmemory', '1')
  // One at a time, so that the share is not used up before the store is found to be full.
  await until(() => !limit.take('k', spec, 1, out))
  await client.config('SET', 'maxmemory', '0')
  await until(() => limit.take('k', spec, 1, out) && limit.debts > 0)
})
