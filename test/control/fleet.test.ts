import { once } from 'node:events'
import t from 'tap'
import { Fleet, type FleetOptions } from '../../src/control/fleet.ts'
import { LiveConfig } from '../../src/control/live-config.ts'
import { parseItem } from '../../src/control/parse-item.ts'
import type { Change } from '../../src/core/change.ts'
import type { InstanceReport } from '../../src/core/store.ts'
import { StoreUnavailableError } from '../../src/errors.ts'
import { createMemoryBacking, createMemoryStore } from '../../src/stores/memory-store.ts'

const put = (id: string): Change => ({ op: 'put', kind: 'forward_rule', id, item: { path: `/${id}`, respond: {} } })
const longMs = 60_000

type Backing = ReturnType<typeof createMemoryBacking>
type Store = ReturnType<typeof createMemoryStore>

/** What a listener heard. */
interface Heard {
  readonly counts: number[]
  readonly mismatches: string[]
  readonly namesakes: string[]
}

interface Member {
  readonly fleet: Fleet
  readonly live: LiveConfig
  readonly store: Store
  readonly heard: Heard
}

/** A member over `backing`. `broken` is what a test does to its store. */
async function join(
  t: { teardown(f: () => unknown): void },
  backing: Backing,
  instance: string,
  options: Partial<FleetOptions> & { broken?: Partial<Store> } = {}
): Promise<Member> {
  const { broken = {}, ...more } = options
  const memory = createMemoryStore(backing)
  const store: Store = {
    name: 'memory',
    load: () => memory.load(),
    commitsSince: (...args) => memory.commitsSince(...args),
    position: () => memory.position(),
    watch: (...args) => memory.watch(...args),
    commit: (...args) => memory.commit(...args),
    reseed: (...args) => memory.reseed(...args),
    history: options => memory.history(options),
    announce: (...args) => memory.announce(...args),
    instances: () => memory.instances(),
    withdraw: id => memory.withdraw(id),
    close: () => memory.close(),
    ...broken
  }
  const live = new LiveConfig({ store, parse: parseItem })
  const heard: Heard = { counts: [], mismatches: [], namesakes: [] }
  const listener = {
    onCount: (count: number) => void heard.counts.push(count),
    onMismatch: (other: InstanceReport) => void heard.mismatches.push(other.id),
    onNamesake: (id: string) => void heard.namesakes.push(id)
  }
  const fleet = new Fleet({ live, store, instance, version: '0.1.0', listener, ...more })
  t.teardown(async () => {
    await fleet.close()
    live.close()
    await store.close()
  })
  await live.start()
  await fleet.start()
  return { fleet, live, store, heard }
}

/** Goes on once `holds`; a beat of the tests is 5 ms. */
async function until(holds: () => boolean): Promise<void> {
  const begin = performance.now()
  while (!holds()) {
    if (performance.now() - begin > 5000) throw new Error('it did not come')
    await new Promise(resolve => setTimeout(resolve, 1))
  }
}

const beatMs = 5

t.test('an instance is known when it starts, follows what it announces, and is gone when it closes', async t => {
  const backing = createMemoryBacking()
  const { fleet, live, store } = await join(t, backing, 'a')
  const other = createMemoryStore(backing)
  t.match(await other.instances(), [{ id: 'a', revision: 0, version: '0.1.0', rejected: [] }])
  const applied = once(live, 'applied')
  await store.commit([put('r')], 'test')
  await applied
  await until(() => backing.fleet.instances()[0]?.revision === 1)
  t.equal((await other.instances())[0]?.digest, live.state?.digest)
  await fleet.close()
  t.same(await other.instances(), [])
})

t.test('items that cannot be live are named, the latest first', async t => {
  const backing = createMemoryBacking()
  const { store, fleet, live } = await join(t, backing, 'a')
  for (let at = 0; at < 120; at++)
    await store.commit([{ op: 'put', kind: 'forward_rule', id: `bad-${at}`, item: { respond: {}, wieght: 1 } }], 'test')
  await live.reached(120, 5000)
  const [self] = await fleet.list()
  t.equal(self?.rejected.length, 100)
  t.match(self?.rejected[0], { kind: 'forward_rule', id: 'bad-119', reason: /^\/wieght / })
})

t.test('a commit made while an instance was not known yet is live there when its start ends', async t => {
  const backing = createMemoryBacking()
  const writer = createMemoryStore(backing)
  let announced = 0
  // The write that nobody waits with: after the first load, before the instance is known. Its notice is lost.
  const announce = async (...args: Parameters<Store['announce']>) => {
    if (announced++ === 0) await writer.commit([put('r')], 'test')
    return createMemoryStore(backing).announce(...args)
  }
  const watch: Store['watch'] = async (onNotice, onState) => {
    onState?.({ up: true })
    onNotice()
  }
  const { live } = await join(t, backing, 'a', { broken: { announce, watch } })
  t.equal(live.state?.revision, 1)
})

t.test('a store that does not answer delays no start and troubles nobody; the first word comes when it is back', async t => {
  const backing = createMemoryBacking()
  let isAway = false
  const announce: Store['announce'] = async (...args) => {
    if (isAway) throw new StoreUnavailableError()
    return createMemoryStore(backing).announce(...args)
  }
  isAway = true
  const { heard } = await join(t, backing, 'a', { broken: { announce }, beatMs })
  t.same(backing.fleet.instances(), [])
  isAway = false
  await until(() => backing.fleet.instances().length === 1)
  t.same(heard.mismatches, [])
})

t.test('a write is everywhere once every live instance has applied it', async t => {
  const backing = createMemoryBacking()
  const [a] = [await join(t, backing, 'a'), await join(t, backing, 'b'), await join(t, backing, 'c')]
  const { revision } = await a.store.commit([put('r')], 'test')
  await a.live.reached(revision, 1000)
  const spread = await a.fleet.reach({ revision, items: [{ kind: 'forward_rule', id: 'r' }] }, longMs)
  t.same({ ...spread, applied: [...spread.applied].sort() }, { applied: ['a', 'b', 'c'], pending: [], rejected: [] })
})

t.test('an instance that is behind is pending when the time is over; one that rejects an item is not waited for', async t => {
  const backing = createMemoryBacking()
  const a = await join(t, backing, 'a')
  await a.store.commit([put('r')], 'test')
  await a.live.reached(1, 1000)
  const [self] = await a.fleet.list()
  const items = [{ kind: 'forward_rule' as const, id: 'r' }]
  const begin = performance.now()
  await a.store.announce({ ...self!, id: 'picky', rejected: [{ ...items[0]!, reason: 'no' }] }, longMs)
  t.match(await a.fleet.reach({ revision: 1, items }, longMs), { pending: [], rejected: [{ instance: 'picky' }] })
  t.ok(performance.now() - begin < longMs / 2)
  await a.store.announce({ ...self!, id: 'stuck', revision: 0, digest: 'old' }, longMs)
  t.match(await a.fleet.reach({ revision: 1, items }, 30), { applied: ['a'], pending: ['stuck'], rejected: [{ instance: 'picky' }] })
  const reached = a.fleet.reach({ revision: 1, items: [] }, longMs)
  await a.store.announce({ ...self!, id: 'stuck' }, longMs)
  t.match((await reached).pending, [], 'it goes on as soon as it has caught up')
})

t.test('while nobody can be asked, those that were known last are pending', async t => {
  const backing = createMemoryBacking()
  let isAway = false
  const instances = async () => {
    if (isAway) throw new StoreUnavailableError()
    return backing.fleet.instances()
  }
  const a = await join(t, backing, 'a', { broken: { instances } })
  await join(t, backing, 'b')
  await a.fleet.list()
  isAway = true
  await a.live.reached((await a.store.commit([put('r')], 'test')).revision, 1000)
  t.same(await a.fleet.reach({ revision: 1, items: [] }, 20), { applied: ['a'], pending: ['b'], rejected: [] })
  isAway = false
  t.match((await a.fleet.reach({ revision: 1, items: [] }, longMs)).pending, [])
})

t.test('a hundred who wait ask together', async t => {
  const backing = createMemoryBacking()
  let asked = 0
  const instances = async () => {
    asked++
    return backing.fleet.instances()
  }
  const a = await join(t, backing, 'a', { broken: { instances }, beatMs: longMs })
  const [self] = await a.fleet.list()
  await a.store.announce({ ...self!, id: 'stuck', epoch: 'other' }, longMs)
  await a.live.reached((await a.store.commit([put('r')], 'test')).revision, 1000)
  await a.live.catchUp()
  asked = 0
  const begin = performance.now()
  const spreads = await Promise.all(Array.from({ length: 100 }, () => a.fleet.reach({ revision: 1, items: [] }, 100)))
  const tookMs = performance.now() - begin
  for (const { pending } of spreads) if (pending[0] !== 'stuck') t.fail('stuck is pending')
  t.ok(asked <= tookMs, `${asked} questions in ${Math.round(tookMs)} ms`)
})

t.test('who holds something else at the same revision is told of once, and the store is read again once', async t => {
  const backing = createMemoryBacking()
  let loads = 0
  const load = async () => {
    loads++
    return createMemoryStore(backing).load()
  }
  const { store, live, heard, fleet } = await join(t, backing, 'a', { broken: { load }, beatMs, reloadGapMs: 0 })
  await live.reached((await store.commit([put('r')], 'test')).revision, 1000)
  const [self] = await fleet.list()
  const before = loads
  await store.announce({ ...self!, id: 'odd', digest: 'x' }, longMs)
  await until(() => heard.mismatches.length > 0)
  const beats = heard.counts.length
  await until(() => heard.counts.length > beats + 10)
  t.same(heard.mismatches, ['odd'])
  t.equal(loads, before + 1)
  await store.announce({ ...self!, id: 'odd', digest: 'y' }, longMs)
  await until(() => heard.mismatches.length > 1)
  t.equal(loads, before + 1, 'another difference at what was read again is for a person')
})

t.test('another revision, another life, and agreement are no mismatch', async t => {
  const backing = createMemoryBacking()
  const { store, live, heard, fleet } = await join(t, backing, 'a', { beatMs })
  await live.reached((await store.commit([put('r')], 'test')).revision, 1000)
  await live.catchUp()
  const [self] = await fleet.list()
  await store.announce({ ...self!, id: 'behind', revision: 0, digest: 'x' }, longMs)
  await store.announce({ ...self!, id: 'elsewhere', epoch: 'other', digest: 'x' }, longMs)
  await store.announce({ ...self!, id: 'same' }, longMs)
  await until(() => heard.counts.at(-1) === 4)
  const beats = heard.counts.length
  await until(() => heard.counts.length > beats + 3)
  t.same(heard.mismatches, [])
})

t.test('a difference between two is healed by the one that is wrong', async t => {
  const backing = createMemoryBacking()
  let spoil = true
  // What it reads first is not what the store holds.
  const load = async () => {
    const set = await createMemoryStore(backing).load()
    const spoilt = spoil ? set.items.map(item => ({ ...item, item: { path: '/spoilt', respond: {} } })) : set.items
    spoil = false
    return { ...set, items: spoilt }
  }
  const right = await join(t, backing, 'right', { beatMs })
  await right.live.reached((await right.store.commit([put('r')], 'test')).revision, 1000)
  const wrong = await join(t, backing, 'wrong', { broken: { load }, beatMs })
  await until(() => wrong.live.state?.digest === right.live.state?.digest)
  t.match(wrong.live.state?.get('forward_rule', 'r')?.item, { path: '/r' })
})

t.test('two processes of one name are found out, and the first takes nothing from the second when it ends', async t => {
  const backing = createMemoryBacking()
  const first = await join(t, backing, 'a', { beatMs })
  const second = await join(t, backing, 'a', { beatMs: longMs })
  await until(() => backing.fleet.instances().length === 1)
  // Whoever spoke last is the one that is known: here the second, time and again.
  const instances = first.store.instances
  Object.assign(first.store, {
    instances: async () => {
      await second.store.announce((await second.fleet.list())[0]!, longMs)
      return instances()
    }
  })
  await until(() => first.heard.namesakes.length > 0)
  await first.fleet.close()
  t.same(first.heard.namesakes, ['a'])
  t.equal(backing.fleet.instances().length, 1)
})
