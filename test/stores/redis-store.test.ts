import { randomUUID } from 'node:crypto'
import { Redis } from 'ioredis'
import t, { type Test } from 'tap'
import { openRedisStore, type RedisStoreOptions } from '../../src/stores/redis-store.ts'
import { startRedis } from '../helpers/redis.ts'
import { putRule } from './changes.ts'
import { storeContract } from './contract.ts'
import { observe } from './observe.ts'

const server = await startRedis(t)
const admin = new Redis(server.url)
t.teardown(() => admin.disconnect())

storeContract('redis', () => {
  const namespace = randomUUID()
  return () => openRedisStore({ url: server.url, namespace, logLength: 10 })
})

function open(t: Test, namespace: string, options: Partial<RedisStoreOptions> = {}): ReturnType<typeof openRedisStore> {
  const store = openRedisStore({ url: server.url, namespace, ...options })
  t.teardown(() => store.close())
  return store
}

t.test('people and tools can read what is stored', async t => {
  const item = { id: 'a', path: '/a', priority: 3 }
  await open(t, 'read').commit(
    [
      { op: 'put', kind: 'forward_rule', id: 'a', item },
      { op: 'put', kind: 'service', id: 's', item: { id: 's' } }
    ],
    'anna'
  )
  t.equal(await admin.hget('{sluice:read}:forward_rule', 'a'), JSON.stringify(item))
  t.equal(await admin.hget('{sluice:read}:service', 's'), '{"id":"s"}')
  t.same(await admin.hgetall('{sluice:read}:meta'), { 'forward_rule/a': '1', 'service/s': '2' })
  t.equal(await admin.get('{sluice:read}:revision'), '1')
  t.match(await admin.get('{sluice:read}:head'), /^1 \d{4}-.*Z$/)
  t.match(await admin.get('{sluice:read}:epoch'), /^[0-9a-f-]{36}$/)
  const [[id, [field, text]]] = (await admin.xrange('{sluice:read}:log', '-', '+')) as [[string, [string, string]]]
  t.same([id, field], ['1-0', 'commit'])
  t.match(JSON.parse(text), {
    revision: 1,
    by: 'anna',
    changes: [
      { id: 'a', seq: 1 },
      { id: 's', seq: 2 }
    ]
  })
  t.same((await admin.keys('{sluice:read}*')).length, 8, 'and nothing else is kept')
})

t.test('namespaces do not see each other, handles of one share its epoch', async t => {
  const [one, same, other] = [open(t, 'ns-1'), open(t, 'ns-1'), open(t, 'ns-2')]
  await one.commit([putRule('a')], 'anna')
  t.equal((await one.load()).epoch, (await same.load()).epoch)
  t.same((await other.load()).items, [])
  t.equal((await other.load()).revision, 0)
})

t.test('a value that cannot be read is a fault of that item alone', async t => {
  const store = open(t, 'poison')
  await store.commit([putRule('good')], 'anna')
  await admin.hset('{sluice:poison}:forward_rule', {
    text: 'password=hunter2',
    long: JSON.stringify('x'.repeat(10_000_000)),
    deep: '['.repeat(100_000) + ']'.repeat(100_000),
    byHand: '{"id":"byHand","path":"/"}',
    proto: '{"__proto__":{"admin":true}}'
  })
  await admin.hset('{sluice:poison}:meta', 'forward_rule/proto', 'NaN')
  const byId = new Map((await store.load()).items.map(item => [item.id, item]))
  t.match(byId.get('good'), { fault: undefined, item: { path: '/good' } })
  t.strictSame(byId.get('text'), { kind: 'forward_rule', id: 'text', item: undefined, fault: 'is not JSON', seq: 0 })
  t.match(byId.get('long'), { item: undefined, fault: /longer than 1048576 bytes/, seq: 0 })
  t.match(byId.get('deep'), { item: undefined, fault: /nested deeper than 64 levels/, seq: 0 })
  t.strictSame(byId.get('byHand'), { kind: 'forward_rule', id: 'byHand', item: { id: 'byHand', path: '/' }, seq: 0 })
  const proto = byId.get('proto')?.item as { admin?: boolean }
  t.equal(proto.admin, undefined, 'a key of the text is no prototype')
  t.ok(Object.hasOwn(proto, '__proto__'))
})

t.test('an item put in by hand keeps its age when it is replaced', async t => {
  const store = open(t, 'by-hand')
  await admin.hset('{sluice:by-hand}:forward_rule', 'x', '{}')
  t.match(await store.commit([putRule('x'), putRule('y')], 'anna'), { changes: [{ seq: 0 }, { seq: 1 }] })
})

t.test('an edit by hand is found once the revision is raised', async t => {
  const store = open(t, 'edit')
  await store.commit([putRule('a')], 'anna')
  const observed = await observe(store)
  await admin.multi().hset('{sluice:edit}:forward_rule', 'b', '{"id":"b"}').incr('{sluice:edit}:revision').exec()
  const before = observed.notices.length
  await admin.publish('{sluice:edit}:notices', 'look')
  await observed.until('a notice without a commit', ({ notices }) => notices.length > before)
  t.equal(observed.notices.at(-1), undefined)
  t.equal(await store.commitsSince(1), undefined)
  t.equal((await store.load()).items.length, 2)
  t.equal((await store.commit([putRule('c')], 'anna')).revision, 3)
  t.same((await store.commitsSince(2))?.length, 1)
})

t.test('a key of a wrong kind fails the commit before anything is written', async t => {
  const store = open(t, 'types')
  await store.commit([putRule('a')], 'anna')
  const poisons: [key: string, spoil: (key: string) => Promise<unknown>, restore: (key: string) => Promise<unknown>][] = [
    ['log', key => admin.rename(key, 'kept').then(() => admin.set(key, 'x')), key => admin.rename('kept', key)],
    ['service', key => admin.set(key, 'x'), key => admin.del(key)],
    ['revision', key => admin.set(key, 'many'), key => admin.set(key, '1')],
    ['seq', key => admin.set(key, '-1'), key => admin.set(key, '1')]
  ]
  for (const [name, spoil, restore] of poisons) {
    const key = `{sluice:types}:${name}`
    await spoil(key)
    const error = await store.commit([putRule('b')], 'anna').catch(error => error)
    t.match(error, { code: 'STORE_UNAVAILABLE', cause: { message: new RegExp(`${name}`) } }, name)
    await restore(key)
    const set = await store.load()
    t.same([set.revision, set.items.map(({ id }) => id)], [1, ['a']], 'nothing was written')
  }
})

t.test('a log of another life does not stop a commit', async t => {
  const store = open(t, 'old-log')
  await admin.xadd('{sluice:old-log}:log', '500-0', 'commit', 'old')
  t.equal((await store.commit([putRule('a')], 'anna')).revision, 1)
  t.same((await store.commitsSince(0))?.length, 1)
})

const largeChanges = (count: number, fill = 'x') =>
  Array.from({ length: count }, (_, index) => putRule(`r${index}`, { description: fill.repeat(1_000_000) }))

t.test('a commit too large to publish is announced, and read from the log', async t => {
  const [writer, other] = [open(t, 'large'), open(t, 'large')]
  await other.load()
  const observed = await observe(other)
  const before = observed.notices.length
  const made = await writer.commit(largeChanges(2), 'anna')
  await observed.until('the announcement', ({ notices }) => notices.length > before)
  t.same(observed.commits(), [])
  t.same(await other.commitsSince(0), [made])
  t.match(await other.history({ limit: 1 }), [made])
})

t.test('a commit too large for the log is found by loading, and large ones make room for each other', async t => {
  const [writer, other] = [open(t, 'huge'), open(t, 'huge')]
  await other.load()
  await writer.commit(largeChanges(17), 'anna')
  t.equal(await other.commitsSince(0), undefined)
  t.equal((await other.load()).items.length, 17)
  t.same(await other.history({ limit: 10 }), [], 'what is not known whole is not told')
  for (const fill of ['a', 'b', 'c', 'd', 'e']) await writer.commit(largeChanges(7, fill), 'anna')
  t.ok((await admin.memory('USAGE', '{sluice:huge}:log', 'SAMPLES', 0))! < 64 * 1024 * 1024, 'the log stays small')
  const history = await other.history({ limit: 10 })
  t.same(history.map(({ revision }) => revision).at(0), 6)
  t.ok(history.length > 1 && history.length < 5)
})

t.test('thousands of changes are one commit', async t => {
  const store = open(t, 'thousands')
  const commit = await store.commit(
    Array.from({ length: 1_500 }, (_, index) => putRule(`r${index}`)),
    'anna'
  )
  t.equal(commit.revision, 1)
  t.equal((await store.load()).items.length, 1_500)
})

t.test('a server that has forgotten the scripts is given them again', async t => {
  const store = open(t, 'forgotten')
  await store.commit([putRule('a')], 'anna')
  await admin.script('FLUSH')
  await store.commit([putRule('b')], 'anna')
  await admin.script('FLUSH')
  t.equal((await store.load()).items.length, 2)
})

t.test('lost data are another epoch, never a change', async t => {
  const [store, newcomer] = [open(t, 'lost'), open(t, 'lost')]
  await store.commit([putRule('a')], 'anna')
  await store.commit([putRule('b')], 'anna')
  const before = await store.load()
  const observed = await observe(store)
  await admin.del(await admin.keys('{sluice:lost}:*'))
  for (const id of ['x', 'y']) await newcomer.commit([putRule(id)], 'bert')
  await observed.until('two more notices', ({ notices }) => notices.length === 3)
  t.same(observed.commits(), [], 'a commit of another life is not passed on as the next one')
  t.equal(await store.commitsSince(2), undefined, 'although the revision is the same')
  await t.rejects(store.commit([putRule('c')], 'anna', { revision: 2 }), { name: 'PreconditionError' })
  const after = await store.load()
  t.not(after.epoch, before.epoch)
  t.equal((await store.commit([putRule('c')], 'anna', { revision: 2 })).revision, 3)
})

t.test('after close the server has no connection of it left', async t => {
  const store = open(t, 'closing', { name: 'closing test' })
  await observe(store)
  const clients = async () =>
    String(await admin.client('LIST'))
      .split('\n')
      .filter(line => line.includes('name=closing-test'))
  t.equal((await clients()).length, 2)
  await store.close()
  t.same(await clients(), [])
})

t.test('options that are not valid are one clear line without the password', async t => {
  for (const url of ['redis://:hunter2@host:port', 'redis://user:hunter2@', 'http://:hunter2@localhost', 'rediss:hunter2']) {
    t.throws(() => openRedisStore({ url, namespace: 'n' }), { message: /^(?!.*hunter2).*redis/ })
  }
  for (const namespace of ['', 'a}b', 'x'.repeat(65), 'a b']) t.throws(() => openRedisStore({ url: server.url, namespace }), /namespace/)
})
