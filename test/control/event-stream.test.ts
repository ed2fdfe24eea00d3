import { once } from 'node:events'
import t from 'tap'
import { EventFeed } from '../../src/control/event-feed.ts'
import { EventStream, type EventStreamOptions } from '../../src/control/event-stream.ts'
import { History } from '../../src/control/history.ts'
import { LiveConfig } from '../../src/control/live-config.ts'
import { parseItem } from '../../src/control/parse-item.ts'
import type { Change } from '../../src/core/change.ts'
import type { StoreState } from '../../src/core/store.ts'
import { createMemoryBacking, createMemoryStore } from '../../src/stores/memory-store.ts'

interface Event {
  readonly event: string
  readonly id: number | undefined
  // biome-ignore lint/suspicious/noExplicitAny: tests look into data of every shape
  readonly data: any
}

const put = (id: string, item: object = { path: `/${id}`, respond: {} }): Change => ({ op: 'put', kind: 'forward_rule', id, item })

/** A reader as the living standard says. */
function parse(text: string): Event[] {
  return text
    .split('\n\n')
    .map(block => Object.fromEntries(block.split('\n').map(line => /^(\w*): ?(.*)$/.exec(line)?.slice(1) ?? ['', ''])))
    .filter(fields => fields.data !== undefined)
    .map(({ event, id, data }) => ({ event, id: id === undefined ? undefined : Number(id), data: JSON.parse(data) }))
}

async function open(t: { teardown(f: () => unknown): void }, logLength?: number) {
  const backing = createMemoryBacking(logLength)
  const store = createMemoryStore(backing)
  let setState: (state: StoreState) => void = () => {}
  const watched: typeof store = Object.assign(Object.create(store), {
    name: 'memory',
    load: () => store.load(),
    position: () => store.position(),
    commitsSince: (...args: Parameters<typeof store.commitsSince>) => store.commitsSince(...args),
    watch: (onNotice: Parameters<typeof store.watch>[0], onState: (state: StoreState) => void) => {
      setState = onState
      return store.watch(onNotice, onState)
    }
  })
  const live = new LiveConfig({ store: watched, parse: parseItem })
  t.teardown(() => live.close())
  await live.start()
  const feed = new EventFeed(live)
  const history = new History(store)
  const read = (options: Partial<EventStreamOptions> = {}) => {
    const stream = new EventStream({ feed, live, history, ...options })
    t.teardown(() => stream.destroy())
    let text = ''
    stream.setEncoding('utf8').on('data', chunk => {
      text += chunk
    })
    const until = async (count: number): Promise<Event[]> => {
      while (parse(text).length < count) await once(stream, 'data')
      return parse(text)
    }
    return { stream, until, text: () => text }
  }
  const commit = async (...changes: Change[]) => {
    const { revision } = await store.commit(changes, 'ci')
    await live.reached(revision, 5000)
  }
  return { live, feed, history, store, read, commit, setState: (state: StoreState) => setState(state) }
}

t.test('a commit is told with who, when and what it did to each item', async t => {
  const { read, commit } = await open(t)
  const { until, text } = read()
  await commit(put('a'))
  await commit(put('a', { path: '/a', respond: { status: 201 } }), put('b'))
  await commit({ op: 'delete', kind: 'forward_rule', id: 'a' })
  const events = await until(3)
  t.match(events, [
    { event: 'commit', id: 1, data: { revision: 1, by: 'ci', at: /^20/, source: 'store', total: 1 } },
    { event: 'commit', id: 2, data: { total: 2 } },
    { event: 'commit', id: 3 }
  ])
  t.same(
    events.map(({ data }) => data.changes.map(({ op, id }: { op: string; id: string }) => `${op} ${id}`)),
    [['create a'], ['update a', 'create b'], ['delete a']]
  )
  t.match(text(), /^retry: 1000\nid: 0\n\n/, 'a new reader knows where it stands')
})

t.test('a large commit names a thousand of its items and how many there are', async t => {
  const { read, commit } = await open(t)
  const { until } = read()
  await commit(...Array.from({ length: 1200 }, (_, at) => put(`r${at}`)))
  const [{ data }] = (await until(1)) as [Event]
  t.equal(data.total, 1200)
  t.equal(data.changes.length, 1000)
})

t.test('a reader that comes back is told what it missed, each commit once and in order', async t => {
  const { read, commit } = await open(t)
  for (const id of ['a', 'b', 'c']) await commit(put(id))
  const { until } = read({ after: 1 })
  const late = commit(put('d'))
  t.same(
    (await until(3)).map(({ event, id }) => [event, id]),
    [
      ['commit', 2],
      ['commit', 3],
      ['commit', 4]
    ]
  )
  await late
})

t.test('what was missed may be more than a slow reader is allowed to let wait', async t => {
  const { read, commit } = await open(t)
  for (let at = 0; at < 300; at++) await commit(put(`r${at}`))
  const { until, stream } = read({ after: 0, maxBytes: 80_000 })
  const events = await until(300)
  t.equal(events.at(-1)?.id, 300)
  t.notOk(stream.destroyed)
})

t.test('where the history does not reach, or of another past, a reader is told to read anew', async t => {
  const { read, commit } = await open(t, 2)
  for (const id of ['a', 'b', 'c', 'd']) await commit(put(id))
  t.match(await read({ after: 1 }).until(1), [{ event: 'resync', id: 4, data: { revision: 4, source: 'store' } }])
  t.match(await read({ after: 900 }).until(1), [{ event: 'resync', id: 4 }])
})

t.test('everything loaded at once is a resync', async t => {
  const { read, live, store } = await open(t)
  const { until } = read()
  live.close()
  await store.commit([put('a')], 'ci')
  await live.reload()
  t.match(await until(1), [{ event: 'resync', id: 1 }])
})

t.test('items that go into quarantine and come out of it are told', async t => {
  const { read, commit } = await open(t)
  const { until } = read()
  await commit(put('a', { path: '/a', respond: {}, wieght: 1 }))
  await commit(put('other'))
  await commit(put('a'))
  const told = (await until(5)).filter(({ event }) => event === 'quarantine')
  t.match(told, [
    { id: undefined, data: { revision: 1, total: 1, items: [{ kind: 'forward_rule', id: 'a', code: 'validation_failed' }], released: [] } },
    { data: { revision: 3, total: 0, items: [], released: [{ kind: 'forward_rule', id: 'a' }] } }
  ])
  t.equal(told.length, 2, 'once')
})

t.test('the store going away and coming back is told', async t => {
  const { read, setState, live } = await open(t)
  const { until } = read()
  setState({ up: false, reason: 'connection refused' })
  setState({ up: true })
  live.emit('estranged', 'lost')
  live.emit('estranged', undefined)
  const statuses = (await until(4)).map(({ event, data }) => [event, data.status, data.reason])
  t.same(statuses, [
    ['store', 'DOWN', 'connection refused'],
    ['store', 'UP', undefined],
    ['store', 'ESTRANGED', 'lost'],
    ['store', 'UP', undefined]
  ])
})

t.test('a comment keeps the connection alive', async t => {
  const { read } = await open(t)
  const { stream, text } = read({ beatMs: 2 })
  while (!text().includes('\n\n:\n\n:\n\n')) await once(stream, 'data')
  t.same(parse(text()), [])
})

t.test('a reader that does not read is cut off, and the others go on', async t => {
  const { feed, live, history, read } = await open(t)
  const { until } = read()
  const stuck = new EventStream({ feed, live, history, maxBytes: 1000 })
  const closed = once(stuck, 'close')
  for (let at = 0; at < 20; at++) feed.publish({ event: 'test', data: { text: 'x'.repeat(100) } })
  await closed
  t.ok(stuck.destroyed)
  t.equal(feed.readers, 1)
  t.equal((await until(20)).length, 20)
})

t.test('a reader that is stopped hears what was said, and is forgotten', async t => {
  const { feed, read } = await open(t)
  const { stream, text } = read()
  feed.publish({ event: 'test', data: {} })
  stream.stop()
  await once(stream, 'end')
  t.match(parse(text()), [{ event: 'test' }])
  t.equal(feed.readers, 0)
  feed.publish({ event: 'test', data: {} })
  t.equal(parse(text()).length, 1)
})
