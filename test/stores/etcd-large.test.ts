/** Commits to the etcd store that do not fit into one transaction, which has 128 steps and 1.5 MiB at most. */
import t, { type Test } from 'tap'
import { EtcdClient } from '../../src/etcd/etcd-client.ts'
import { EtcdKv } from '../../src/etcd/etcd-kv.ts'
import { openEtcdStore } from '../../src/stores/etcd-store.ts'
import { startEtcd } from '../helpers/etcd.ts'
import { deleteRule, putRule } from './changes.ts'
import { observe } from './observe.ts'

const server = await startEtcd(t)

function open(t: Test, namespace: string, options: object = {}): ReturnType<typeof openEtcdStore> {
  const store = openEtcdStore({ url: `etcd://${server.host}/test`, namespace, ...options })
  t.teardown(() => store.close())
  return store
}

const many = (count: number, fields: object = {}) => Array.from({ length: count }, (_, index) => putRule(`r${index}`, fields))
const large = (count: number, fill = 'x') => many(count, { description: fill.repeat(900_000) })

t.test('a commit of many changes is one revision for every reader', async t => {
  const [writer, other] = [open(t, 'many'), open(t, 'many')]
  await writer.commit([putRule('r0'), putRule('gone')], 'anna')
  const { head } = await other.load()
  const observed = await observe(other)
  await observed.until('up', ({ notices }) => notices.length === 1)
  const commit = await writer.commit([...many(500, { priority: 1 }), deleteRule('gone')], 'anna')
  t.equal(commit.revision, 2)
  await observed.until('a notice', ({ notices }) => notices.length > 1)
  t.same(await other.commitsSince(1, head), [commit])
  const set = await other.load()
  t.same([set.revision, set.items.length], [2, 500])
  t.equal(new Set(set.items.map(({ seq }) => seq)).size, 500)
  const [told] = await other.history({ limit: 1 })
  t.match(told?.changes[0], { id: 'r0', previous: { item: { path: '/r0' }, seq: 1 } })
  t.match(told?.changes.at(-1), { op: 'delete', id: 'gone', previous: { seq: 2 } })
  t.same(await server.keys('/test/@many/forward_rule/gone'), [])
  t.equal((await server.keys('/test/@many/forward_rule/')).length, 500, 'and all of it is in its place')
  t.notMatch(await server.get('/test/@many/head'), /pending/)
})

t.test('a commit of many bytes too; the largest are not kept in the log, and the others make room for each other', async t => {
  const store = open(t, 'bytes', { largeLogMiB: 8 })
  const first = await store.commit(large(2), 'anna')
  t.same(await store.commitsSince(0), [first])
  t.equal((await store.load()).items.length, 2)
  await store.commit(large(3, 'y'), 'anna')
  t.equal(await store.commitsSince(1, first.at), undefined)
  const set = await store.load()
  t.same([set.revision, set.items.length], [2, 3])
  t.match(await store.position(), { revision: 2, head: set.head })
  t.same(
    (await store.history({ limit: 10 })).map(({ revision }) => revision),
    [1],
    'a gap where it is not known whole'
  )
  t.equal((await server.keys('/test/@bytes/blob/0000000000000002')).length, 0)
  for (let index = 0; index < 6; index += 1) await store.commit([putRule(`new-${index}`, { description: 'x'.repeat(900_000) })], 'anna')
  t.ok((await server.keys('/test/@bytes/blob/')).length <= 8)
  t.equal((await store.commitsSince(7))?.length, 1)
})

t.test('while a large commit is put in place, and when its writer dies on the way, everybody sees all of it', async t => {
  const [writer, reader] = [open(t, 'crash'), open(t, 'crash')]
  await writer.commit([putRule('r0'), putRule('gone')], 'anna')
  const commit = await writer.commit([...many(100, { priority: 1 }), deleteRule('gone')], 'anna')
  const after = await reader.load()
  // As the writer leaves it when it dies right after the switch: the head points to the blob, a part of the items is in place.
  const blob = (await server.keys('/test/@crash/blob/'))[0]!.split('/').slice(4, 6).join('/')
  const head = JSON.parse(await server.get('/test/@crash/head'))
  const pending = { ...head, pending: { blob, replace: false, drop: false } }
  for (let index = 50; index < 100; index += 1) await server.del(`/test/@crash/forward_rule/r${index}`)
  await server.put('/test/@crash/forward_rule/gone', '{}')
  await server.put('/test/@crash/head', JSON.stringify(pending))
  const sorted = (items: typeof after.items) => [...items].sort((a, b) => a.seq - b.seq)
  const seen = await reader.load()
  t.same({ ...seen, items: sorted(seen.items) }, { ...after, items: sorted(after.items) })
  t.same(await reader.commitsSince(1), [commit])
  t.match(await reader.position(), { revision: 2 })
  const next = await reader.commit([putRule('next')], 'bert', { revision: 2 })
  t.equal(next.revision, 3)
  t.equal((await server.keys('/test/@crash/forward_rule/')).length, 101)
  t.same(await server.keys('/test/@crash/forward_rule/gone'), [])
})

t.test('a blob that is gone stops nobody', async t => {
  const store = open(t, 'gone')
  await store.commit([putRule('a')], 'anna')
  const head = JSON.parse(await server.get('/test/@gone/head'))
  await server.put('/test/@gone/head', JSON.stringify({ ...head, pending: { blob: '0/lost', replace: true, drop: true } }))
  t.equal((await store.load()).items.length, 1)
  t.equal((await store.commit([putRule('b')], 'anna')).revision, 2)
  t.equal((await store.load()).items.length, 2)
})

t.test('of large commits at the same time each is made once', async t => {
  const stores = [open(t, 'race'), open(t, 'race'), open(t, 'race')]
  const commits = await Promise.all(
    stores.map((store, from) =>
      store.commit(
        Array.from({ length: 100 }, (_, index) => putRule(`r${from}-${index}`)),
        'anna'
      )
    )
  )
  t.same(commits.map(({ revision }) => revision).sort(), [1, 2, 3])
  for (const store of stores) t.equal((await store.load()).items.length, 300)
  t.equal((await stores[0]!.commitsSince(0))?.length, 3)
})

t.test('a whole configuration can be given back', async t => {
  const [lost, store] = [open(t, 'reseed-from'), open(t, 'reseed-to')]
  await lost.commit(many(300), 'anna')
  const set = await lost.load()
  await store.commit([putRule('other'), ...large(2)], 'somebody')
  const commit = await store.reseed(set, 'anna')
  t.equal(commit.revision, 2)
  const { items, ...after } = await store.load()
  t.same(after, { revision: 2, epoch: set.epoch, head: commit.at })
  t.same(new Map(items.map(item => [item.id, item])), new Map(set.items.map(item => [item.id, item])))
  t.equal((await server.keys('/test/@reseed-to/forward_rule/')).length, 300)
  t.equal((await server.keys('/test/@reseed-to/blob/')).length, 0)
})

t.test('pages are read at one revision', async t => {
  const client = new EtcdClient({ endpoints: [`http://${server.host}`], username: '', password: '' })
  t.teardown(() => client.close())
  for (let index = 0; index < 5; index += 1) await server.put(`/pages/${index}`, String(index))
  const found: string[] = []
  const kv = new EtcdKv(client)
  const [entry] = await kv.range({ from: '/pages/4', to: '/pages/5' })
  for await (const page of kv.pages({ from: '/pages/', to: '/pages0' }, { limit: 2, at: entry!.modRevision })) {
    found.push(...page.map(({ value }) => value.toString()))
    await server.put('/pages/4', 'later')
  }
  t.same(found, ['0', '1', '2', '3', '4'])
})
