import t from 'tap'
import { LiveConfig } from '../../src/control/live-config.ts'
import { parseItem } from '../../src/control/parse-item.ts'
import type { Plan } from '../../src/control/planned-change.ts'
import { ConfigWriter } from '../../src/control/writer.ts'
import type { Change } from '../../src/core/change.ts'
import type { WritableStore } from '../../src/core/store.ts'
import { type Fault, StoreUnavailableError } from '../../src/errors.ts'
import { createMemoryBacking, createMemoryStore, type MemoryBacking } from '../../src/stores/memory-store.ts'

const rule = (id: string, item: object = { path: `/${id}`, respond: {} }): Change => ({ op: 'put', kind: 'forward_rule', id, item })
const service = (id: string): Change => ({ op: 'put', kind: 'service', id, item: { targets: [{ url: 'http://127.0.0.1:1' }] } })
const plan =
  (...changes: Change[]): Plan =>
  () =>
    changes.map((change, at) => ({ change, pointer: changes.length === 1 ? '' : `/${at}` }))
const by = 'test'

async function open(
  t: { teardown(f: () => unknown): void },
  backing: MemoryBacking = createMemoryBacking(),
  wrap = (store: WritableStore) => store
) {
  const store = wrap(createMemoryStore(backing))
  const live = new LiveConfig({ store, parse: parseItem })
  t.teardown(() => live.close())
  await live.start()
  return { live, store, writer: new ConfigWriter({ live, store, parse: parseItem, attempts: 50 }) }
}

async function refusal(promise: Promise<unknown>): Promise<{ code: string; statusCode: number; faults: readonly Fault[] }> {
  return promise.then(
    () => Promise.reject(new Error('was accepted')),
    error => error
  )
}

t.test('a write resolves once this instance follows it', async t => {
  const { live, writer } = await open(t)
  const { revision, after } = await writer.write(plan(rule('a')), { by })
  t.equal(revision, 1)
  t.equal(live.state?.revision, 1)
  t.ok(after.get('forward_rule', 'a'))
})

t.test('a dry run checks everything and writes nothing', async t => {
  const { live, writer } = await open(t)
  const { after, dryRun } = await writer.write(plan(rule('a')), { by, dryRun: true })
  t.ok(dryRun)
  t.ok(after.get('forward_rule', 'a'), 'it says what would be')
  t.equal(live.state?.revision, 0)
  t.match(await refusal(writer.write(plan(rule('a', { path: 7 })), { by, dryRun: true })), { code: 'VALIDATION_FAILED', statusCode: 400 })
})

t.test('an empty plan is no commit', async t => {
  const { writer } = await open(t)
  t.equal((await writer.write(plan(), { by })).revision, 0)
})

t.test('every refusal has its code, its status and pointers to the fields', async t => {
  const { writer } = await open(t)
  await writer.write(plan(service('s'), rule('a'), rule('uses', { path: '/s', target_service: 's' })), { by })
  const cases: [Plan, object][] = [
    [plan(rule('x', { respond: {}, wieght: 5 })), { code: 'VALIDATION_FAILED', statusCode: 400, faults: [{ pointer: '/wieght' }] }],
    [plan(rule('x', { target: 'ftp://x' })), { code: 'VALIDATION_FAILED', faults: [{ pointer: '/target' }] }],
    [plan(rule('x', { source_ip: '10.0.0.0/40', respond: {} })), { code: 'VALIDATION_FAILED', faults: [{ pointer: '/source_ip' }] }],
    [plan(rule('x', { source_ip: ['::1', '10.0.0.0/40'], respond: {} })), { faults: [{ pointer: '/source_ip/1' }] }],
    [
      plan(rule('x', { path: '(a+)+$', path_type: 'regex', respond: {} })),
      { code: 'UNSAFE_REGEX', statusCode: 422, faults: [{ pointer: '/path' }] }
    ],
    [plan(rule('x', { target_service: 'nope' })), { code: 'UNKNOWN_SERVICE', statusCode: 422, faults: [{ pointer: '/target_service' }] }],
    [plan(rule('x', { path: '/a', respond: {} })), { code: 'RULE_CONFLICT', statusCode: 409, message: /'a'/ }],
    [plan({ op: 'delete', kind: 'service', id: 's' }), { code: 'SERVICE_IN_USE', statusCode: 409, message: /'uses'/ }]
  ]
  for (const [bad, expected] of cases) t.match(await refusal(writer.write(bad, { by })), expected)
})

t.test('several changes are all or nothing, and each fault points into its own change', async t => {
  const { live, writer } = await open(t)
  const error = await refusal(writer.write(plan(rule('good'), rule('bad', { priority: 'x', respond: {} }), rule('worse', {})), { by }))
  t.match(
    error.faults.map(fault => fault.pointer),
    ['/1/priority', /^\/2/]
  )
  t.equal(live.state?.revision, 0)
})

t.test('a service and its last rule can go in one commit', async t => {
  const { live, writer } = await open(t)
  await writer.write(plan(service('s'), rule('r', { path: '/s', target_service: 's' })), { by })
  await writer.write(plan({ op: 'delete', kind: 'service', id: 's' }, { op: 'delete', kind: 'forward_rule', id: 'r' }), { by })
  t.equal(live.state?.snapshot.service('s'), undefined)
})

t.test('a plan that another instance overtook is made again from what is live then', async t => {
  const backing = createMemoryBacking()
  const a = await open(t, backing)
  const b = await open(t, backing)
  const count = (state: { count(kind: 'forward_rule'): number }) => state.count('forward_rule')
  const seen: number[] = []
  const append: Plan = state => {
    seen.push(count(state))
    return [{ change: rule(`r${count(state)}`), pointer: '' }]
  }
  await Promise.all(Array.from({ length: 20 }, (_, at) => (at % 2 === 0 ? a : b).writer.write(append, { by })))
  await b.live.reached(20, 1000)
  t.equal(count(b.live.state!), 20, 'no write was lost or overwritten')
  t.ok(seen.length >= 20)
})

t.test('a reference that another instance removes meanwhile is noticed', async t => {
  const backing = createMemoryBacking()
  const a = await open(t, backing)
  const b = await open(t, backing)
  await a.writer.write(plan(service('s')), { by })
  await b.live.reached(1, 1000)
  const outcomes = await Promise.allSettled([
    a.writer.write(plan({ op: 'delete', kind: 'service', id: 's' }), { by }),
    b.writer.write(plan(rule('r', { path: '/s', target_service: 's' })), { by })
  ])
  t.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1, 'one of the two is refused')
})

t.test('a store that does not answer is an error of its own, and nothing was written', async t => {
  const { live, writer } = await open(t, createMemoryBacking(), store => ({
    name: store.name,
    load: () => store.load(),
    commitsSince: (revision, head) => store.commitsSince(revision, head),
    position: () => store.position(),
    watch: (onNotice, onState) => store.watch(onNotice, onState),
    close: () => store.close(),
    commit: async () => Promise.reject(new StoreUnavailableError())
  }))
  t.match(await refusal(writer.write(plan(rule('a')), { by })), { code: 'STORE_UNAVAILABLE', statusCode: 503 })
  t.equal(live.state?.revision, 0)
})

t.test('a write that is made but cannot be followed yet is told apart from one that was not made', async t => {
  const backing = createMemoryBacking()
  const store = createMemoryStore(backing)
  const live = new LiveConfig({ store, parse: parseItem })
  t.teardown(() => live.close())
  await live.start()
  const writer = new ConfigWriter({ live, store, parse: parseItem, applyTimeoutMs: 20 })
  const written = writer.write(plan(rule('a')), { by })
  live.close()
  t.match(await refusal(written), { code: 'NOT_APPLIED', statusCode: 503, message: /revision 1/ })
})
