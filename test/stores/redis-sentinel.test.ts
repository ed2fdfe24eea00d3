/** The Redis store where Sentinels decide which server is the master. Real servers: one master, one replica, one Sentinel. */
import { inspect } from 'node:util'
import { Redis } from 'ioredis'
import t, { type Test } from 'tap'
import { openRedisStore } from '../../src/stores/redis-store.ts'
import { startRedis } from '../helpers/redis.ts'
import { startSentinel } from '../helpers/redis-sentinel.ts'
import { putRule } from './changes.ts'
import { observe } from './observe.ts'

const password = 'p@ss:word/%'

function open(t: Test, hosts: string, pass = password): ReturnType<typeof openRedisStore> {
  const store = openRedisStore({ url: `redis+sentinel://:${encodeURIComponent(pass)}@${hosts}/main/2`, namespace: 'ns' })
  t.teardown(() => store.close())
  return store
}

t.test('after a failover the store is current again, by itself, and follows the new master', async t => {
  const master = await startRedis(t, { password })
  const replica = await startRedis(t, { password, replicaOf: master.port })
  const sentinel = await startSentinel(t, { masterPort: master.port, password })
  // The first of the Sentinels is gone: the others do.
  const [store, other] = [open(t, `127.0.0.1:1,127.0.0.1:${sentinel.port}`), open(t, `127.0.0.1:${sentinel.port}`)]
  await store.load()
  const first = await store.commit([putRule('a')], 'anna')
  const admin = new Redis(master.url)
  t.equal(await admin.wait(1, 5_000), 1, 'the replica has it')
  admin.disconnect()
  await other.load()
  const observed = await observe(other)
  await observed.until('up', ({ states }) => states.at(-1)?.up === true)

  await master.kill()
  await observed.until('down', ({ states }) => states.at(-1)?.up === false)
  t.match(observed.states.at(-1)?.reason, new RegExp(`127.0.0.1:${master.port}`))
  await observed.until('up again', ({ states }) => states.at(-1)?.up === true, 15_000)
  t.equal(await sentinel.masterPort(), replica.port)
  t.same(await other.commitsSince(1, first.at), [], 'nothing that was replicated is lost')
  const second = await store.commit([putRule('b')], 'anna')
  await observed.until('the commit', ({ commits }) => commits().length === 1)
  t.same(observed.commits(), [second])

  // The old master comes back as a replica, and is not taken for a master any more.
  await master.restart()
  await store.commit([putRule('c')], 'anna')
  const direct = new Redis(replica.url, { db: 2 })
  t.equal(await direct.get('{sluice:ns}:revision'), '3')
  direct.disconnect()
})

t.test('a master that falls silent is left for the new one', async t => {
  const master = await startRedis(t, { password })
  const replica = await startRedis(t, { password, replicaOf: master.port })
  const sentinel = await startSentinel(t, { masterPort: master.port, password })
  const store = open(t, `127.0.0.1:${sentinel.port}`)
  const observed = await observe(store)
  await observed.until('up', ({ states }) => states.at(-1)?.up === true)
  master.pause()
  t.teardown(() => master.resume())
  await observed.until('down', ({ states }) => states.at(-1)?.up === false)
  await observed.until('up again', ({ states }) => states.at(-1)?.up === true, 15_000)
  t.equal(await sentinel.masterPort(), replica.port)
  await store.commit([putRule('a')], 'anna')
})

t.test('without a Sentinel that knows the master, calls reject within a second and say why', async t => {
  const server = await startRedis(t)
  const store = open(t, `127.0.0.1:1,127.0.0.1:${server.port}`, 'hunter2')
  const begin = performance.now()
  const error = await store.load().catch(error => error)
  t.ok(performance.now() - begin < 1_000)
  t.equal(error.code, 'STORE_UNAVAILABLE')
  t.match(error.cause.message, /127.0.0.1:1: .*ECONNREFUSED/)
  t.match(error.cause.message, /ERR unknown command/, 'a server that is no Sentinel says so')
  const observed = await observe(store)
  t.match(observed.states.at(-1), { up: false, reason: /ECONNREFUSED/ })
  t.notMatch(inspect([error, observed.states], { depth: 9 }), /hunter2/)
})
