import t from 'tap'
import type { ConfigState } from '../../src/core/config-state.ts'
import { conflictOf, groupWeights } from '../../src/core/rollout-conflict.ts'
import { commit, makeRollout, put, remove, rollOut, rule, stateOf } from './make-rollout.ts'

const putRule = (id: string, item: object) => ({ op: 'put', kind: 'forward_rule', id, item: { respond: {}, ...item } }) as const
const service = (id: string) => put('service', id, { targets: [{ url: 'http://127.0.0.1:1' }] })
const conflictIn = (state: ConfigState) => conflictOf(state, state.rollout!.item)

const base = stateOf(service('s'), service('t'), rule('a', { path: '/a' }), rule('b', { path: '/b' }))
const begun = rollOut(base, [
  putRule('a', { path: '/a2', target_service: 's', respond: undefined }),
  putRule('new', { path: '/new' }),
  { op: 'delete', kind: 'service', id: 't' }
])

t.test('other commits are no conflict', async t => {
  t.equal(conflictIn(begun), undefined)
  t.equal(conflictIn(commit(begun, rule('b', { path: '/b3' }), rule('c', { path: '/c' }), remove('forward_rule', 'b'))), undefined)
  t.equal(conflictIn(commit(begun, { ...rule('a', { path: '/a' }), seq: 99 } as never)), undefined, 'the same once more, counted anew')
})

t.test('whoever changes what the rollout changes stands against it', async t => {
  t.equal(conflictIn(commit(begun, rule('a', { path: '/mine' }))), "the rule 'a' was changed by somebody else")
  t.equal(conflictIn(commit(begun, remove('forward_rule', 'a'))), "the rule 'a' was changed by somebody else")
  t.equal(conflictIn(commit(begun, rule('new', { path: '/new' }))), "the rule 'new' was changed by somebody else")
  t.equal(conflictIn(commit(begun, rule('a', { path: 7 }))), "the rule 'a' was changed by somebody else", 'also by what cannot be live')
})

t.test('what makes its changes impossible stands against it', async t => {
  t.equal(
    conflictIn(commit(begun, remove('service', 's'))),
    "the rule 'a' cannot be live any more: /target_service names the unknown service 's'"
  )
  t.equal(
    conflictIn(commit(begun, rule('c', { path: '/new' }))),
    "the rule 'new' cannot be live any more: /weight has the same match and priority as 'c'; both need a weight"
  )
  t.equal(
    conflictIn(commit(begun, rule('c', { path: '/c', target_service: 't', respond: undefined }))),
    "the service 't' cannot be deleted any more: it is used by the rule 'c'"
  )
})

const group = stateOf(rule('stable', { path: '/', weight: 95 }), rule('canary', { path: '/', weight: 5 }), rule('other', { path: '/x' }))
const ramp = { rule: 'canary', before: { stable: 100, canary: 0 }, now: { stable: 95, canary: 5 } }
const ramped = commit(group, put('rollout', 'x', makeRollout({ ramp })))

t.test('a ramp goes on as long as the group is as it left it', async t => {
  t.equal(conflictIn(ramped), undefined)
  t.equal(conflictIn(commit(ramped, rule('other', { path: '/y' }))), undefined)
  t.equal(conflictIn(commit(ramped, rule('stable', { path: '/', weight: 95, description: 'new' }))), undefined)
  const cases: [string, ConfigState][] = [
    ["the weight of the rule 'stable' was changed by somebody else", commit(ramped, rule('stable', { path: '/', weight: 90 }))],
    ["the rule 'third' came into the group", commit(ramped, rule('third', { path: '/', weight: 1 }))],
    [
      "the rule 'third' left the group",
      commit(group, put('rollout', 'x', makeRollout({ ramp: { ...ramp, now: { ...ramp.now, third: 1 } } })))
    ],
    ["the group of the rule 'canary' was changed by somebody else", commit(ramped, remove('forward_rule', 'stable'))],
    ["the group of the rule 'canary' was changed by somebody else", commit(ramped, remove('forward_rule', 'canary'))],
    [
      "the group of the rule 'canary' was changed by somebody else",
      commit(ramped, rule('canary', { path: '/', weight: 5, enabled: false }))
    ],
    ["the group of the rule 'canary' was changed by somebody else", commit(ramped, rule('stable', { path: '/', weight: 'x' }))]
  ]
  for (const [reason, state] of cases) t.equal(conflictIn(state), reason)
})

t.test('the weights of a group are those of all its rules', async t => {
  t.same(groupWeights(group, 'stable'), { stable: 95, canary: 5 })
  t.equal(groupWeights(group, 'other'), undefined, 'alone')
  t.equal(groupWeights(group, 'no'), undefined)
})
