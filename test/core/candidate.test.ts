/** The state with the changes of a running rollout on top. */
import t from 'tap'
import type { ConfigState } from '../../src/core/config-state.ts'
import { drained } from '../../src/core/route.ts'
import type { Snapshot } from '../../src/core/snapshot.ts'
import { makeFacts } from './make.ts'
import { commit, makeRollout, put, remove, rollOut, rule, stateOf } from './make-rollout.ts'

const putRule = (id: string, item: object) => ({ op: 'put', kind: 'forward_rule', id, item: { respond: {}, ...item } }) as const

function takenBy(snapshot: Snapshot, path = '/'): string {
  const route = snapshot.match(makeFacts(path))
  return route === undefined || route === drained ? 'none' : route.rule.id
}

t.test('what a rollout changes is in the candidate alone', async t => {
  const begun = rollOut(stateOf(rule('a', { path: '/a' }), rule('b', { path: '/b' })), [
    putRule('c', { path: '/c' }),
    { op: 'delete', kind: 'forward_rule', id: 'b' }
  ])
  t.same(
    ['/a', '/b', '/c'].map(path => takenBy(begun.snapshot, path)),
    ['a', 'b', 'none']
  )
  t.same(
    ['/a', '/b', '/c'].map(path => takenBy(begun.candidate!.snapshot, path)),
    ['a', 'none', 'c']
  )
})

t.test('without a running rollout there is no candidate', async t => {
  const state = stateOf(rule('a', { path: '/a' }))
  t.equal(state.candidate, undefined)
  const begun = rollOut(state, [putRule('a', { path: '/b' })])
  t.equal(begun.rollout?.id, 'x')
  const ended = commit(begun, put('rollout', 'x', { ...begun.rollout!.item, status: 'aborted', reason: 'no' }))
  t.equal(ended.candidate, undefined)
  t.equal(ended.rollout, undefined)
  t.equal(ended.get('rollout', 'x')?.item.status, 'aborted', 'it is remembered')
  t.equal(commit(begun, remove('rollout', 'x')).candidate, undefined)
  t.equal(rollOut(state, [], { changes: undefined, base: undefined } as never).candidate, undefined, 'a ramp has none')
})

t.test('another commit is in both, and a move of the rollout derives nothing anew', async t => {
  const begun = rollOut(stateOf(rule('a', { path: '/a' })), [putRule('a', { path: '/a2' })])
  const next = commit(begun, rule('b', { path: '/b' }))
  t.equal(takenBy(next.snapshot, '/b'), 'b')
  t.equal(takenBy(next.candidate!.snapshot, '/b'), 'b')
  t.equal(takenBy(next.candidate!.snapshot, '/a2'), 'a')
  const moved = commit(next, put('rollout', 'x', { ...next.rollout!.item, step: 1 }))
  t.equal(moved.candidate, next.candidate)
})

t.test('a rule that is new in the candidate is the youngest, in the order it was written', async t => {
  const begun = rollOut(stateOf(rule('old', { path: '/', headers: { a: '1' } })), [
    putRule('z', { path: '/', headers: { b: '1' } }),
    putRule('a', { path: '/', headers: { c: '1' } })
  ])
  const route = begun.candidate!.snapshot.match(makeFacts('/', { headers: { b: '1', c: '1' } }))
  t.equal(route === undefined || route === drained ? undefined : route.rule.id, 'z')
})

t.test('each side of a split gets what its own weights say', async t => {
  const before = stateOf(rule('a', { path: '/', weight: 50 }), rule('b', { path: '/', weight: 50 }))
  let state = rollOut(before, [putRule('a', { path: '/', weight: 90 }), putRule('b', { path: '/', weight: 10 })])
  const taken = { current: new Map<string, number>(), candidate: new Map<string, number>() }
  const take = (side: keyof typeof taken, of: ConfigState) => {
    const id = takenBy(of.snapshot)
    taken[side].set(id, (taken[side].get(id) ?? 0) + 1)
  }
  // Requests of both sides come by turns, and other commits all the time.
  for (let index = 0; index < 1_000; index++) {
    take('current', state)
    take('candidate', state.candidate!)
    if (index % 3 === 0) state = commit(state, rule('other', { path: '/other', description: String(index) }))
  }
  t.same([...taken.current].sort(), [
    ['a', 500],
    ['b', 500]
  ])
  t.same([...taken.candidate].sort(), [
    ['a', 900],
    ['b', 100]
  ])
})

t.test('what a rollout that cannot be read would change is nothing', async t => {
  const state = commit(stateOf(rule('a', { path: '/a' })), put('rollout', 'x', { ...makeRollout(), step: 7 }))
  t.equal(state.rollout, undefined)
  t.match(state.problems, [{ kind: 'rollout', id: 'x', code: 'validation_failed' }])
  t.equal(takenBy(state.snapshot, '/a'), 'a')
})

t.test('of two that say they are running, the older one is', async t => {
  const state = commit(stateOf(put('rollout', 'first', makeRollout({ id: 'first' }))), put('rollout', 'a', makeRollout({ id: 'a' })))
  t.equal(state.rollout?.id, 'first')
})

t.test('a rollout is part of what is known, kept and compared', async t => {
  const state = stateOf(rule('a', { path: '/a' }))
  const begun = rollOut(state, [putRule('a', { path: '/b' })])
  t.same(
    [...begun.known()].map(({ kind, id }) => `${kind}/${id}`),
    ['forward_rule/a', 'rollout/x']
  )
  t.same(
    [...begun.liveItems()].map(({ kind }) => kind),
    ['forward_rule', 'rollout']
  )
  t.not(begun.digest, state.digest)
  t.equal(commit(begun, remove('rollout', 'x')).digest, state.digest)
})
