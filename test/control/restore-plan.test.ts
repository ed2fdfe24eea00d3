import fc from 'fast-check'
import t from 'tap'
import { toDocument } from '../../src/control/config-document.ts'
import { History } from '../../src/control/history.ts'
import { LiveConfig } from '../../src/control/live-config.ts'
import { parseItem } from '../../src/control/parse-item.ts'
import { restorePlan } from '../../src/control/restore-plan.ts'
import { ConfigWriter } from '../../src/control/writer.ts'
import type { Change } from '../../src/core/change.ts'
import { createMemoryBacking, createMemoryStore } from '../../src/stores/memory-store.ts'

const by = 'test'

async function open(t: { teardown(f: () => unknown): void }, logLength?: number) {
  const backing = createMemoryBacking(logLength)
  const store = createMemoryStore(backing)
  const live = new LiveConfig({ store, parse: parseItem })
  t.teardown(() => live.close())
  await live.start()
  const writer = new ConfigWriter({ live, store, parse: parseItem })
  const write = (...changes: Change[]) => writer.write(() => changes.map(change => ({ change, pointer: '' })), { by })
  const restore = (revision: number) => writer.write(restorePlan(revision, new History(store)), { by })
  return { backing, store, live, write, restore, document: () => toDocument(live.state!) }
}

const rule = (id: string, item: object): Change => ({ op: 'put', kind: 'forward_rule', id, item: { path: `/${id}`, ...item } })
const refusal = (promise: Promise<unknown>) =>
  promise.then(
    () => ({ code: 'accepted' }),
    error => error
  )

/** A change of one of a few rules and services, of which a rule may name each. */
const changes = fc.record({
  op: fc.constantFrom('put' as const, 'put' as const, 'delete' as const),
  kind: fc.constantFrom('forward_rule' as const, 'service' as const),
  id: fc.constantFrom('a', 'b', 'c'),
  port: fc.integer({ min: 1, max: 5 }),
  names: fc.option(fc.constantFrom('a', 'b', 'c'))
})

function toChange({ op, kind, id, port, names }: typeof changes extends fc.Arbitrary<infer T> ? T : never): Change {
  if (op === 'delete') return { op, kind, id }
  if (kind === 'service') return { op, kind, id, item: { targets: [{ url: `http://127.0.0.1:${port}` }] } }
  return rule(id, names === null ? { target: `http://127.0.0.1:${port}` } : { target_service: names })
}

t.test('every revision can be gone back to: the configuration is what it was then', async t => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(changes, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 12 }), async commits => {
      const { live, write, restore, document } = await open(t)
      const then = new Map<number, unknown>()
      for (const commit of commits) {
        const once = [...new Map(commit.map(change => [`${change.kind}/${change.id}`, toChange(change)])).values()]
        // What cannot be live is refused and is no revision.
        await refusal(write(...once))
        if (live.state!.revision > 0) then.set(live.state!.revision, sorted(document()))
      }
      for (const [revision, expected] of then) {
        await restore(revision)
        if (JSON.stringify(sorted(document())) !== JSON.stringify(expected)) throw new Error(`revision ${revision}`)
      }
    }),
    { numRuns: 60 }
  )
  t.pass()
})

/** By id: an item that was gone and came back is younger. */
function sorted(document: Record<string, readonly unknown[]>): unknown {
  return Object.entries(document).map(([name, items]) => [name, items.map(item => JSON.stringify(item)).sort()])
}

t.test('going back is a new revision that names only what changes, and can be gone back from', async t => {
  const { write, restore, live } = await open(t)
  await write(rule('a', { respond: { body: '1' } }), rule('same', { respond: {} }))
  await write(rule('a', { respond: { body: '2' } }))
  await write(rule('b', { respond: {} }))
  const { revision, changes } = await restore(1)
  t.equal(revision, 4)
  t.same(
    changes.map(({ change: { op, id } }) => `${op} ${id}`),
    ['put a', 'delete b']
  )
  await restore(3)
  t.match(live.state!.get('forward_rule', 'a')?.item, { respond: { body: '2' } })
  t.ok(live.state!.get('forward_rule', 'b'))
  t.equal((await restore(5)).revision, 5, 'to be there already is no commit')
})

t.test('a revision that is yet to come, or that the history does not reach, is not found', async t => {
  const { write, restore } = await open(t, 2)
  for (const body of ['1', '2', '3', '4']) await write(rule('a', { respond: { body } }))
  t.match(await refusal(restore(9)), { code: 'REVISION_NOT_FOUND', message: 'There is no revision 9 yet; the newest is 4' })
  t.match(await refusal(restore(1)), { code: 'REVISION_NOT_FOUND', message: /revision 1 .*no longer has every commit/ })
  t.equal((await restore(2)).revision, 5, 'what came after it is enough')
})

t.test('an item that could not be read then cannot be brought back, and says so', async t => {
  const { backing, write, restore } = await open(t)
  await write(rule('a', { respond: {} }))
  backing.items.set('forward_rule/a', { ...backing.items.get('forward_rule/a')!, item: undefined, fault: 'it is not JSON' })
  await write(rule('a', { respond: { body: '2' } }))
  t.match(await refusal(restore(1)), { code: 'REVISION_NOT_FOUND', message: /'a' \(forward_rule\).*could not be read then/ })
})

t.test('what cannot be live today is refused with the item', async t => {
  const { store, live, write, restore } = await open(t)
  await store.commit([rule('uses', { target_service: 'gone' })], 'hand')
  await live.reached(1, 1000)
  await write({ op: 'delete', kind: 'forward_rule', id: 'uses' })
  t.match(await refusal(restore(1)), { code: 'UNKNOWN_SERVICE', faults: [{ pointer: '/forward_rules/uses/target_service' }] })
})

t.test('a commit of another instance in the middle is part of what is taken back', async t => {
  const { backing, store, live, write } = await open(t)
  await write(rule('a', { respond: {} }))
  await write(rule('b', { respond: {} }))
  const other = createMemoryStore(backing)
  const history = new History(store)
  let isFirst = true
  // After the plan has read the history and before it is committed.
  const racing = new ConfigWriter({ live, store, parse: parseItem })
  const plan = restorePlan(1, history)
  await racing.write(
    async state => {
      const planned = await plan(state)
      if (isFirst) await other.commit([rule('c', { respond: {} })], 'other')
      isFirst = false
      return planned
    },
    { by }
  )
  t.same(
    live.state!.list('forward_rule').map(({ id }) => id),
    ['a']
  )
})
