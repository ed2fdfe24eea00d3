/** Which of two rules that both match takes the request; the later one of each pair is older, so that age alone would decide otherwise. */
import t from 'tap'
import type { ForwardRule } from '../../schemas/forward-rule.ts'
import { explain } from '../../src/core/explain.ts'
import type { Criterion } from '../../src/core/rule-order.ts'
import { Snapshot } from '../../src/core/snapshot.ts'
import { makeFacts, makeRule } from './make.ts'

type Fields = Partial<ForwardRule>
const regex = (path: string): Fields => ({ path, path_type: 'regex' })
const template = (path: string): Fields => ({ path, path_type: 'template' })

const pairs: readonly (readonly [criterion: Criterion, what: string, winner: Fields, loser: Fields])[] = [
  ['priority', 'a higher priority', { ...regex('x'), priority: 1 }, { path: '/a/x', path_type: 'exact' }],
  ['priority', 'no priority over a negative one', {}, { path: '/a/x', path_type: 'exact', priority: -1 }],
  ['path', 'an exact path over a template', { path: '/a/x', path_type: 'exact' }, { ...template('/a/{p}'), methods: ['GET'] }],
  ['path', 'a template over a prefix', template('/{p}/{q}'), { path: '/a/x', host: ['h'] }],
  ['path', 'a template with more literals', template('/{p}/x'), template('/{p}/{q}')],
  ['path', 'a template with its literal further left', template('/a/{q}'), template('/{p}/x')],
  ['path', 'a longer prefix', { path: '/a/x' }, { path: '/a', host: ['h'], methods: ['GET'] }],
  ['path', 'a prefix over a regex', {}, { ...regex('^/a/x$'), host: ['h'] }],
  ['host', 'an exact host over a wildcard', { host: ['a.b.com'] }, { host: ['*.b.com'], methods: ['GET'] }],
  ['host', 'a longer wildcard', { host: ['*.b.com'] }, { host: ['*.com'], methods: ['GET'] }],
  ['host', 'a wildcard over any host', { host: ['*.com'] }, { methods: ['GET'] }],
  ['host', 'the best of its hosts', { host: ['*', 'a.b.com'] }, { host: ['*.b.com', '*.com'] }],
  ['predicates', 'more predicates', { headers: { a: '1', b: '2' } }, { methods: ['GET'] }],
  ['predicates', 'a window over none', { active: { from: '1970-01-01T00:00:00Z' } }, {}],
  ['predicates', 'an address over none', { source_ip: ['192.0.2.0/24'] }, {}],
  ['predicates', 'more patterns on one path type', { ...regex('x'), query: { q: '1' } }, regex('^/a/x')]
]

for (const [criterion, what, winner, loser] of pairs) {
  t.test(`${what} wins, by ${criterion}`, async t => {
    const rules = [makeRule({ id: 'winner', ...winner }, 2), makeRule({ id: 'loser', ...loser }, 1)]
    const facts = makeFacts('/a/x?q=1', {
      host: winner.host === undefined && loser.host?.[0] === 'h' ? 'h' : 'a.b.com',
      headers: { a: '1', b: '2' }
    })
    for (const addedRules of [rules, rules.toReversed()]) {
      const explained = explain(Snapshot.empty.with({ revision: 1, addedRules }), facts)
      t.equal(explained.rule, 'winner')
      t.equal(explained.won_by, criterion)
      t.same(explained.runners_up, [{ rule: 'loser', lost_by: criterion }])
    }
  })
}

t.test('of equals the older wins, and of those of one age the smaller id', async t => {
  const winnerOf = (a: Fields, aSeq: number, b: Fields, bSeq: number) =>
    explain(Snapshot.empty.with({ revision: 1, addedRules: [makeRule(a, aSeq), makeRule(b, bSeq)] }), makeFacts('/x?a=1&b=1'))
  const [a, b] = [
    { id: 'a', query: { a: '1' } },
    { id: 'b', query: { b: '1' } }
  ]
  t.match(winnerOf(a, 2, b, 1), { rule: 'b', won_by: 'age' })
  t.match(winnerOf(a, 1, b, 1), { rule: 'a', won_by: 'age' })
})
