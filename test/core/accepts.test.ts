/** One rule by itself against what the index makes of it. */
import fc from 'fast-check'
import t from 'tap'
import { accepts, hostRankOf, matchesPath } from '../../src/core/accepts.ts'
import { exactHostRank } from '../../src/core/host-pattern.ts'
import { Snapshot } from '../../src/core/snapshot.ts'
import { makeRule } from './make.ts'
import { paletteArbitrary, requestArbitrary, ruleArbitrary, toFacts } from './rule-arbitrary.ts'

t.test('a rule by itself matches what the index finds it for, and nothing else', async t => {
  const rule = paletteArbitrary.chain(palette => ruleArbitrary('r', palette))
  const holds = fc.property(rule, fc.array(requestArbitrary, { minLength: 8, maxLength: 8 }), (item, requests) => {
    const compiled = makeRule({ ...item, enabled: true })
    const { index } = Snapshot.empty.with({ revision: 1, addedRules: [compiled] })
    for (const request of requests) {
      const isFound = index.match(toFacts(request)) !== undefined
      if ((accepts(compiled.match, toFacts(request)) !== undefined) !== isFound)
        throw new Error(`${isFound} for ${JSON.stringify(request)}`)
    }
  })
  t.doesNotThrow(() => fc.assert(holds, { numRuns: 2_000 }))
})

t.test('the closest of several hosts gives the rank', async t => {
  const { hosts } = makeRule({ host: ['*.com', 'a.b.com', '*.b.com'] }).match
  t.equal(hostRankOf(hosts, 'a.b.com'), exactHostRank)
  t.equal(hostRankOf(hosts, 'x.b.com'), 'b.com'.length)
  t.equal(hostRankOf(hosts, 'b.com'), 'com'.length)
  t.equal(hostRankOf(hosts, 'com'), undefined)
  t.equal(hostRankOf(hosts, '.com'), undefined, 'nothing stands before the suffix')
  t.equal(hostRankOf(hosts, 'acom'), undefined)
})

t.test('a template takes whole segments that are not empty', async t => {
  const { path } = makeRule({ path: '/users/{id}/orders/', path_type: 'template' }).match
  t.ok(matchesPath(path, '/users/7/orders/'))
  for (const other of ['/users/7/orders', '/users//orders/', '/users/7/8/orders/', '/users/7/orders/x', '/'])
    t.notOk(matchesPath(path, other), other)
})
