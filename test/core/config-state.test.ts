import t from 'tap'
import { parseItem } from '../../src/control/parse-item.ts'
import { changesTo } from '../../src/core/catch-up.ts'
import type { CommittedChange, Kind, StoredItem } from '../../src/core/change.ts'
import { ConfigState } from '../../src/core/config-state.ts'
import { RequestFacts } from '../../src/core/facts.ts'
import { normalisePath } from '../../src/core/path.ts'
import { drained, type Route } from '../../src/core/route.ts'

let seq = 0
const put = (kind: Kind, id: string, item: object, at = ++seq): CommittedChange => ({ op: 'put', kind, id, item, seq: at })
const rule = (id: string, item: object, at?: number) => put('forward_rule', id, item, at)
const service = (id: string, url = 'http://127.0.0.1:1') => put('service', id, { targets: [{ url }] })
const remove = (kind: Kind, id: string): CommittedChange => ({ op: 'delete', kind, id })
const after = (state: ConfigState, ...changes: CommittedChange[]) => state.apply({ revision: state.revision + 1, changes }, parseItem)
const start = (...changes: CommittedChange[]) => after(ConfigState.empty, ...changes)

function takenBy(state: ConfigState, path: string): string | undefined {
  const route = state.snapshot.match(new RequestFacts('GET', normalisePath(path)!, '', 'h', '127.0.0.1', {}, 0))
  return route === undefined || route === drained ? undefined : (route as Route).rule.id
}
const problemsOf = (state: ConfigState) => state.problems.map(({ id, code, previousLive }) => ({ id, code, previousLive }))

t.test('one bad item never hurts the rest, and its previous version stays live', async t => {
  const good = start(rule('a', { path: '/a', target: 'http://127.0.0.1:1' }), rule('b', { path: '/b', target: 'http://127.0.0.1:1' }))
  const next = after(
    good,
    rule('a', { path: '/a2', wieght: 5, target: 'http://127.0.0.1:1' }, 1),
    rule('b', { path: '/b2', target: 'http://127.0.0.1:1' }, 2)
  )
  t.equal(takenBy(next, '/a'), 'a')
  t.equal(takenBy(next, '/b2'), 'b')
  t.same(problemsOf(next), [{ id: 'a', code: 'validation_failed', previousLive: true }])
  t.same(next.problems[0]?.faults, [{ pointer: '/wieght', detail: 'is not a known field' }])
  const mended = after(next, rule('a', { path: '/a3', target: 'http://127.0.0.1:1' }, 1))
  t.same(problemsOf(mended), [])
  t.equal(takenBy(mended, '/a3'), 'a')
})

t.test('a text that is no value at all is held back as unreadable', async t => {
  const broken: StoredItem = { kind: 'forward_rule', id: 'x', item: undefined, fault: 'is not JSON', seq: 1 }
  const state = start({ op: 'put', ...broken }, rule('b', { path: '/b', target: 'http://127.0.0.1:1' }))
  t.same(problemsOf(state), [{ id: 'x', code: 'unreadable', previousLive: false }])
  t.equal(takenBy(state, '/b'), 'b')
})

t.test('a rule that names an unknown service waits for it and goes live when it comes', async t => {
  const waiting = start(rule('r', { path: '/r', target_service: 's' }))
  t.same(problemsOf(waiting), [{ id: 'r', code: 'unknown_service', previousLive: false }])
  const live = after(waiting, service('s'))
  t.same(problemsOf(live), [])
  t.equal(takenBy(live, '/r'), 'r')
  t.same(live.rulesOf('s'), ['r'])
})

t.test('a service and the rules that use it may come in one commit, in any order', async t => {
  const state = start(rule('r', { path: '/r', target_service: 's' }), service('s'))
  t.same(problemsOf(state), [])
})

t.test('a rule waits for every service that it names, and is listed with each', async t => {
  const both = rule('r', { path: '/r', target_service: 's', mirror: { target_service: 'shadow' } })
  const waiting = start(both, service('s'))
  t.match(waiting.problems, [{ id: 'r', code: 'unknown_service', faults: [{ pointer: '/mirror/target_service' }] }])
  const live = after(waiting, service('shadow'))
  t.same(problemsOf(live), [])
  t.same([live.rulesOf('s'), live.rulesOf('shadow')], [['r'], ['r']])
  const orphaned = after(live, remove('service', 'shadow'))
  t.match(orphaned.problems, [{ id: 'r', faults: [{ pointer: '/mirror/target_service' }], previousLive: true }])
  const same = after(live, rule('r', { path: '/r', target_service: 's', mirror: { target_service: 's' } }))
  t.same([same.rulesOf('s'), same.rulesOf('shadow')], [['r'], []])
  t.same(after(same, remove('forward_rule', 'r')).rulesOf('s'), [])
})

t.test('a service deleted under its rules keeps serving until they go', async t => {
  const state = start(service('s'), rule('r', { path: '/r', target_service: 's' }))
  const orphaned = after(state, remove('service', 's'))
  t.equal(orphaned.get('service', 's'), undefined)
  t.ok(orphaned.snapshot.service('s'), 'traffic still finds it')
  t.ok(orphaned.isOrphan('s'))
  t.same(problemsOf(orphaned), [{ id: 'r', code: 'unknown_service', previousLive: true }])
  const gone = after(orphaned, remove('forward_rule', 'r'))
  t.equal(gone.snapshot.service('s'), undefined)
  t.same(problemsOf(gone), [])
  const back = after(orphaned, service('s', 'http://127.0.0.1:2'))
  t.notOk(back.isOrphan('s'))
  t.equal(back.snapshot.service('s')?.targets[0]?.url, 'http://127.0.0.1:2')
})

const fallsBackTo = (id: string, other: string, url = 'http://127.0.0.1:1') =>
  put('service', id, { targets: [{ url }], breaker: { fallback: { target_service: other } } })

t.test('a service whose fallback is unknown waits for it, with the rules that name it', async t => {
  const waiting = start(fallsBackTo('s', 'spare'), rule('r', { path: '/r', target_service: 's' }), service('other'))
  t.match(waiting.problems, [
    { kind: 'service', id: 's', code: 'unknown_service', faults: [{ pointer: '/breaker/fallback/target_service' }], previousLive: false },
    { kind: 'forward_rule', id: 'r', code: 'unknown_service', previousLive: false }
  ])
  t.ok(waiting.snapshot.service('other'), 'the rest is live')
  const live = after(waiting, service('spare'))
  t.same(problemsOf(live), [])
  t.equal(takenBy(live, '/r'), 'r')
})

t.test('a service keeps its previous version while the fallback of the new one is unknown', async t => {
  const state = start(service('s'), rule('r', { path: '/r', target_service: 's' }))
  const next = after(state, fallsBackTo('s', 'spare', 'http://127.0.0.1:2'))
  t.same(problemsOf(next), [{ id: 's', code: 'unknown_service', previousLive: true }])
  t.equal(next.snapshot.service('s'), state.snapshot.service('s'))
  t.equal(takenBy(next, '/r'), 'r')
  t.equal(after(next, service('spare')).snapshot.service('s')?.targets[0]?.url, 'http://127.0.0.1:2')
})

t.test('services may stand in for each other, and one that is held back takes along those that fall back to it', async t => {
  t.same(problemsOf(start(fallsBackTo('a', 'b'), fallsBackTo('b', 'a'))), [])
  const chain = start(fallsBackTo('a', 'b'), fallsBackTo('b', 'c'), fallsBackTo('c', 'gone'))
  t.same(
    chain.problems.map(({ id }) => id),
    ['c', 'b', 'a']
  )
  t.same(problemsOf(after(chain, service('c'))), [])
})

t.test('a fallback that is deleted under a service keeps serving until nothing falls back to it', async t => {
  const state = start(service('spare'), fallsBackTo('s', 'spare'), rule('r', { path: '/r', target_service: 's' }))
  const orphaned = after(state, remove('service', 'spare'))
  t.equal(orphaned.get('service', 'spare'), undefined)
  t.ok(orphaned.snapshot.service('spare'), 'an open breaker still finds it')
  t.match(orphaned.problems, [
    { kind: 'service', id: 's', code: 'unknown_service', faults: [{ pointer: '/breaker/fallback/target_service' }], previousLive: true }
  ])
  const both = after(orphaned, remove('service', 's'))
  t.ok(both.snapshot.service('spare'), 'what the deleted service falls back to, too, as long as a rule uses that')
  const released = after(orphaned, service('s'))
  t.same(problemsOf(released), [])
  t.equal(released.snapshot.service('spare'), undefined)
  t.same([...after(both, remove('forward_rule', 'r')).snapshot.services.keys()], [])
  const pair = start(fallsBackTo('a', 'b'), fallsBackTo('b', 'a'))
  t.same([...after(pair, remove('service', 'a'), remove('service', 'b')).snapshot.services.keys()], [], 'a pair does not keep itself')
})

t.test('of two rules with the same match and no weights the older lives, and the other takes over when it goes', async t => {
  const state = start(
    rule('new', { path: '/x', target: 'http://127.0.0.1:1' }, 9),
    rule('old', { path: '/x', target: 'http://127.0.0.1:1' }, 3)
  )
  t.equal(takenBy(state, '/x'), 'old')
  t.same(problemsOf(state), [{ id: 'new', code: 'rule_conflict', previousLive: false }])
  t.match(state.held('forward_rule', 'new')?.refusal, { other: 'old', faults: [{ pointer: '/weight' }] })
  const next = after(state, remove('forward_rule', 'old'))
  t.equal(takenBy(next, '/x'), 'new')
  t.same(problemsOf(next), [])
})

t.test('weights on both make a group', async t => {
  const state = start(
    rule('a', { path: '/x', weight: 1, target: 'http://127.0.0.1:1' }),
    rule('b', { path: '/x', weight: 1, target: 'http://127.0.0.1:1' })
  )
  t.same(problemsOf(state), [])
  t.same(new Set([takenBy(state, '/x'), takenBy(state, '/x')]), new Set(['a', 'b']))
})

t.test('a disabled rule neither matches nor conflicts', async t => {
  const state = start(
    rule('a', { path: '/x', target: 'http://127.0.0.1:1' }),
    rule('b', { path: '/x', enabled: false, target: 'http://127.0.0.1:2' })
  )
  t.same(problemsOf(state), [])
  t.equal(takenBy(state, '/x'), 'a')
  const off = after(state, rule('a', { path: '/x', enabled: false, target: 'http://127.0.0.1:1' }))
  t.equal(takenBy(off, '/x'), undefined)
})

t.test('one commit may swap the matches of two rules', async t => {
  const state = start(
    rule('a', { path: '/1', target: 'http://127.0.0.1:1' }, 1),
    rule('b', { path: '/2', target: 'http://127.0.0.1:1' }, 2)
  )
  const swapped = after(
    state,
    rule('a', { path: '/2', target: 'http://127.0.0.1:1' }, 1),
    rule('b', { path: '/1', target: 'http://127.0.0.1:1' }, 2)
  )
  t.same(problemsOf(swapped), [])
  t.equal(takenBy(swapped, '/1'), 'b')
  t.equal(takenBy(swapped, '/2'), 'a')
})

t.test('a change that would conflict leaves the previous version of the rule live', async t => {
  const state = start(
    rule('a', { path: '/1', target: 'http://127.0.0.1:1' }, 1),
    rule('b', { path: '/2', target: 'http://127.0.0.1:1' }, 2)
  )
  const next = after(state, rule('b', { path: '/1', target: 'http://127.0.0.1:1' }, 2))
  t.equal(takenBy(next, '/1'), 'a')
  t.equal(takenBy(next, '/2'), 'b')
  t.same(problemsOf(next), [{ id: 'b', code: 'rule_conflict', previousLive: true }])
})

t.test('an old state answers as before whatever came after it', async t => {
  const first = start(rule('a', { path: '/a', target: 'http://127.0.0.1:1' }))
  const second = after(first, remove('forward_rule', 'a'), rule('b', { path: '/a', target: 'http://127.0.0.1:1' }))
  t.equal(takenBy(first, '/a'), 'a')
  t.equal(takenBy(second, '/a'), 'b')
  t.same(
    first.list('forward_rule').map(item => item.id),
    ['a']
  )
})

t.test('an item that a commit does not touch is shared with the state before', async t => {
  const state = start(rule('a', { path: '/a', target: 'http://127.0.0.1:1' }), service('s'))
  const next = after(state, rule('b', { path: '/b', target: 'http://127.0.0.1:1' }))
  t.equal(next.get('forward_rule', 'a'), state.get('forward_rule', 'a'))
  t.equal(next.snapshot.service('s'), state.snapshot.service('s'))
})

t.test('a full load changes only what differs', async t => {
  const item = { path: '/a', target: 'http://127.0.0.1:1' }
  const state = start(rule('a', item, 1), rule('b', { ...item, path: '/b' }, 2), rule('bad', { path: 1 }, 3))
  const items = [
    { kind: 'forward_rule' as const, id: 'a', item, seq: 1 },
    { kind: 'forward_rule' as const, id: 'bad', item: { path: 1 }, seq: 3 },
    { kind: 'forward_rule' as const, id: 'c', item: { ...item, path: '/c' }, seq: 4 }
  ]
  const changes = changesTo(state, { revision: 7, epoch: 'e', items })
  t.same(changes, [
    { op: 'put', ...items[2] },
    { op: 'delete', kind: 'forward_rule', id: 'b' }
  ])
  const next = state.apply({ revision: 7, changes }, parseItem)
  t.same(changesTo(next, { revision: 7, epoch: 'e', items }), [])
})

t.test('items are listed oldest first', async t => {
  const state = start(
    rule('late', { path: '/1', target: 'http://127.0.0.1:1' }, 30),
    rule('early', { path: '/2', target: 'http://127.0.0.1:1' }, 10)
  )
  t.same(
    state.list('forward_rule').map(item => item.id),
    ['early', 'late']
  )
  t.equal(state.count('forward_rule'), 2)
})
