/** Clients and tiers in stores that people edit by hand: what cannot be live waits, and hurts nothing else. */
import { hash } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import { parseItem } from '../../src/control/parse-item.ts'
import type { CommittedChange, Kind } from '../../src/core/change.ts'
import { ConfigState } from '../../src/core/config-state.ts'

let seq = 0
const put = (kind: Kind, id: string, item: object, at = ++seq): CommittedChange => ({ op: 'put', kind, id, item, seq: at })
const keyOf = (name: string) => `the-key-called-${name}`
const digestOf = (name: string) => hash('sha256', keyOf(name), 'hex')
const client = (id: string, keys: readonly string[], more: object = {}) =>
  put('client', id, { api_keys: keys.map(name => ({ id: name, key: keyOf(name) })), ...more })
const tier = (id: string, limit = 5) => put('tier', id, { limits: [{ limit }] })
const remove = (kind: Kind, id: string): CommittedChange => ({ op: 'delete', kind, id })
const after = (state: ConfigState, ...changes: CommittedChange[]) => state.apply({ revision: state.revision + 1, changes }, parseItem)
const start = (...changes: CommittedChange[]) => after(ConfigState.empty, ...changes)
const problemsOf = (state: ConfigState) => state.problems.map(({ kind, id, code, previousLive }) => ({ kind, id, code, previousLive }))
const ownerOf = (state: ConfigState, name: string) => state.snapshot.keyOwner(digestOf(name))?.client.id

t.test('a client with a key of another one waits until that one gives it up', async t => {
  const state = start(client('old', ['a']), client('new', ['a', 'b']))
  t.same(problemsOf(state), [{ kind: 'client', id: 'new', code: 'key_conflict', previousLive: false }])
  t.same([ownerOf(state, 'a'), ownerOf(state, 'b')], ['old', undefined])
  const freed = after(state, client('old', ['c']))
  t.same(problemsOf(freed), [])
  t.same([ownerOf(freed, 'a'), ownerOf(freed, 'b'), ownerOf(freed, 'c')], ['new', 'new', 'old'])
})

t.test('a client that becomes impossible keeps its earlier version', async t => {
  const state = start(client('x', ['x']), client('y', ['y']))
  const next = after(state, client('y', ['x']))
  t.same(problemsOf(next), [{ kind: 'client', id: 'y', code: 'key_conflict', previousLive: true }])
  t.same([ownerOf(next, 'x'), ownerOf(next, 'y')], ['x', 'y'])
})

t.test('a client of an unknown tier waits for it, and so does a rule that names one', async t => {
  const limited = {
    respond: {},
    auth: { any_of: [{ type: 'api_key' }] },
    rate_limit: [{ limit: 1 }, { limit: 1, by_tier: { vip: { limit: 9 } } }]
  }
  const state = start(client('a', ['a'], { tier: 'vip' }), put('forward_rule', 'r', limited))
  t.same(problemsOf(state), [
    { kind: 'client', id: 'a', code: 'unknown_tier', previousLive: false },
    { kind: 'forward_rule', id: 'r', code: 'unknown_tier', previousLive: false }
  ])
  t.match(state.problems[1]?.faults, [{ pointer: '/rate_limit/1/by_tier/vip' }])
  const whole = after(state, tier('vip'))
  t.same(problemsOf(whole), [])
  t.equal(ownerOf(whole, 'a'), 'a')
})

t.test('a tier that is deleted under its clients keeps its limits until they are gone', async t => {
  const state = start(tier('vip', 7), client('a', ['a'], { tier: 'vip' }))
  const orphaned = after(state, remove('tier', 'vip'))
  t.equal(orphaned.get('tier', 'vip'), undefined)
  t.equal(orphaned.snapshot.tier('vip')?.limits[0]?.spec.limit, 7)
  t.match(orphaned.problems, [{ kind: 'client', id: 'a', code: 'unknown_tier', previousLive: true }])
  const restarted = start(...[...orphaned.liveItems()].map(item => ({ op: 'put' as const, ...item })))
  t.equal(restarted.snapshot.tier('vip')?.limits[0]?.spec.limit, 7, 'the last good file has it, too')
  const gone = after(orphaned, remove('client', 'a'))
  t.equal(gone.snapshot.tier('vip'), undefined)
  t.same(problemsOf(gone), [])
})

t.test('whatever comes in whatever order, each key leads to the client that has it, and to nobody else', async t => {
  const names = ['a', 'b', 'c', 'd']
  const anyChange = fc.record({
    id: fc.constantFrom('p', 'q', 'r'),
    keys: fc.option(fc.uniqueArray(fc.constantFrom(...names), { maxLength: 3 }), { nil: undefined })
  })
  fc.assert(
    fc.property(fc.array(fc.array(anyChange, { minLength: 1, maxLength: 3 }), { maxLength: 12 }), commits => {
      let state = ConfigState.empty
      for (const changes of commits)
        state = after(state, ...changes.map(({ id, keys }) => (keys === undefined ? remove('client', id) : client(id, keys))))
      return names.every(name => {
        const owners = state.list('client').filter(({ compiled }) => compiled.keys.some(({ sha256 }) => sha256 === digestOf(name)))
        return owners.length <= 1 && ownerOf(state, name) === owners[0]?.id
      })
    }),
    { numRuns: 300 }
  )
  t.pass()
})
