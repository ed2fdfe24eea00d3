import t from 'tap'
import { createCounter } from '../../src/core/limit/counters.ts'
import { createDecision, type LimitDecision } from '../../src/core/limit/decision.ts'
import { ExactLimits, type ExactTake } from '../../src/limits/exact-limits.ts'
import { startRedis } from '../helpers/redis.ts'
import { openClient, openExact, openStore, toTake, until } from './open.ts'

interface Counted extends LimitDecision {
  readonly timeUs: number
}

const server = await startRedis(t)

const hammered: Readonly<Partial<Record<ExactTake['algorithm'], ExactTake['spec']>>> = {
  token_bucket: { limit: 300, windowMs: 250, burst: 120, maxDelayMs: 0 },
  leaky_bucket: { limit: 100, windowMs: 150, burst: 100, maxDelayMs: 20 },
  fixed_window: { limit: 100, windowMs: 100, burst: 100, maxDelayMs: 0 },
  sliding_window: { limit: 100, windowMs: 100, burst: 100, maxDelayMs: 0 },
  sliding_log: { limit: 100, windowMs: 100, burst: 100, maxDelayMs: 0 }
}

for (const [algorithm, spec] of Object.entries(hammered) as [ExactTake['algorithm'], ExactTake['spec']][]) {
  t.test(`${algorithm}: many gateways at once let through exactly what the definition allows at the server's times`, async t => {
    const gateways = await Promise.all([1, 2, 3].map(() => openExact(t, server.port)))
    const counted: Counted[] = []
    const untilMs = performance.now() + 1_000
    const client = async (index: number): Promise<void> => {
      while (performance.now() < untilMs) {
        const { decisions, timeUs } = await gateways[index % 3]!.take([toTake(algorithm, spec, 'hammered')])
        counted.push({ ...decisions[0]!, timeUs })
      }
    }
    await Promise.all(Array.from({ length: 12 }, (_, index) => client(index)))
    t.ok(counted.filter(({ allowed }) => !allowed).length > 50)
    const [model, found] = [replayed(algorithm, spec, counted), summary(counted)]
    // Where the estimate is the limit to within rounding, the one or the other of two requests may be the one that goes.
    if (algorithm === 'sliding_window') t.ok(largestLead(model, found) <= 1)
    else t.same(model, found)
  })
}

/** Those let through and the times that they are held back, by the server's time. */
function summary(counted: readonly Counted[]): readonly string[] {
  const groups = Map.groupBy(counted, ({ timeUs }) => timeUs)
  return [...groups.keys()].sort().map(timeUs => {
    const passed = groups.get(timeUs)!.filter(({ allowed }) => allowed)
    const delays = passed.map(({ delayMs }) => Math.round(delayMs * 10) / 10).sort()
    return `${timeUs}: ${passed.length} ${delays.some(delay => delay > 0) ? delays.length : ''}`
  })
}

/** By how many requests the one is ahead of the other at any time, at most. */
function largestLead(one: readonly string[], other: readonly string[]): number {
  const passedOf = (line: string) => Number(line.split(' ')[1])
  let [lead, largest] = [0, 0]
  for (const [index, line] of one.entries()) {
    lead += passedOf(line) - passedOf(other[index]!)
    largest = Math.max(largest, Math.abs(lead))
  }
  return largest
}

// The same requests, counted in memory at the times at which the server counted them.
function replayed(algorithm: ExactTake['algorithm'], spec: ExactTake['spec'], counted: readonly Counted[]): readonly string[] {
  const counter = createCounter(algorithm, { max: 10, used: 0 })
  const sorted = counted.toSorted((a, b) => a.timeUs - b.timeUs)
  const originUs = Math.floor(sorted[0]!.timeUs / spec.windowMs / 1_000) * spec.windowMs * 1_000
  const again = sorted.map(({ timeUs }) => {
    const out = createDecision()
    counter.take('key', spec, (timeUs - originUs) / 1_000, 1, out)
    return { ...out, timeUs }
  })
  return summary(again)
}

t.test('concurrency: never more than the limit are held, and each that ends makes room', async t => {
  const gateways = await Promise.all([1, 2].map(() => openExact(t, server.port)))
  const take = toTake('concurrency', { limit: 5 }, 'held')
  const first = await Promise.all(Array.from({ length: 20 }, (_, index) => gateways[index % 2]!.take([take])))
  const passed = first.filter(({ allowed }) => allowed)
  t.equal(passed.length, 5)
  t.match(await gateways[0]!.take([take]), { allowed: false, held: undefined, decisions: [{ remaining: 0 }] })
  const owner = gateways[first.indexOf(passed[0]!) % 2]!
  owner.release(passed[0]!.held!)
  owner.release(passed[0]!.held!)
  await until(async () => (await owner.look([take])).allowed)
  t.ok((await owner.take([take])).allowed)
  t.notOk((await owner.take([take])).allowed, 'a place is given back once')
})

t.test('concurrency: places of a gateway that is gone are free after a while, those of one that is there are not', async t => {
  const placeMs = 1_000
  const [there, other] = await Promise.all([1, 2].map(() => openExact(t, server.port, 1_000, placeMs)))
  const doomed = await openStore(t, server.port)
  const gone = new ExactLimits(doomed, { placeMs })
  t.teardown(() => gone.close())
  const take = toTake('concurrency', { limit: 2 }, 'renewed')
  const held = await there!.take([take])
  await gone.take([take])
  await doomed.close()
  t.notOk((await other!.look([take])).allowed)
  await until(async () => (await other!.look([take])).allowed)
  const beganMs = performance.now()
  let fewest = 1
  await until(async () => {
    fewest = Math.min(fewest, 2 - (await other!.look([take])).decisions[0]!.remaining)
    return performance.now() - beganMs > 2 * placeMs
  })
  t.equal(fewest, 1, 'one is held all the time')
  there!.release(held.held!)
  await until(async () => (await other!.look([take])).decisions[0]!.remaining === 2)
})

t.test('a request counts for all its limits or for none', async t => {
  const exact = await openExact(t, server.port)
  const wide = toTake('token_bucket', { limit: 10, windowMs: 3_600_000 }, 'all')
  const narrow = toTake('fixed_window', { limit: 2, windowMs: 3_600_000 }, 'all')
  const places = toTake('concurrency', { limit: 10 }, 'all')
  const log = toTake('sliding_log', { limit: 10, windowMs: 3_600_000 }, 'all')
  const takes = [wide, narrow, places, log]
  for (let left = 2; left > 0; left--) t.ok((await exact.take(takes)).allowed)
  const refused = await exact.take(takes)
  t.match(refused, { allowed: false, held: undefined })
  t.match(refused.decisions, [{ allowed: true, remaining: 8 }, { allowed: false, remaining: 0 }, { remaining: 8 }, { remaining: 8 }])
  t.match((await exact.look(takes)).decisions, [{ remaining: 8 }, { remaining: 0 }, { remaining: 8 }, { remaining: 8 }])
})

t.test('a changed limit keeps the share that is used; what has come, and what is held, stays as it is', async t => {
  const exact = await openExact(t, server.port)
  const windowMs = 3_600_000
  for (const algorithm of ['token_bucket', 'fixed_window', 'sliding_window'] as const) {
    for (let left = 6; left > 0; left--) await exact.take([toTake(algorithm, { limit: 10, windowMs }, 'scaled')])
    const [twice] = (await exact.look([toTake(algorithm, { limit: 20, windowMs }, 'scaled')])).decisions
    t.match(twice, { remaining: 8, limit: 20 }, algorithm)
  }
  for (const algorithm of ['sliding_log', 'concurrency'] as const) {
    for (let left = 6; left > 0; left--) await exact.take([toTake(algorithm, { limit: 10, windowMs }, 'scaled')])
    t.match((await exact.look([toTake(algorithm, { limit: 20, windowMs }, 'scaled')])).decisions, [{ remaining: 14 }], algorithm)
    t.match((await exact.take([toTake(algorithm, { limit: 5, windowMs }, 'scaled')])).decisions, [{ allowed: false, remaining: 0 }])
  }
  const slow = { limit: 10, windowMs, maxDelayMs: windowMs }
  for (let left = 5; left > 0; left--) await exact.take([toTake('leaky_bucket', slow, 'scaled')])
  const { decisions } = await exact.take([toTake('leaky_bucket', { ...slow, limit: 20 }, 'scaled')])
  t.ok(Math.abs(decisions[0]!.delayMs - windowMs / 4) < 10_000, 'the queue is half as long when it moves twice as fast')
})

t.test('keys stand under the hash tag of the namespace, are bounded, and vanish', async t => {
  const fresh = await startRedis(t)
  const exact = await openExact(t, fresh.port)
  const client = await openClient(t, fresh.port)
  const algorithms = ['token_bucket', 'leaky_bucket', 'fixed_window', 'sliding_window', 'sliding_log', 'concurrency'] as const
  const hostile = `{x}\r\n\0${'é'.repeat(100_000)}`
  for (const algorithm of algorithms)
    for (const key of [hostile, '{a}:*', '']) t.ok((await exact.take([toTake(algorithm, { limit: 1, windowMs: 300 }, key)])).allowed)
  const keys = await client.keys('*')
  t.equal(keys.length, algorithms.length * 3)
  for (const key of keys) {
    t.ok(key.startsWith('{sluice:test}:limit:') && key.length < 200, key)
    t.ok((await client.pttl(key)) > 0, 'it has an end')
  }
  await exact.close()
  await until(async () => (await client.dbsize()) === 0)
})

t.test('a server that has forgotten the scripts is told them again', async t => {
  const exact = await openExact(t, server.port)
  const client = await openClient(t, server.port)
  await client.script('FLUSH')
  const answers = await Promise.all(
    [1, 2, 3, 4].map(() => exact.take([toTake('token_bucket', { limit: 3, windowMs: 3_600_000 }, 'flushed')]))
  )
  t.same(
    answers.map(({ allowed }) => allowed),
    [true, true, true, false]
  )
})

t.test('a Redis Cluster counts, too', async t => {
  const { port } = await startRedis(t, { cluster: true })
  const client = await openClient(t, port, 'connect')
  await client.call('CLUSTER', 'ADDSLOTSRANGE', '0', '16383')
  await until(async () => String(await client.call('CLUSTER', 'INFO')).includes('cluster_state:ok'))
  const exact = new ExactLimits(await openStore(t, port, 1_000, 'redis+cluster'))
  t.teardown(() => exact.close())
  const takes = (['token_bucket', 'sliding_log', 'concurrency'] as const).map(name => toTake(name, { limit: 1 }))
  t.ok((await exact.take(takes)).allowed)
  t.notOk((await exact.take(takes)).allowed)
})
