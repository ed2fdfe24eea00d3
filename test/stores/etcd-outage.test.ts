/** What the etcd store does while its servers are away, and when they are back. */
import { inspect } from 'node:util'
import t, { type Test } from 'tap'
import type { Store } from '../../src/core/store.ts'
import { StoreUnavailableError } from '../../src/errors.ts'
import { openEtcdStore } from '../../src/stores/etcd-store.ts'
import { startEtcd } from '../helpers/etcd.ts'
import { startTcpProxy } from '../helpers/tcp-proxy.ts'
import { putRule } from './changes.ts'
import { type Observed, observe } from './observe.ts'

function open(t: Test, hosts: string, user = ''): ReturnType<typeof openEtcdStore> {
  const store = openEtcdStore({ url: `etcd://${user}${hosts}/test`, namespace: 'default' })
  t.teardown(() => store.close())
  return store
}

// Most of the time they wait.
t.jobs = 4

const isUp = ({ states }: Observed): boolean => states.at(-1)?.up === true
const isDown = ({ states }: Observed): boolean => states.at(-1)?.up === false
const limitMs = 5_000

async function rejectsWithinASecond(t: Test, what: string, call: () => Promise<unknown>): Promise<void> {
  const begin = performance.now()
  await t.rejects(call(), StoreUnavailableError, what)
  t.ok(performance.now() - begin < 1_000, `${what} within a second`)
}

async function everyCallRejects(t: Test, store: ReturnType<typeof openEtcdStore>): Promise<void> {
  const calls: [string, (store: Store) => Promise<unknown>][] = [
    ['load', store => store.load()],
    ['commitsSince', store => store.commitsSince(0)],
    ['position', store => store.position()]
  ]
  for (const [name, call] of calls) await rejectsWithinASecond(t, name, () => call(store))
  await rejectsWithinASecond(t, 'commit', () => store.commit([putRule('late')], 'anna'))
}

t.test('a killed server: calls reject within a second, and after its return everything goes on by itself', { buffered: true }, async t => {
  const server = await startEtcd(t)
  const store = open(t, server.host)
  await store.commit([putRule('a')], 'anna')
  const set = await store.load()
  const observed = await observe(store)
  await observed.until('up', isUp)
  await server.kill()
  await observed.until('down', isDown)
  t.match(observed.states.at(-1)?.reason, new RegExp(`^${server.host}: .+`))
  await everyCallRejects(t, store)
  const noticed = observed.notices.length
  await server.restart()
  await observed.until('up again', isUp)
  await observed.until('a notice, as something may have been missed', ({ notices }) => notices.length > noticed)
  t.same(await store.load(), set)
  const commit = await store.commit([putRule('b')], 'anna')
  await observed.until('the commit', ({ commits }) => commits().length === 1)
  t.same(observed.commits(), [commit])
})

t.test('what was committed while a store was cut off is told when it is back', { buffered: true }, async t => {
  const server = await startEtcd(t)
  const proxy = await startTcpProxy(t, server.port)
  const [store, other] = [open(t, `127.0.0.1:${proxy.port}`), open(t, server.host)]
  await other.commit([putRule('a')], 'anna')
  const observed = await observe(store)
  await observed.until('up', isUp)
  proxy.silence()
  await observed.until('down', isDown, limitMs)
  const made = [await other.commit([putRule('b')], 'anna'), await other.commit([putRule('c')], 'anna')]
  proxy.release()
  await observed.until('both commits', ({ commits }) => commits().length === 2)
  t.same(observed.commits(), made)
})

t.test('what was compacted away meanwhile is a notice that something was missed', { buffered: true }, async t => {
  const server = await startEtcd(t)
  const proxy = await startTcpProxy(t, server.port)
  const [store, other] = [open(t, `127.0.0.1:${proxy.port}`), open(t, server.host)]
  const first = await other.commit([putRule('a')], 'anna')
  const observed = await observe(store)
  await observed.until('up', isUp)
  proxy.cut()
  proxy.silence()
  await observed.until('down', isDown)
  const made = [await other.commit([putRule('b')], 'anna'), await other.commit([putRule('c')], 'anna')]
  const { header } = (await server.call('/v3/kv/range', { key: 'YQ==' })) as { header: { revision: string } }
  await server.call('/v3/kv/compaction', { revision: header.revision })
  const noticed = observed.notices.length
  proxy.release()
  // One for the return, one for the gap.
  await observed.until('two notices', ({ notices }) => notices.length === noticed + 2)
  t.same(observed.commits(), [])
  t.same(await store.commitsSince(1, first.at), made)
  const next = await other.commit([putRule('d')], 'anna')
  await observed.until('the next commit', ({ commits }) => commits().length === 1)
  t.same(observed.commits(), [next])
})

t.test('a server that falls silent is noticed within 5 seconds, and a commit is never made twice', { buffered: true }, async t => {
  const server = await startEtcd(t)
  const store = open(t, server.host)
  await store.commit([putRule('a')], 'anna')
  const observed = await observe(store)
  await observed.until('up', isUp)
  server.pause()
  t.teardown(() => server.resume())
  await everyCallRejects(t, store)
  await observed.until('down', isDown, limitMs)
  server.resume()
  await observed.until('up again', isUp)
  const { revision } = await store.load()
  t.ok(revision <= 2, 'the commit with the lost answer was made once or not at all')
  t.equal((await store.commit([putRule('b')], 'anna')).revision, revision + 1)
})

t.test('a server that came back empty is followed from where it is now', { buffered: true }, async t => {
  const server = await startEtcd(t)
  const store = open(t, server.host)
  for (const id of ['a', 'b', 'c']) await store.commit([putRule(id)], 'anna')
  const before = await store.load()
  const observed = await observe(store)
  await observed.until('up', isUp)
  await server.restart({ wipe: true })
  await observed.until('up again', observed => isUp(observed) && observed.states.length > 2)
  t.same(await store.position(), { epoch: undefined, revision: 0, head: undefined })
  const noticed = observed.notices.length
  t.equal((await store.reseed(before, 'anna')).revision, 4)
  await observed.until('a notice', ({ notices }) => notices.length > noticed)
  const next = await store.commit([putRule('d')], 'anna')
  await observed.until('the next commit', ({ commits }) => commits().some(({ revision }) => revision === next.revision))
})

t.test('of several servers one that answers is enough, at any time', { buffered: true }, async t => {
  const server = await startEtcd(t)
  const [one, two] = [await startTcpProxy(t, server.port), await startTcpProxy(t, server.port)]
  const store = open(t, `127.0.0.1:1,127.0.0.1:${one.port},127.0.0.1:${two.port}`)
  await store.commit([putRule('a')], 'anna')
  const observed = await observe(store)
  await observed.until('up', isUp)
  one.silence()
  const begin = performance.now()
  t.match(await store.position(), { revision: 1 })
  t.ok(performance.now() - begin < 1_000)
  const commit = await store.commit([putRule('b')], 'anna')
  await observed.until('the commit', ({ commits }) => commits().length === 1, limitMs)
  t.same(observed.commits(), [commit])
})

t.test('opened while the server is away, it begins by itself when the server is there', { buffered: true }, async t => {
  const server = await startEtcd(t)
  await server.kill()
  const store = open(t, server.host)
  await rejectsWithinASecond(t, 'load', () => store.load())
  await t.rejects(store.load(), { cause: { message: new RegExp(`^${server.host}: .*ECONNREFUSED`) } }, 'with the reason')
  const observed = await observe(store)
  t.same(observed.notices, [])
  t.ok(isDown(observed))
  await server.restart()
  await observed.until('up', isUp)
  await observed.until('a notice', ({ notices }) => notices.length > 0)
  t.same((await store.load()).items, [])
})

t.test('with users, the right password is needed, and is in no message', { buffered: true }, async t => {
  const server = await startEtcd(t)
  await server.call('/v3/auth/user/add', { name: 'root', password: 'right@horse' })
  await server.call('/v3/auth/user/grant', { user: 'root', role: 'root' }).catch(() => {})
  await server.call('/v3/auth/role/add', { name: 'root' })
  await server.call('/v3/auth/user/grant', { user: 'root', role: 'root' })
  await server.call('/v3/auth/enable', {})
  const right = open(t, server.host, 'root:right%40horse@')
  const observed = await observe(right)
  await observed.until('up', isUp)
  const commit = await right.commit([putRule('a')], 'anna')
  await observed.until('the commit', ({ commits }) => commits().length === 1)
  t.same(await right.commitsSince(0), [commit])
  // A token is worth nothing after a restart.
  await server.restart()
  await observed.until('up again', observed => isUp(observed) && observed.states.length > 2)
  t.equal((await right.load()).items.length, 1)

  const wrong = open(t, server.host, 'root:hunter2@')
  const refused = await observe(wrong)
  await refused.until('down', isDown)
  const error = await wrong.commit([putRule('secret-rule')], 'anna').catch(error => error)
  t.type(error, StoreUnavailableError)
  t.match(refused.states.at(-1)?.reason, /authentication failed/)
  for (const text of [inspect(error, { depth: 9, showHidden: true }), JSON.stringify(refused.states)]) {
    t.notMatch(text, /hunter2/)
    t.notMatch(text, /secret-rule/)
  }
})
