import { once } from 'node:events'
import t from 'tap'
import { LiveConfig } from '../../src/control/live-config.ts'
import { parseItem } from '../../src/control/parse-item.ts'
import type { Change, Commit, ConfigSet } from '../../src/core/change.ts'
import type { Store, WritableStore } from '../../src/core/store.ts'
import { StoreUnavailableError } from '../../src/errors.ts'
import { createMemoryBacking, createMemoryStore } from '../../src/stores/memory-store.ts'

const put = (id: string, path = `/${id}`): Change => ({ op: 'put', kind: 'forward_rule', id, item: { path, respond: {} } })
const ids = (live: LiveConfig) => live.state?.list('forward_rule').map(item => item.id)

interface Breakable extends Store {
  readonly broken: { notices: boolean; log: boolean; load: boolean }
  readonly calls: { load: number; commitsSince: number }
}

/** A store whose notices, log and loads a test can break, and whose reads it can count. */
function breakable(store: WritableStore): Breakable {
  const broken = { notices: false, log: false, load: false }
  const calls = { load: 0, commitsSince: 0 }
  return {
    name: 'memory',
    broken,
    calls,
    async load() {
      calls.load++
      if (broken.load) throw new StoreUnavailableError()
      return store.load()
    },
    async commitsSince(revision) {
      calls.commitsSince++
      return broken.log ? undefined : store.commitsSince(revision)
    },
    watch: (onNotice, onState) => store.watch(commit => void (broken.notices || onNotice(commit)), onState),
    close: () => store.close()
  }
}

async function follow(t: { teardown(f: () => unknown): void }, store: Store): Promise<LiveConfig> {
  const live = new LiveConfig({ store, parse: parseItem, retryMs: 5 })
  t.teardown(() => live.close())
  await live.start()
  return live
}

t.test('a notice with the next commit is applied without reading the store', async t => {
  const backing = createMemoryBacking()
  const writer = createMemoryStore(backing)
  const store = breakable(createMemoryStore(backing))
  const live = await follow(t, store)
  const before = { ...store.calls }
  const applied = once(live, 'applied')
  await writer.commit([put('a')], 'test')
  await applied
  t.same(ids(live), ['a'])
  t.same(store.calls, before)
})

t.test('lost notices are made up for from the log at the next one', async t => {
  const backing = createMemoryBacking()
  const writer = createMemoryStore(backing)
  const store = breakable(createMemoryStore(backing))
  const live = await follow(t, store)
  store.broken.notices = true
  await writer.commit([put('a')], 'test')
  await writer.commit([put('b')], 'test')
  store.broken.notices = false
  const loads = store.calls.load
  await writer.commit([put('c')], 'test')
  t.ok(await live.reached(3, 1000))
  t.same(ids(live), ['a', 'b', 'c'])
  t.equal(store.calls.load, loads, 'the log was enough')
})

t.test('a log that is too short is made up for by loading everything', async t => {
  const backing = createMemoryBacking(2)
  const writer = createMemoryStore(backing)
  const store = breakable(createMemoryStore(backing))
  const live = await follow(t, store)
  await writer.commit([put('gone')], 'test')
  t.ok(await live.reached(1, 1000))
  store.broken.notices = true
  await writer.commit([{ op: 'delete', kind: 'forward_rule', id: 'gone' }], 'test')
  for (const id of ['a', 'b', 'c']) await writer.commit([put(id)], 'test')
  store.broken.notices = false
  await live.catchUp()
  t.same(ids(live), ['a', 'b', 'c'])
  t.equal(live.state?.revision, 5)
})

t.test('a notice that comes twice or late changes nothing', async t => {
  const backing = createMemoryBacking()
  const writer = createMemoryStore(backing)
  const live = await follow(t, createMemoryStore(backing))
  const first = await writer.commit([put('a', '/old')], 'test')
  await writer.commit([put('a', '/new')], 'test')
  t.ok(await live.reached(2, 1000))
  const { state } = live
  live.receive(first)
  t.equal(live.state, state)
})

t.test('while the store cannot be read nothing is live; it is as soon as it can', async t => {
  const backing = createMemoryBacking()
  await createMemoryStore(backing).commit([put('a')], 'test')
  const store = breakable(createMemoryStore(backing))
  store.broken.load = true
  const live = new LiveConfig({ store, parse: parseItem, retryMs: 5 })
  t.teardown(() => live.close())
  const trouble = once(live, 'trouble')
  await live.start()
  await trouble
  t.equal(live.snapshot, undefined)
  const applied = once(live, 'applied')
  store.broken.load = false
  await applied
  t.same(ids(live), ['a'])
})

t.test('a store that lost its data deletes nothing', async t => {
  const full: ConfigSet = { revision: 3, epoch: 'one', items: [{ kind: 'forward_rule', id: 'a', item: { respond: {} }, seq: 1 }] }
  let set = full
  const store: Store = {
    name: 'redis',
    load: async () => set,
    commitsSince: async () => undefined,
    watch: async () => {},
    close: async () => {}
  }
  const live = await follow(t, store)
  set = { revision: 0, epoch: 'two', items: [] }
  const told = once(live, 'store')
  await live.catchUp()
  t.match(await told, [{ reason: /lost its data/ }])
  t.same(ids(live), ['a'])
  set = { revision: 1, epoch: 'two', items: [{ kind: 'forward_rule', id: 'b', item: { respond: {} }, seq: 1 }] }
  await live.catchUp()
  t.same(ids(live), ['b'], 'a new life with content is followed')
})

t.test('changes made while everything is loaded are not lost', async t => {
  const backing = createMemoryBacking()
  const writer = createMemoryStore(backing)
  await writer.commit([put('a')], 'test')
  const inner = createMemoryStore(backing)
  const store: Store = {
    name: 'memory',
    // The answer is on its way when the next commit is made.
    async load() {
      const set = await inner.load()
      await writer.commit([put('b')], 'test')
      return set
    },
    commitsSince: revision => inner.commitsSince(revision),
    watch: (onNotice, onState) => inner.watch(onNotice, onState),
    close: () => inner.close()
  }
  const live = await follow(t, store)
  t.ok(await live.reached(2, 1000))
  t.same(ids(live), ['a', 'b'])
})

t.test('reached says false when the revision does not come in time', async t => {
  const live = await follow(t, createMemoryStore())
  t.equal(await live.reached(99, 10), false)
})

t.test('a closed follower applies nothing more', async t => {
  const live = await follow(t, createMemoryStore())
  live.close()
  live.receive({ revision: 1, at: '', by: '', changes: [] } satisfies Commit)
  t.equal(live.state?.revision, 0)
})
