import fc from 'fast-check'
import t from 'tap'
import type { ConfigState } from '../../src/core/config-state.ts'
import { RolloutTraffic } from '../../src/core/rollout-traffic.ts'
import { drained } from '../../src/core/route.ts'
import { makeFacts, type RequestFields } from './make.ts'
import { commit, makeRollout, put, rollOut, rule, stateOf } from './make-rollout.ts'

const putRule = (id: string, item: object) => ({ op: 'put', kind: 'forward_rule', id, item: { respond: {}, ...item } }) as const
const service = (id: string, port: number) => put('service', id, { targets: [{ url: `http://127.0.0.1:${port}` }] })
const trafficOf = (state: ConfigState, before?: RolloutTraffic) => RolloutTraffic.next(before, state)!
const ips = Array.from({ length: 10_000 }, (_, index) => `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`)

function follow(traffic: RolloutTraffic, path = '/', fields: RequestFields = {}) {
  const { route, arm } = traffic.match(makeFacts(path, fields))
  return { arm: arm?.name, rule: route === undefined ? 'none' : route === drained ? 'drained' : route.rule.id }
}

const change = [putRule('new', { path: '/', priority: 1 })]
const at = (percent: number, fields: object = {}) =>
  trafficOf(rollOut(stateOf(rule('old', { path: '/' })), change, { percents: [percent], ...fields }))

t.test('the share of clients that a step says follows the candidate, and the others do not', async t => {
  for (const percent of [1, 5, 25, 50, 99]) {
    const traffic = at(percent)
    const touched = ips.filter(ip => follow(traffic, '/', { ip }).rule === 'new').length
    t.ok(Math.abs(touched - percent * 100) < 4 * Math.sqrt(percent * (100 - percent)), `${touched} of 10,000 at ${percent} %`)
  }
  t.ok(ips.every(ip => follow(at(100), '/', { ip }).rule === 'new'))
})

t.test('a client stays where it is: greater shares only add clients', async t => {
  fc.assert(
    fc.property(fc.ipV4(), fc.integer({ min: 1, max: 99 }), fc.integer({ min: 1, max: 99 }), (ip, a, b) => {
      const [less, more] = [at(Math.min(a, b)), at(Math.max(a, b))].map(traffic => traffic.isTouched(makeFacts('/', { ip })))
      return !less || more
    }),
    { numRuns: 300 }
  )
  const facts = ips.slice(0, 1_000).map(ip => makeFacts('/', { ip }))
  const [one, other] = [at(50), at(50, { id: 'y' })].map(traffic => facts.map(client => traffic.isTouched(client)))
  t.notSame(one, other, 'another rollout begins with other clients')
})

t.test('a client is known by what the rollout splits on, or by its address', async t => {
  const touchedBy = (split_on: string, fields: RequestFields) => at(50, { split_on }).isTouched(makeFacts('/', fields))
  const values = Array.from({ length: 50 }, (_, index) => `u${index}`)
  for (const [splitOn, headers] of [
    ['header:X-User', (value: string) => ({ 'x-user': value })],
    ['cookie:uid', (value: string) => ({ cookie: `uid=${value}` })]
  ] as const) {
    const verdicts = values.map(value => touchedBy(splitOn, { headers: headers(value) }))
    t.same(
      values.map(value => touchedBy(splitOn, { headers: headers(value), ip: '10.9.9.9' })),
      verdicts,
      `${splitOn}: wherever it comes from`
    )
    t.equal(new Set(verdicts).size, 2)
    t.same(
      ips.slice(0, 50).map(ip => touchedBy(splitOn, { ip })),
      ips.slice(0, 50).map(ip => touchedBy('ip', { ip })),
      'without a value'
    )
  }
})

t.test('only requests that the two configurations treat differently are on a side', async t => {
  const base = stateOf(
    service('s', 1),
    service('u', 3),
    rule('a', { path: '/a' }),
    rule('b', { path: '/b', respond: undefined, target_service: 's' }),
    rule('c', { path: '/c', respond: undefined, target_service: 'u' }),
    rule('gone', { path: '/gone' })
  )
  const changes = [
    putRule('a-header', { path: '/a', headers: { x: '1' } }),
    { op: 'delete', kind: 'forward_rule', id: 'gone' },
    { op: 'put', kind: 'service', id: 's', item: { targets: [{ url: 'http://127.0.0.1:2' }] } },
    putRule('new', { path: '/new' })
  ] as const
  const traffic = trafficOf(rollOut(base, [...changes], { percents: [100] }))
  t.same(follow(traffic, '/a'), { arm: undefined, rule: 'a' }, 'the new rule does not match it')
  t.same(follow(traffic, '/a', { headers: { x: '1' } }), { arm: 'candidate', rule: 'a-header' })
  t.same(follow(traffic, '/b'), { arm: 'candidate', rule: 'b' }, 'its service changes')
  t.same(follow(traffic, '/c'), { arm: undefined, rule: 'c' }, 'its service does not')
  t.same(follow(traffic, '/gone'), { arm: 'candidate', rule: 'none' })
  t.same(follow(traffic, '/new'), { arm: 'candidate', rule: 'new' })
  t.same(follow(traffic, '/nowhere'), { arm: undefined, rule: 'none' })
  const small = trafficOf(rollOut(base, [...changes], { percents: [1] }))
  const untouched = ips.find(ip => !small.isTouched(makeFacts('/', { ip })))!
  t.same(follow(small, '/new', { ip: untouched }), { arm: 'current', rule: 'none' }, 'who is not touched is what it is compared with')
})

t.test('what is counted goes on over other commits, and begins anew with each step', async t => {
  const begun = rollOut(stateOf(rule('old', { path: '/' })), change, { percents: [50, 100] })
  const first = trafficOf(begun)
  for (const ip of ips.slice(0, 100)) first.match(makeFacts('/', { ip })).arm!.stats.record(false, 1)
  const next = commit(begun, rule('other', { path: '/other' }))
  const second = trafficOf(next, first)
  const { current, candidate } = second.report()
  t.equal(current.requests + candidate.requests, 100)
  t.same(second.report(), first.report())
  const moved = trafficOf(commit(next, put('rollout', 'x', { ...begun.rollout!.item, step: 1 })), second)
  t.match(moved.report(), { id: 'x', step: 1, current: { requests: 0 }, candidate: { requests: 0 } })
  t.equal(RolloutTraffic.next(moved, stateOf(rule('old', { path: '/' }))), undefined)
})

t.test('the live state of services is apart where there are two versions of them', async t => {
  const { arm } = at(100).match(makeFacts('/'))
  t.equal(arm?.scope, 'x')
  t.equal(at(1).match(makeFacts('/', { ip: ips.find(ip => !at(1).isTouched(makeFacts('/', { ip })))! })).arm?.scope, '')
})

t.test('a ramp changes nobody: the group decides, and its rules are the sides', async t => {
  const state = commit(
    stateOf(rule('stable', { path: '/', weight: 3 }), rule('canary', { path: '/', weight: 1 }), rule('other', { path: '/x' })),
    put('rollout', 'x', makeRollout({ ramp: { rule: 'canary', before: { stable: 1, canary: 0 }, now: { stable: 3, canary: 1 } } }))
  )
  const traffic = trafficOf(state)
  t.equal(traffic.candidate, undefined)
  const followed = Array.from({ length: 4 }, () => follow(traffic))
  t.same(followed.map(({ rule }) => rule).sort(), ['canary', 'stable', 'stable', 'stable'])
  for (const { arm, rule } of followed) t.equal(arm, rule === 'canary' ? 'candidate' : 'current')
  t.same(follow(traffic, '/x'), { arm: undefined, rule: 'other' })
  t.equal(traffic.match(makeFacts('/')).arm?.scope, '', 'its services are the same for all')
})
