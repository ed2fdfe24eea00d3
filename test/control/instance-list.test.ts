import t from 'tap'
import { toInstanceList } from '../../src/control/instance-list.ts'
import type { InstanceReport } from '../../src/core/store.ts'

const at = '2026-11-20T00:00:00.000Z'
const report = (id: string, revision: number, digest = `d${revision}`, epoch = 'life'): InstanceReport => ({
  id,
  version: '0.1.0',
  revision,
  digest,
  epoch,
  at,
  rejected: []
})
const states = (reports: InstanceReport[], self: string) => toInstanceList(reports, self).map(({ id, lag, in_sync }) => [id, lag, in_sync])

t.test('an instance says what it follows, and is told apart from the one that answers', async t => {
  t.same(toInstanceList([report('a', 3), report('b', 3)], 'b'), [
    { id: 'a', version: '0.1.0', revision: 3, lag: 0, digest: 'd3', at, self: false, in_sync: true },
    { id: 'b', version: '0.1.0', revision: 3, lag: 0, digest: 'd3', at, self: true, in_sync: true }
  ])
})

t.test('lag is counted from the newest revision of all', async t => {
  const expected = [
    ['a', 0, true],
    ['b', 2, false]
  ]
  for (const self of ['a', 'b']) t.same(states([report('a', 5), report('b', 3)], self), expected, `asked ${self}`)
})

t.test('of two that hold different things at the newest revision, neither is in sync', async t => {
  t.same(states([report('a', 5, 'x'), report('b', 5, 'y')], 'a'), [
    ['a', 0, false],
    ['b', 0, false]
  ])
})

t.test('revisions of another life of the store are not compared', async t => {
  t.same(states([report('a', 5), report('b', 900, 'z', 'other'), report('c', 5, 'd5', '')], 'a'), [
    ['a', 0, true],
    ['b', null, false],
    ['c', 0, true]
  ])
})
