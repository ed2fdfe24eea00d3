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
    async commitsSince(revision, head) {
      calls.commitsSince++
      return broken.log ? undefined : store.commitsSince(revision, head)
    },
    async position() {
      if (broken.load) throw new StoreUnavailableError()
      return store.position()
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

/** A store that holds what a test says, and announces nothing. */
function settable(set: ConfigSet) {
  const held = { set }
  const store: Store = {
    name: 'redis',
    load: async () => held.set,
    commitsSince: async () => undefined,
    position: async () => ({ epoch: held.set.epoch === '' ? undefined : held.set.epoch, revision: held.set.revision, head: held.set.head }),
    watch: async (_onNotice, onState) => onState?.({ up: true }),
    close: async () => {}
  }
  return { held, store }
}
const setOf = (epoch: string, revision: number, head: string | undefined, ...names: string[]): ConfigSet => ({
  epoch,
  revision,
  ...(head === undefined ? {} : { head }),
  items: names.map((id, seq) => ({ kind: 'forward_rule', id, item: { path: `/${id}`, respond: {} }, seq }))
})

t.test('a store that lost its data deletes nothing, and says so', async t => {
  const { held, store } = settable(setOf('one', 3, 't3', 'a'))
  const live = await follow(t, store)
  held.set = setOf('', 0, undefined)
  const told = once(live, 'estranged')
  await live.catchUp()
  t.same(await told, ['lost'])
  t.same(ids(live), ['a'])
  held.set = setOf('one', 4, 't4', 'a', 'b')
  await live.catchUp()
  t.equal(live.estranged, undefined, 'given back, it is followed again')
  t.same(ids(live), ['a', 'b'])
})

t.test('data of another life are followed only when nothing of ours would go, or when somebody decides so', async t => {
  const { held, store } = settable(setOf('one', 3, 't3', 'a'))
  const live = await follow(t, store)
  held.set = setOf('two', 1, 'u1', 'b')
  await live.catchUp()
  t.equal(live.estranged, 'replaced')
  t.same(ids(live), ['a'])
  held.set = setOf('two', 2, 'u2', 'a', 'b')
  await live.catchUp()
  t.equal(live.estranged, undefined)
  t.same(ids(live), ['a', 'b'])
  held.set = setOf('three', 1, 'v1', 'c')
  await live.catchUp()
  t.equal(live.estranged, 'replaced')
  await live.follow()
  t.same(ids(live), ['c'])
  t.equal(live.estranged, undefined)
})

t.test('a store that went back is followed, and that is told', async t => {
  const { held, store } = settable(setOf('one', 3, 't3', 'a', 'b'))
  const live = await follow(t, store)
  held.set = setOf('one', 2, 't2', 'a')
  const told = once(live, 'went_back')
  await live.catchUp()
  t.same(await told, [{ from: 3, to: 2 }])
  t.same(ids(live), ['a'])
  held.set = setOf('one', 2, 'other', 'c')
  await live.catchUp()
  t.same(ids(live), ['c'], 'also when it went another way to the same revision')
})

t.test('a notice after the store was away is not taken before positions were compared', async t => {
  const { held, store } = settable(setOf('one', 3, 't3', 'a', 'lost'))
  let tell: (state: { up: boolean }) => void = () => {}
  const watch: Store['watch'] = async (_onNotice, onState) => {
    tell = onState ?? tell
  }
  const live = await follow(t, { ...store, watch })
  tell({ up: false })
  held.set = setOf('one', 4, 'x4', 'a', 'new')
  tell({ up: true })
  live.receive({
    revision: 4,
    at: 'x4',
    by: 'other',
    changes: [{ op: 'put', kind: 'forward_rule', id: 'new', item: { respond: {} }, seq: 9 }]
  })
  t.ok(await live.reached(4, 1000))
  t.same(ids(live), ['a', 'new'], 'the item that the store lost is gone here too')
})

t.test('without the store the last good configuration is served, until the store answers', async t => {
  const { held, store } = settable(setOf('one', 9, 't9', 'a', 'b'))
  let isUp = false
  const away: Store = {
    ...store,
    position: () => (isUp ? store.position() : Promise.reject(new StoreUnavailableError())),
    load: () => (isUp ? store.load() : Promise.reject(new StoreUnavailableError()))
  }
  const live = new LiveConfig({ store: away, parse: parseItem, retryMs: 5, fallback: { read: async () => setOf('one', 8, 't8', 'a') } })
  t.teardown(() => live.close())
  await live.start()
  t.same(ids(live), ['a'])
  t.equal(live.source, 'last_good')
  isUp = true
  t.ok(await live.reached(9, 1000))
  t.same(ids(live), ['a', 'b'])
  await live.catchUp()
  t.equal(live.source, 'store')
  t.equal(held.set.revision, 9)
})

t.test('a store that hangs is not waited for when there is a last good configuration', async t => {
  const { store } = settable(setOf('one', 9, 't9'))
  const hung: Store = { ...store, position: () => new Promise(() => {}), watch: () => new Promise(() => {}) }
  const live = new LiveConfig({ store: hung, parse: parseItem, patienceMs: 5, fallback: { read: async () => setOf('one', 8, 't8', 'a') } })
  t.teardown(() => live.close())
  await live.start()
  t.same(ids(live), ['a'])
})

t.test('an empty store does not make a restarted gateway forget what it served', async t => {
  const { store } = settable(setOf('', 0, undefined))
  const live = new LiveConfig({ store, parse: parseItem, fallback: { read: async () => setOf('one', 8, 't8', 'a') } })
  t.teardown(() => live.close())
  await live.start()
  t.same(ids(live), ['a'])
  t.equal(live.estranged, 'lost')
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
    commitsSince: (revision, head) => inner.commitsSince(revision, head),
    position: () => inner.position(),
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
