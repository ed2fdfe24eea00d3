/** Edits of the etcd store by hand: what is put with `etcdctl` is live at once, and is a commit like any other. */
import t, { type Test } from 'tap'
import { openEtcdStore } from '../../src/stores/etcd-store.ts'
import { startEtcd } from '../helpers/etcd.ts'
import { deleteRule, putRule } from './changes.ts'
import { observe } from './observe.ts'

const server = await startEtcd(t)

function open(t: Test, namespace: string): ReturnType<typeof openEtcdStore> {
  const store = openEtcdStore({ url: `etcd://${server.host}/test`, namespace })
  t.teardown(() => store.close())
  return store
}

const hand = (namespace: string) => ({
  put: (id: string, text: string) => server.put(`/test/@${namespace}/forward_rule/${id}`, text),
  del: (id: string) => server.del(`/test/@${namespace}/forward_rule/${id}`)
})

t.test('a put, a change and a delete by hand are commits, each made once', async t => {
  const stores = [open(t, 'edit'), open(t, 'edit'), open(t, 'edit')]
  const [store] = stores
  await store!.commit([putRule('a')], 'anna')
  const watching = await Promise.all(stores.map(store => observe(store)))
  const until = (count: number) =>
    Promise.all(watching.map(observed => observed.until(`commit ${count}`, ({ commits }) => commits().length === count)))
  const { put, del } = hand('edit')
  await put('new', '{"id":"new"}')
  await until(1)
  await put('a', '{"id":"a","priority":7}')
  await until(2)
  await del('a')
  await until(3)
  await put('bad', 'no JSON')
  await until(4)
  const [made] = watching.map(observed => observed.commits())
  t.match(made, [
    { revision: 2, by: 'etcd', changes: [{ op: 'put', kind: 'forward_rule', id: 'new', item: { id: 'new' }, seq: 2 }] },
    { revision: 3, by: 'etcd', changes: [{ op: 'put', id: 'a', item: { priority: 7 }, seq: 1 }] },
    { revision: 4, by: 'etcd', changes: [{ op: 'delete', id: 'a' }] },
    { revision: 5, by: 'etcd', changes: [{ op: 'put', id: 'bad', item: undefined, fault: 'is not JSON', seq: 3 }] }
  ])
  for (const observed of watching) t.same(observed.commits(), made)
  t.same(await store!.commitsSince(1), made)
  const set = await store!.load()
  t.equal(set.revision, 5, 'none was made twice')
  t.same(set.items.map(({ id, seq }) => [id, seq]).sort(), [
    ['bad', 3],
    ['new', 2]
  ])
  const previous = (await store!.history({ limit: 4 })).map(({ changes }) => changes[0]?.previous)
  t.same(previous, [
    null,
    { item: { id: 'a', priority: 7 }, seq: 1 },
    { item: { id: 'a', path: '/a', target: 'http://127.0.0.1:9' }, seq: 1 },
    null
  ])
})

t.test('what was edited while nobody watched is found when somebody does', async t => {
  const writer = open(t, 'away')
  await writer.commit([putRule('a'), putRule('b'), putRule('c')], 'anna')
  const { put, del } = hand('away')
  await put('a', '{"id":"a"}')
  await del('b')
  await put('new', '{"id":"new"}')
  const observed = await observe(open(t, 'away'))
  await observed.until('the commit', ({ commits }) => commits().length === 1)
  t.same(
    observed
      .commits()[0]
      ?.changes.map(({ op, id }) => `${op} ${id}`)
      .sort(),
    ['delete b', 'put a', 'put new']
  )
  t.equal((await writer.load()).revision, 2)
})

t.test('many edits at once are few commits, and none is lost', async t => {
  const store = open(t, 'many')
  await store.commit([putRule('a')], 'anna')
  const observed = await observe(store)
  await observed.until('up', ({ states }) => states.length === 1)
  const other = open(t, 'many')
  const { put } = hand('many')
  // Commits of the API at the same time.
  await Promise.all([
    ...Array.from({ length: 30 }, (_, index) => put(`hand-${index}`, `{"id":"hand-${index}"}`)),
    ...Array.from({ length: 10 }, (_, index) => other.commit([putRule(`api-${index}`), deleteRule(`api-${index - 1}`)], 'bert'))
  ])
  const followed = () =>
    new Set(
      observed.commits().flatMap(({ changes }) => changes.flatMap(({ op, id }) => (op === 'put' && id.startsWith('hand') ? [id] : [])))
    )
  await observed.until('all of them', () => followed().size === 30)
  const revisions = observed.commits().map(({ revision }) => revision)
  t.same(
    revisions,
    [...revisions].sort((a, b) => a - b)
  )
  t.equal(new Set(revisions).size, revisions.length)
  t.equal((await store.load()).items.length, 32)
})

t.test('in a store without an epoch edits by hand are there, and nothing is committed', async t => {
  const store = open(t, 'none')
  const observed = await observe(store)
  await observed.until('up', ({ states }) => states.length === 1)
  await hand('none').put('x', '{"id":"x"}')
  t.same(await store.load(), { revision: 0, epoch: '', items: [{ kind: 'forward_rule', id: 'x', item: { id: 'x' }, seq: 0 }] })
  const commit = await store.commit([putRule('a')], 'anna', { revision: 0 })
  t.equal(commit.revision, 1)
  t.equal((await store.load()).items.length, 2)
})

t.test('a large commit being put in place is not taken for edits by hand', async t => {
  const [store, other] = [open(t, 'large'), open(t, 'large')]
  await store.load()
  const observed = await observe(other)
  await store.commit(
    Array.from({ length: 200 }, (_, index) => putRule(`r${index}`)),
    'anna'
  )
  await hand('large').put('r7', '{"id":"r7"}')
  await observed.until('the edit', ({ commits }) => commits().length === 1)
  t.match(observed.commits(), [{ revision: 2, by: 'etcd', changes: [{ id: 'r7' }] }])
  t.equal((await store.position()).revision, 2)
})
