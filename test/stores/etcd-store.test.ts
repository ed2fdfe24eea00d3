import { randomUUID } from 'node:crypto'
import t, { type Test } from 'tap'
import { openEtcdStore } from '../../src/stores/etcd-store.ts'
import { startEtcd } from '../helpers/etcd.ts'
import { putRule } from './changes.ts'
import { storeContract } from './contract.ts'
import { observe } from './observe.ts'

const server = await startEtcd(t)

storeContract('etcd', () => {
  const namespace = randomUUID()
  return () => openEtcdStore({ url: `etcd://${server.host}`, namespace, logLength: 10 })
})

function open(t: Test, namespace: string): ReturnType<typeof openEtcdStore> {
  const store = openEtcdStore({ url: `etcd://${server.host}/test`, namespace })
  t.teardown(() => store.close())
  return store
}

t.test('people and tools can read what is stored, under the prefix of the URL', async t => {
  const store = openEtcdStore({ url: `etcd://${server.host}/gate/way`, namespace: 'default' })
  t.teardown(() => store.close())
  await store.commit([putRule('a'), { op: 'put', kind: 'service', id: 's', item: { id: 's' } }], 'anna')
  t.same(await server.keys('/gate/way/'), [
    '/gate/way/age/forward_rule/a',
    '/gate/way/age/service/s',
    '/gate/way/forward_rule/a',
    '/gate/way/head',
    '/gate/way/log/0000000000000001',
    '/gate/way/service/s'
  ])
  const value = async (key: string) => server.get(`/gate/way/${key}`)
  t.same(JSON.parse(await value('forward_rule/a')), { id: 'a', path: '/a', target: 'http://127.0.0.1:9' })
  t.match(JSON.parse(await value('head')), { revision: 1, seq: 2, epoch: /.{8,}/, at: /Z$/ })
  t.match(JSON.parse(await value('log/0000000000000001')), { revision: 1, by: 'anna' })
})

t.test('looking at an empty namespace leaves nothing there', async t => {
  const store = open(t, 'empty')
  t.same(await store.load(), { revision: 0, epoch: '', items: [] })
  t.same(await store.position(), { revision: 0, epoch: undefined, head: undefined })
  t.same(await store.commitsSince(0), [])
  t.same(await store.history({ limit: 10 }), [])
  t.same(await store.instances(), [])
  await observe(store)
  t.same(await server.keys('/test/@empty'), [])
})

t.test('namespaces do not see each other', async t => {
  const [one, other] = [open(t, 'ns-1'), open(t, 'default')]
  await one.commit([putRule('a')], 'anna')
  t.same((await other.load()).items, [])
  await other.commit([putRule('b')], 'anna')
  t.same(
    (await one.load()).items.map(({ id }) => id),
    ['a']
  )
})

t.test('a value that cannot be read is a fault of that item alone', async t => {
  const store = open(t, 'poison')
  await store.commit([putRule('good')], 'anna')
  const rule = (id: string) => `/test/@poison/forward_rule/${id}`
  await server.put(rule('text'), 'password=hunter2')
  await server.put(rule('deep'), '['.repeat(50_000) + ']'.repeat(50_000))
  await server.put(rule('proto'), '{"__proto__":{"admin":true}}')
  await server.put('/test/@poison/age/forward_rule/proto', 'NaN')
  await server.put('/test/@poison/unknown/x', 'x')
  const byId = new Map((await store.load()).items.map(item => [item.id, item]))
  t.equal(byId.size, 4)
  t.match(byId.get('good'), { fault: undefined, item: { path: '/good' } })
  t.strictSame(byId.get('text'), { kind: 'forward_rule', id: 'text', item: undefined, fault: 'is not JSON', seq: 0 })
  t.match(byId.get('deep'), { item: undefined, fault: /nested deeper than 64 levels/, seq: 0 })
  t.equal((byId.get('proto')!.item as { admin?: boolean }).admin, undefined, 'a key of the text is no prototype')
})

t.test('a head that is none is a failure, never an empty store', async t => {
  const store = open(t, 'head')
  await store.commit([putRule('a')], 'anna')
  await server.put('/test/@head/head', '{"revision":1}')
  const calls: (() => Promise<unknown>)[] = [() => store.load(), () => store.position(), () => store.commit([putRule('b')], 'anna')]
  for (const call of calls) {
    await t.rejects(call, { code: 'STORE_UNAVAILABLE', cause: { message: /@head\/head holds something else/ } })
  }
})

t.test('lost data are another epoch, never a change', async t => {
  const [store, newcomer] = [open(t, 'lost'), open(t, 'lost')]
  const first = await store.commit([putRule('a')], 'anna')
  const second = await store.commit([putRule('b')], 'anna')
  const before = await store.load()
  const observed = await observe(store)
  await observed.until('up', ({ notices }) => notices.length === 1)
  await server.del('/test/@lost/')
  await observed.until('a notice of the loss', ({ notices }) => notices.length === 2)
  t.same(await store.position(), { revision: 0, epoch: undefined, head: undefined })
  for (const id of ['x', 'y']) await newcomer.commit([putRule(id)], 'bert')
  await observed.until('two more notices', ({ notices }) => notices.length === 4)
  t.same(observed.commits(), [], 'a commit of another life is not passed on as the next one')
  t.equal(await store.commitsSince(first.revision, first.at), undefined)
  t.equal(await store.commitsSince(second.revision), undefined, 'although the revision is the same')
  await t.rejects(store.commit([putRule('c')], 'anna', { revision: 2 }), { name: 'PreconditionError' })
  t.not((await store.load()).epoch, before.epoch)
  t.equal((await store.commit([putRule('c')], 'anna', { revision: 2 })).revision, 3)
})

t.test('the log keeps as many commits as it is to', async t => {
  const store = openEtcdStore({ url: `etcd://${server.host}/test`, namespace: 'log', logLength: 3 })
  t.teardown(() => store.close())
  for (let index = 0; index < 8; index += 1) await store.commit([putRule('a')], 'anna')
  t.same(
    (await store.history({ limit: 10 })).map(({ revision }) => revision),
    [8, 7, 6]
  )
  t.equal((await store.commitsSince(5))?.length, 3)
  t.equal(await store.commitsSince(4), undefined)
})

t.test('options that are not valid are one clear line without the password', async t => {
  for (const url of ['etcd://:hunter2@host:port', 'etcd://root:hunter2@', 'http://:hunter2@localhost', 'etcd:hunter2']) {
    t.throws(() => openEtcdStore({ url, namespace: 'n' }), { message: /^(?!.*hunter2)[^\n]{20,160}$/ })
  }
})
