import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { LastGoodKeeper, lastGoodFallback, withoutRollouts } from '../../src/control/keep-last-good.ts'
import { LiveConfig } from '../../src/control/live-config.ts'
import { parseItem } from '../../src/control/parse-item.ts'
import type { Change } from '../../src/core/change.ts'
import type { Store } from '../../src/core/store.ts'
import { StoreUnavailableError } from '../../src/errors.ts'
import { LastGoodFile } from '../../src/stores/last-good.ts'
import { createMemoryBacking, createMemoryStore } from '../../src/stores/memory-store.ts'
import { tempFolder } from '../helpers/gateway.ts'

const put = (id: string, item: object = { path: `/${id}`, respond: {} }): Change => ({ op: 'put', kind: 'forward_rule', id, item })
const silent = { onWriteFailure: () => {}, onDamage: () => {} }

async function idsIn(file: LastGoodFile): Promise<string[]> {
  const read = await file.read()
  return read.found === 'configuration' ? read.set.items.map(({ id }) => id).sort() : [read.found]
}

t.test('what is live is on disk soon after it changed, and at the latest when the gateway ends', async t => {
  const store = createMemoryStore()
  const file = new LastGoodFile(tempFolder(t), 's')
  const live = new LiveConfig({ store, parse: parseItem })
  t.teardown(() => live.close())
  const keeper = new LastGoodKeeper(file, live, silent)
  await live.start()
  live.receive(await store.commit([put('a'), put('b')], 'test'))
  await keeper.close()
  t.same(await idsIn(file), ['a', 'b'])
  t.match(await file.read(), { set: { revision: 1, epoch: live.liveSet?.epoch } })
})

for (const { what, open } of [
  { what: 'reads what it missed in the log', open: (store: Store) => store },
  { what: 'must load all', open: (store: Store): Store => ({ ...store, commitsSince: async () => undefined }) }
]) {
  t.test(`a gateway that started without its store and then ${what} has that on disk, too`, async t => {
    const backing = createMemoryBacking()
    const writer = createMemoryStore(backing)
    const file = new LastGoodFile(tempFolder(t), 's')
    await writer.commit([put('a')], 'test')
    const { head, ...saved } = await writer.load()
    await file.write({ ...saved, head })
    await writer.commit([put('b')], 'test')
    const inner = createMemoryStore(backing)
    let isUp = false
    const position = () => (isUp ? inner.position() : Promise.reject(new StoreUnavailableError()))
    const load = () => (isUp ? inner.load() : Promise.reject(new StoreUnavailableError()))
    const commitsSince = (revision: number, head?: string) => inner.commitsSince(revision, head)
    const watch: Store['watch'] = async () => {}
    const store: Store = open({ name: 'memory', position, load, commitsSince, watch, close: () => inner.close() })
    const live = new LiveConfig({ store, parse: parseItem, retryMs: 5, fallback: lastGoodFallback(file, silent) })
    t.teardown(() => live.close())
    const keeper = new LastGoodKeeper(file, live, silent)
    await live.start()
    t.equal(live.source, 'last_good')
    isUp = true
    t.ok(await live.reached(2, 10_000))
    await keeper.close()
    t.same(await idsIn(file), ['a', 'b'])
  })
}

t.test('of an item that cannot be live, the version that still is goes to disk', async t => {
  const store = createMemoryStore()
  const file = new LastGoodFile(tempFolder(t), 's')
  const live = new LiveConfig({ store, parse: parseItem })
  t.teardown(() => live.close())
  const keeper = new LastGoodKeeper(file, live, silent)
  await live.start()
  live.receive(await store.commit([put('a')], 'test'))
  live.receive(await store.commit([put('a', { path: 7 }), put('never', { path: 8 })], 'test'))
  await keeper.close()
  const set = await lastGoodFallback(file, silent).read()
  t.same(
    set?.items.map(({ id, item }) => ({ id, item })),
    [{ id: 'a', item: { path: '/a', respond: {} } }]
  )
})

t.test('a service that rules outlived is on disk with them', async t => {
  const store = createMemoryStore()
  const file = new LastGoodFile(tempFolder(t), 's')
  const live = new LiveConfig({ store, parse: parseItem })
  t.teardown(() => live.close())
  const keeper = new LastGoodKeeper(file, live, silent)
  await live.start()
  const service: Change = { op: 'put', kind: 'service', id: 's', item: { targets: [{ url: 'http://127.0.0.1:1' }] } }
  live.receive(await store.commit([service, put('r', { target_service: 's' })], 'test'))
  live.receive(await store.commit([{ op: 'delete', kind: 'service', id: 's' }], 'test'))
  await keeper.close()
  const set = await lastGoodFallback(file, silent).read()
  const restored = new LiveConfig({ store: createMemoryStore(), parse: parseItem, fallback: { read: async () => set } })
  t.teardown(() => restored.close())
  await restored.start()
  t.ok(restored.snapshot?.service('s'))
  t.same(restored.state?.problems, [])
})

t.test('a disk that takes nothing is reported and stops no change', async t => {
  const store = createMemoryStore()
  const live = new LiveConfig({ store, parse: parseItem })
  t.teardown(() => live.close())
  const inTheWay = join(tempFolder(t), 'file')
  writeFileSync(inTheWay, '')
  const failures: unknown[] = []
  const keeper = new LastGoodKeeper(new LastGoodFile(join(inTheWay, 'data'), 's'), live, {
    ...silent,
    onWriteFailure: error => failures.push(error)
  })
  const applied = once(live, 'applied')
  await live.start()
  await applied
  await keeper.close()
  t.ok(failures.length > 0)
})

t.test('a rollout goes on from disk, unless the store forgets rollouts when the process ends', async t => {
  const file = new LastGoodFile(tempFolder(t), 's')
  const items = (['forward_rule', 'rollout'] as const).map((kind, seq) => ({ kind, id: kind, item: {}, seq }))
  await file.write({ revision: 1, epoch: 'e', items })
  const kindsIn = async (fallback: ReturnType<typeof lastGoodFallback>) => (await fallback.read())?.items.map(({ kind }) => kind)
  t.same(await kindsIn(lastGoodFallback(file, silent)), ['forward_rule', 'rollout'])
  t.same(await kindsIn(withoutRollouts(lastGoodFallback(file, silent))), ['forward_rule'])
  t.equal(await withoutRollouts({ read: async () => undefined }).read(), undefined)
})
