import t from 'tap'
import { isEverywhere, spreadOf } from '../../src/control/spread.ts'
import type { InstanceReport } from '../../src/core/store.ts'

const report = (id: string, more: Partial<InstanceReport> = {}): InstanceReport => ({
  id,
  version: '0.1.0',
  revision: 5,
  digest: 'd5',
  epoch: 'life',
  at: '2026-11-20T00:00:00.000Z',
  rejected: [],
  ...more
})
const refused = (id: string) => [{ kind: 'forward_rule' as const, id, reason: 'no' }]
const written = { revision: 5, items: [{ kind: 'forward_rule' as const, id: 'r' }] }
const self = report('self')

t.test('an instance counts when what it says proves that it follows the write', async t => {
  const cases: [what: string, other: Partial<InstanceReport>, self: Partial<InstanceReport>, list: 'applied' | 'pending' | 'rejected'][] = [
    ['at the revision, with the same', {}, {}, 'applied'],
    ['at the revision, when we are further by now', {}, { revision: 7, digest: 'd7' }, 'applied'],
    ['behind', { revision: 4, digest: 'd4' }, {}, 'pending'],
    ['at the revision, with something else', { digest: 'x' }, {}, 'pending'],
    ['ahead of us: it may be in a past that is gone', { revision: 6, digest: 'd6' }, {}, 'pending'],
    ['in another life', { epoch: 'other' }, {}, 'pending'],
    ['of a version that does not name its life', { epoch: '' }, {}, 'applied'],
    ['before we know the life ourselves', {}, { epoch: '' }, 'applied'],
    ['without the item', { rejected: refused('r') }, {}, 'rejected'],
    ['without an item that was not written', { rejected: refused('other') }, {}, 'applied'],
    ['behind, without an earlier version of the item', { revision: 4, digest: 'd4', rejected: refused('r') }, {}, 'pending']
  ]
  for (const [what, other, own, list] of cases) {
    const spread = spreadOf(written, { ...self, ...own }, [report('other', other), self])
    const expected = { applied: ['self'], pending: [] as string[], rejected: [] as unknown[] }
    if (list === 'rejected') expected.rejected.push({ instance: 'other', reason: 'forward_rule/r: no' })
    else expected[list].push('other')
    t.same(spread, expected, what)
  }
})

t.test('this instance has applied it, whether its report is there, old or missing', async t => {
  for (const reports of [[], [self], [report('self', { revision: 1, rejected: refused('r') })]])
    t.same(spreadOf(written, self, reports), { applied: ['self'], pending: [], rejected: [] })
})

t.test('everywhere is when nobody is pending and nobody has rejected it', async t => {
  t.ok(isEverywhere({ applied: ['a'], pending: [], rejected: [] }))
  t.notOk(isEverywhere({ applied: ['a'], pending: ['b'], rejected: [] }))
  t.notOk(isEverywhere({ applied: ['a'], pending: [], rejected: [{ instance: 'b', reason: 'no' }] }))
})
