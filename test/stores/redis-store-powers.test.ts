/** What the Redis store does beyond the contract: lost data, history, instances. */
import { Redis } from 'ioredis'
import t, { type Test } from 'tap'
import { openRedisStore } from '../../src/stores/redis-store.ts'
import { startRedis } from '../helpers/redis.ts'
import { putRule } from './changes.ts'

const server = await startRedis(t)
const admin = new Redis(server.url)
t.teardown(() => admin.disconnect())

function open(t: Test, namespace: string): ReturnType<typeof openRedisStore> {
  const store = openRedisStore({ url: server.url, namespace })
  t.teardown(() => store.close())
  return store
}

t.test('looking at an empty namespace leaves nothing there', async t => {
  const store = open(t, 'empty')
  t.same(await store.load(), { revision: 0, epoch: '', items: [] })
  t.same(await store.position(), { revision: 0, epoch: undefined, head: undefined })
  t.same(await store.commitsSince(0), [])
  t.same(await store.history({ limit: 10 }), [])
  t.same(await store.instances(), [])
  t.same(await admin.keys('{sluice:empty}*'), [])
})

t.test('items put in by hand before any commit are there, without an epoch', async t => {
  const store = open(t, 'hand')
  await admin.hset('{sluice:hand}:forward_rule', 'x', '{"id":"x"}')
  t.same(await store.load(), {
    revision: 0,
    epoch: '',
    items: [{ kind: 'forward_rule', id: 'x', item: { id: 'x' }, seq: 0 }]
  })
  t.equal((await store.position()).epoch, undefined)
  t.equal((await store.commit([putRule('a')], 'anna', { revision: 0 })).revision, 1)
  t.match(await store.position(), { revision: 1, epoch: /.{8,}/ })
})

t.test('lost data are seen by the position, and no history is told of them', async t => {
  const store = open(t, 'lost')
  await store.commit([putRule('a')], 'anna')
  const set = await store.load()
  await admin.del('{sluice:lost}:epoch', '{sluice:lost}:revision')
  t.match(await store.position(), { revision: 0, epoch: undefined })
  t.equal(await store.commitsSince(0), undefined)
  t.same(await store.history({ limit: 10 }), [])
  await admin.del(await admin.keys('{sluice:lost}*'))
  t.same((await store.reseed(set, 'anna')).revision, 2)
  t.match(await store.load(), { epoch: set.epoch, items: set.items })
})

t.test('a rolled back store has another head at the same revision', async t => {
  const store = open(t, 'rollback')
  const first = await store.commit([putRule('a')], 'anna')
  const keys = ['log', 'head', 'revision'].map(name => `{sluice:rollback}:${name}`)
  const dumps = await Promise.all(keys.map(key => admin.dumpBuffer(key)))
  const mine = await store.commit([putRule('b')], 'anna')
  for (const [index, key] of keys.entries()) await admin.restore(key, 0, dumps[index]!, 'REPLACE')
  t.same(await store.position(), { revision: 1, epoch: (await store.load()).epoch, head: first.at })
  // A head is a time in milliseconds: another commit in the same one would have the same.
  await new Promise(resolve => setTimeout(resolve, 2))
  const other = await store.commit([putRule('c')], 'bert')
  t.equal(other.revision, mine.revision)
  t.equal(await store.commitsSince(mine.revision, mine.at), undefined)
  t.same(await store.commitsSince(other.revision, other.at), [])
})

t.test('the history of what was written by hand has what could be read of it', async t => {
  const store = open(t, 'history')
  await admin.hset('{sluice:history}:forward_rule', {
    text: 'no "JSON"',
    long: JSON.stringify('x'.repeat(2_000_000)),
    good: '{"id":"good"}'
  })
  await store.commit([putRule('text'), putRule('long'), putRule('good'), putRule('new')], 'anna')
  const [commit] = await store.history({ limit: 1 })
  t.same(
    commit?.changes.map(({ previous }) => previous),
    [{ item: undefined, seq: 0 }, { item: undefined, seq: 0 }, { item: { id: 'good' }, seq: 0 }, null]
  )
  await admin.incr('{sluice:history}:revision')
  await store.commit([putRule('text')], 'anna')
  const revisions = (await store.history({ limit: 10 })).map(({ revision }) => revision)
  t.same(revisions, [3, 1], 'a revision that was raised by hand is a gap')
})

t.test('history reaches on over pages of entries that are not whole', async t => {
  const store = open(t, 'gaps')
  for (let index = 1; index <= 6; index += 1) await store.commit([putRule('a')], `anna-${index}`)
  const epoch = await admin.get('{sluice:gaps}:epoch')
  for (const id of [3, 4, 5]) await admin.xdel('{sluice:gaps}:log', `${id}-0`)
  t.same(
    (await store.history({ limit: 3 })).map(({ by }) => by),
    ['anna-6', 'anna-2', 'anna-1']
  )
  await admin.xadd('{sluice:gaps}:log', '7-0', 'commit', JSON.stringify({ epoch, revision: 7, at: 'x', by: 'large' }), 'at', 'x')
  await admin.xadd('{sluice:gaps}:log', '8-0', 'something', 'else')
  t.same(
    (await store.history({ limit: 2 })).map(({ by }) => by),
    ['anna-6', 'anna-2']
  )
})

t.test('reports run out by themselves, and whatever else is there is not taken for one', async t => {
  const store = open(t, 'fleet')
  const report = { id: 'a', version: '1', revision: 1, digest: 'd', at: '2026-11-20T00:00:00Z', rejected: [] }
  await store.announce(report, 60_000)
  t.ok((await admin.pttl('{sluice:fleet}:instance:a')) > 50_000)
  await store.announce({ ...report, id: 'gone' }, 60_000)
  await admin.del('{sluice:fleet}:instance:gone')
  for (const [id, text] of Object.entries({ x: 'no JSON', y: '[]', z: '{"id":"z","rejected":[{}]}' })) {
    await admin.sadd('{sluice:fleet}:instances', id)
    await admin.set(`{sluice:fleet}:instance:${id}`, text)
  }
  t.same(await store.instances(), [report])
  t.notOk((await admin.smembers('{sluice:fleet}:instances')).includes('gone'), 'its id is forgotten')
})
