/** What the Redis store does while its server is away, and when it is back. */
import { once } from 'node:events'
import { createServer } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { inspect } from 'node:util'
import { Redis } from 'ioredis'
import t, { type Test } from 'tap'
import type { WritableStore } from '../../src/core/store.ts'
import { StoreUnavailableError } from '../../src/errors.ts'
import { openRedisStore } from '../../src/stores/redis-store.ts'
import { type RedisServer, startRedis } from '../helpers/redis.ts'
import { putRule } from './changes.ts'
import { type Observed, observe } from './observe.ts'

function open(t: Test, server: RedisServer): WritableStore {
  const store = openRedisStore({ url: server.url, namespace: 'ns' })
  t.teardown(() => store.close())
  return store
}

const isUp = ({ states }: Observed): boolean => states.at(-1)?.up === true
const isDown = ({ states }: Observed): boolean => states.at(-1)?.up === false

async function rejectsWithinASecond(t: Test, what: string, call: () => Promise<unknown>): Promise<void> {
  const begin = performance.now()
  await t.rejects(call(), StoreUnavailableError, what)
  t.ok(performance.now() - begin < 1_000, `${what} within a second`)
}

t.test('a killed server: calls reject within a second, and after its return everything goes on by itself', async t => {
  const server = await startRedis(t)
  const [store, other] = [open(t, server), open(t, server)]
  const set = await store.load()
  const observed = await observe(store)
  await observed.until('up', isUp)
  await server.kill()
  await observed.until('down', isDown)
  t.match(observed.states.at(-1)?.reason, new RegExp(`^127.0.0.1:${server.port}: .+`))
  await rejectsWithinASecond(t, 'commit', () => store.commit([putRule('a')], 'anna'))
  await rejectsWithinASecond(t, 'load', () => store.load())
  await rejectsWithinASecond(t, 'commitsSince', () => store.commitsSince(0))
  await rejectsWithinASecond(t, 'position', () => store.position())

  const noticed = observed.notices.length
  await server.restart()
  await observed.until('up again', isUp)
  await observed.until('a notice, as something may have been missed', ({ notices }) => notices.length > noticed)
  t.equal((await store.load()).epoch, set.epoch)
  const commit = await store.commit([putRule('a')], 'anna')
  await observed.until('the commit', ({ commits }) => commits().length === 1)
  t.same(observed.commits(), [commit])
  t.same(await other.load(), await store.load())
})

t.test('a server that came back empty is another epoch', async t => {
  const server = await startRedis(t)
  const store = open(t, server)
  await store.commit([putRule('a')], 'anna')
  const { epoch } = await store.load()
  const observed = await observe(store)
  await observed.until('up', isUp)
  await server.kill()
  await server.restart({ wipe: true })
  await observed.until('up again', observed => isUp(observed) && observed.states.length > 2)
  t.equal(await store.commitsSince(1), undefined)
  const after = await store.load()
  t.not(after.epoch, epoch)
  t.same([after.revision, after.items], [0, []])
})

t.test('a server that falls silent: calls reject within a second, a commit is never made twice', async t => {
  const server = await startRedis(t)
  const store = open(t, server)
  await store.load()
  const observed = await observe(store)
  await observed.until('up', isUp)
  server.pause()
  t.teardown(() => server.resume())
  await rejectsWithinASecond(t, 'commit', () => store.commit([putRule('a')], 'anna'))
  await rejectsWithinASecond(t, 'load', () => store.load())
  await observed.until('down', isDown)
  server.resume()
  await observed.until('up again', isUp)
  const { revision } = await store.load()
  t.ok(revision <= 1, 'the commit with the lost answer was made once or not at all')
  t.equal((await store.commit([putRule('b')], 'anna')).revision, revision + 1)
})

t.test('a server that is busy with a large commit is waited for', async t => {
  const server = await startRedis(t)
  const store = open(t, server)
  await store.load()
  server.pause()
  t.teardown(() => server.resume())
  const committed = store.commit(
    Array.from({ length: 5_000 }, (_, index) => putRule(`r${index}`)),
    'anna'
  )
  // Longer than a server may be silent otherwise.
  await delay(1_200)
  server.resume()
  t.equal((await committed).revision, 1)
})

t.test('opened while the server is away, it begins by itself when the server is there', async t => {
  const server = await startRedis(t)
  await server.kill()
  const store = open(t, server)
  await rejectsWithinASecond(t, 'load', () => store.load())
  await t.rejects(store.load(), { cause: { message: new RegExp(`^127.0.0.1:${server.port}: .*ECONNREFUSED`) } }, 'with the reason')
  const observed = await observe(store)
  t.same(observed.notices, [])
  t.ok(isDown(observed))
  await server.restart()
  await observed.until('up', isUp)
  await observed.until('a notice', ({ notices }) => notices.length > 0)
  t.same((await store.load()).items, [])
})

t.test('a lost subscription alone comes back, with a notice that something may have been missed', async t => {
  const server = await startRedis(t)
  const store = open(t, server)
  const admin = new Redis(server.url)
  t.teardown(() => admin.disconnect())
  const observed = await observe(store)
  await observed.until('the first notice', ({ notices }) => notices.length === 1)
  await admin.call('CLIENT', ['KILL', 'TYPE', 'pubsub'])
  await observed.until('down', isDown)
  await observed.until('up again', isUp)
  await observed.until('the second notice', ({ notices }) => notices.length === 2)
  t.same(observed.notices, [undefined, undefined])
  await store.commit([putRule('a')], 'anna')
  await observed.until('the next commit', ({ commits }) => commits().length === 1)
})

t.test('a wrong password is a state with a reason, and is in no message', async t => {
  const server = await startRedis(t, { password: 'right horse' })
  const store = openRedisStore({ url: `redis://:hunter2@127.0.0.1:${server.port}`, namespace: 'ns' })
  t.teardown(() => store.close())
  const observed = await observe(store)
  await observed.until('down', isDown)
  const error = await store.commit([putRule('secret-rule')], 'anna').catch(error => error)
  t.type(error, StoreUnavailableError)
  t.match(observed.states.at(-1)?.reason, /WRONGPASS/)
  for (const text of [inspect(error, { depth: 9, showHidden: true }), JSON.stringify(observed.states)]) {
    t.notMatch(text, /hunter2/)
    t.notMatch(text, /secret-rule/)
  }
  const right = open(t, server)
  await right.commit([putRule('a')], 'anna')
  t.equal((await right.load()).items.length, 1)
})

t.test('rediss:// speaks TLS', async t => {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const { port } = server.address() as { port: number }
  const connection = once(server, 'connection')
  const store = openRedisStore({ url: `rediss://127.0.0.1:${port}`, namespace: 'ns' })
  t.teardown(() => store.close())
  const [socket] = await connection
  const [hello] = await once(socket, 'data')
  t.equal(hello[0], 22, 'the first byte is that of a TLS handshake record')
  socket.destroy()
})
