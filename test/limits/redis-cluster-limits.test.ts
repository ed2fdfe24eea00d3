import t from 'tap'
import { createDecision } from '../../src/core/limit/decision.ts'
import { RedisClusterLimits } from '../../src/limits/redis-cluster-limits.ts'
import { startRedis } from '../helpers/redis.ts'
import { toTake, until, untilAvailable } from './open.ts'

const server = await startRedis(t)

async function open(instances: number): Promise<RedisClusterLimits> {
  const address = { mode: 'single', url: server.url } as const
  const limits = new RedisClusterLimits({ address, namespace: 'test', budgetMs: 1_000, instances: () => instances })
  t.teardown(() => limits.close())
  await untilAvailable(limits.store)
  return limits
}

const windowMs = 3_600_000

t.test('exact limits are counted by all, and places are given back', async t => {
  const [one, two] = await Promise.all([open(2), open(2)])
  const takes = [toTake('token_bucket', { limit: 3, windowMs }), toTake('concurrency', { limit: 1 })]
  const first = await one!.take(takes, 1)
  t.match(first.decisions, [{ allowed: true }, { allowed: true }])
  t.match((await two!.take(takes, 1)).decisions, [{ allowed: true, remaining: 2 }, { allowed: false }])
  first.release!()
  await until(async () => (await two!.take(takes, 0)).decisions[1]!.allowed)
})

t.test('bounded limits need no answer, and keep to what is stated', async t => {
  const [one, two] = await Promise.all([open(2), open(2)])
  const take = toTake('token_bucket', { limit: 40, windowMs }, 'ahead')
  const out = createDecision()
  let passed = 0
  for (const limits of [one!, two!])
    await until(() => {
      if (limits.takeAhead(take, 0, 1, out) && out.allowed) passed++
      return !out.allowed && out.retryMs > 1_000
    })
  t.ok(passed >= 40 && passed <= 40 + one!.maxOvershoot(take), `${passed} passed`)
  // The limit refills meanwhile, by a little.
  t.ok(Math.abs(one!.overshootOf(take.id) + two!.overshootOf(take.id) - (passed - 40)) < 1, 'what was above has been noticed')
  t.equal(one!.maxOvershoot(toTake('sliding_log', { limit: 9 })), 0)
  one!.retain(() => false)
  await until(() => one!.keys === 0)
})
