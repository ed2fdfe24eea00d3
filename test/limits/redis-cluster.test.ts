import t from 'tap'
import { createDecision } from '../../src/core/limit/decision.ts'
import { maxOvershoot } from '../../src/core/limit/lease-bounds.ts'
import { RedisCluster } from '../../src/limits/redis-cluster.ts'
import { startRedis } from '../helpers/redis.ts'
import { toSpec, toTake, until } from './open.ts'

const server = await startRedis(t)
const windowMs = 3_600_000

/** Two instances that know of each other. */
async function openTwo(test: Parameters<typeof startRedis>[0], namespace: string): Promise<readonly [RedisCluster, RedisCluster]> {
  const open = () => {
    const cluster = new RedisCluster({ url: server.url, namespace, budgetMs: 1_000 })
    test.teardown(() => cluster.close())
    return cluster
  }
  const two = [open(), open()] as const
  await until(() => two.every(({ instances }) => instances === 2))
  return two
}

t.test('instances that count together know how many they are, and notice who leaves', async t => {
  const [one, two] = await openTwo(t, 'count')
  t.equal(one.instances, 2)
  await two.close()
  await until(() => one.instances === 1)
})

t.test('exact limits are counted by all, and places are given back', async t => {
  const [one, two] = await openTwo(t, 'exact')
  const takes = [toTake('token_bucket', { limit: 3, windowMs }), toTake('concurrency', { limit: 1 })]
  const first = await one.take(takes, 1)
  t.match(first.decisions, [{ allowed: true }, { allowed: true }])
  t.match((await two.take(takes, 1)).decisions, [{ allowed: true, remaining: 2 }, { allowed: false }])
  first.release!()
  await until(async () => (await two.take(takes, 0)).decisions[1]!.allowed)
})

t.test('bounded limits need no answer, and keep to what is stated', async t => {
  const both = await openTwo(t, 'bounded')
  const spec = toSpec({ limit: 40, windowMs })
  const ahead = both.map(cluster => cluster.open('r1', 'token_bucket', { max: 100, used: 0 }))
  const out = createDecision()
  let passed = 0
  for (const limit of ahead)
    await until(() => {
      if (limit.take('key', spec, 2, out) && out.allowed) passed++
      return !out.allowed && out.retryMs > 1_000
    })
  t.ok(passed >= 40 && passed <= 40 + maxOvershoot('token_bucket', spec, 2), `${passed} passed`)
  // The limit refills meanwhile, by a little.
  const noticed = ahead.reduce((sum, { overshoot }) => sum + overshoot, 0)
  t.ok(Math.abs(noticed - (passed - 40)) < 1, `${noticed} of what was above has been noticed`)
})
