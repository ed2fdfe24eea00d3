/** The tests of rules: what each expectation means, and which a change has to answer for. */
import fc from 'fast-check'
import t from 'tap'
import type { RuleTest } from '../../schemas/rule-test.ts'
import { parseItem } from '../../src/control/parse-item.ts'
import type { CommittedChange } from '../../src/core/change.ts'
import { ConfigState } from '../../src/core/config-state.ts'
import { brokenTests, failedTests } from '../../src/core/expectations.ts'
import { faultsOf, makeFacts } from './make.ts'
import type { ReferenceRequest } from './reference-matcher.ts'
import { paletteArbitrary, requestArbitrary, ruleArbitrary } from './rule-arbitrary.ts'

const target = 'http://127.0.0.1:1'
let seq = 0
const rule = (id: string, fields: object, at = ++seq): CommittedChange => ({ op: 'put', kind: 'forward_rule', id, item: fields, seq: at })
const remove = (id: string): CommittedChange => ({ op: 'delete', kind: 'forward_rule', id })
const service = (id: string): CommittedChange => ({ op: 'put', kind: 'service', id, item: { targets: [{ url: target }] }, seq: ++seq })
const after = (state: ConfigState, ...changes: CommittedChange[]) => state.apply({ revision: state.revision + 1, changes }, parseItem)
const start = (...changes: CommittedChange[]) => after(ConfigState.empty, ...changes)
const expecting = (url: string, expect: RuleTest['expect'], more: object = {}): RuleTest => ({ request: { url, ...more }, expect })
const namesOf = (failed: readonly { rule: { id: string }; index: number }[]) => failed.map(({ rule, index }) => `${rule.id}/${index}`)

const urlOf = ({ path, host, query }: ReferenceRequest) =>
  `${/^\w/.test(host) ? `http://${host}` : ''}${path}${query.length === 0 ? '' : `?${query.map(pair => pair.join('=')).join('&')}`}`

/** A state in which `tests` are those of a rule of their own that takes nothing else. */
const withTests = (changes: readonly CommittedChange[], ...tests: RuleTest[]) =>
  start(...changes, rule('tests', { path: '/tests', respond: {}, tests }))

const world = [
  service('users'),
  rule('users', { path: '/users', target_service: 'users', strip_prefix: true }),
  rule('direct', { path: '/direct', target: 'http://127.0.0.1:2/base' }),
  rule('old', { path: '/old', redirect: { status: 301, location: 'https://{host}/new{query}' } }),
  rule('tea', { path: '/tea', respond: { status: 418 } }),
  rule('dry', { path: '/dry', target, weight: 0 }),
  rule('inside', { path: '/inside', source_ip: '10.0.0.0/8', target }),
  rule('posts', { path: '/posts', methods: ['POST'], headers: { 'x-v': '2' }, target })
]

t.test('every expectation passes when it is so and fails when it is not', async t => {
  const cases: [url: string, more: object, so: RuleTest['expect'], notSo: RuleTest['expect']][] = [
    ['/users/7?a=b', {}, { rule: 'users' }, { rule: 'direct' }],
    ['/users/7?a=b', {}, { upstream_path: '/7?a=b' }, { upstream_path: '/users/7?a=b' }],
    ['/users/7', {}, { target_service: 'users' }, { target_service: 'others' }],
    ['/users/7', {}, { outcome: 'forward' }, { outcome: 'respond' }],
    ['/direct', {}, { target: 'http://127.0.0.1:2/base' }, { target: 'http://127.0.0.1:2' }],
    ['http://a.example/old?x=1', {}, { location: 'https://a.example/new?x=1' }, { location: 'https://b.example/new?x=1' }],
    ['/old', {}, { outcome: 'redirect', status: 301 }, { status: 308 }],
    ['/tea', {}, { outcome: 'respond', status: 418 }, { status: 200 }],
    ['/dry', {}, { outcome: 'drained', status: 503, rule: null }, { rule: 'dry' }],
    ['/nowhere', {}, { rule: null, status: 404, outcome: 'no_rule' }, { rule: 'users' }],
    ['/users', {}, { rule: 'users', upstream_path: '/' }, { rule: 'users', upstream_path: '/users' }],
    ['/users', {}, { rule: 'users' }, { rule: null }],
    ['/users', {}, { rule: 'users' }, { status: 200 }],
    ['/inside', { source_ip: '10.1.2.3' }, { rule: 'inside' }, { rule: null }],
    ['/inside', {}, { rule: null }, { rule: 'inside' }],
    ['/posts', { method: 'post', headers: { 'X-V': '2' } }, { rule: 'posts' }, { rule: null }],
    ['/posts', { headers: { 'X-V': '2' } }, { rule: null }, { rule: 'posts' }]
  ]
  for (const [url, more, so, notSo] of cases) {
    t.same(failedTests(withTests(world, expecting(url, so, more)), 0), [], `${url} ${JSON.stringify(so)}`)
    t.same(namesOf(failedTests(withTests(world, expecting(url, notSo, more)), 0)), ['tests/0'], `${url} ${JSON.stringify(notSo)}`)
  }
})

t.test('a failure says what was expected and what happens instead', async t => {
  const state = withTests(
    world,
    expecting('http://a.example/users/7', { rule: 'direct', upstream_path: '/7' }),
    expecting('/nowhere', { rule: 'users', status: 200 }, { method: 'PUT' })
  )
  t.same(
    failedTests(state, 0).map(({ detail }) => detail),
    [
      "GET http://a.example/users/7 should give rule 'direct', upstream_path '/7'; it gives rule 'users', upstream_path '/7'",
      "PUT /nowhere should give rule 'users', status 200; it gives rule null, status 404"
    ]
  )
})

t.test('a group passes when any rule of it that takes traffic does what is expected', async t => {
  const group = (weightOfC: number, split_on?: string) =>
    ['a', 'b', 'c'].map(id => {
      const fields = { path: '/g', target, rewrite: `/${id}`, weight: id === 'c' ? weightOfC : 1 }
      return rule(id, split_on === undefined ? fields : { ...fields, split_on })
    })
  for (const split of [undefined, 'cookie:uid']) {
    const tests = ['a', 'b', 'c'].map(id => expecting('/g', { rule: id, upstream_path: `/${id}` }, { headers: { cookie: 'uid=1' } }))
    t.same(failedTests(withTests(group(1, split), ...tests), 0), [], 'whosever turn it is')
    t.same(namesOf(failedTests(withTests(group(0, split), ...tests), 0)), ['tests/2'], 'weight 0 takes nothing')
  }
  const mixed = expecting('/g', { rule: 'a', upstream_path: '/b' })
  t.match(failedTests(withTests(group(0), mixed), 0)[0]?.detail, "it gives rule 'a', upstream_path '/a' or rule 'b', upstream_path '/b'")
})

t.test('a test moves no split on', async t => {
  const state = withTests(
    [rule('a', { path: '/g', respond: {}, weight: 1 }), rule('b', { path: '/g', respond: {}, weight: 1 })],
    expecting('/g', { rule: 'a' })
  )
  const group = state.snapshot.index.match(makeFacts('/g'))
  const turns = () => JSON.stringify(['a', 'b'].map(id => group?.turnOf(id)))
  const before = turns()
  for (let times = 0; times < 3; times++) failedTests(state, 0)
  t.equal(turns(), before)
})

t.test('a test without a moment is judged now, one with a moment then', async t => {
  const state = start(
    rule('later', {
      path: '/a',
      active: { from: '2030-01-01T00:00:00Z' },
      target,
      tests: [expecting('/a', { rule: null }), expecting('/a', { rule: 'later' }, { at: '2030-01-01T00:00:00Z' })]
    })
  )
  t.same(failedTests(state, Date.parse('2029-12-31T23:59:59Z')), [])
  t.same(namesOf(failedTests(state, Date.parse('2030-01-01T00:00:00Z'))), ['later/0'])
})

t.test('the tests of a rule that is not enabled rest', async t => {
  const tests = [expecting('/a', { rule: 'a' })]
  const resting = start(rule('a', { path: '/a', enabled: false, target, tests }, 1))
  t.equal(resting.tested.size, 0)
  t.same(failedTests(resting, 0), [])
  t.equal(after(resting, rule('a', { path: '/a', target, tests }, 1)).tested.size, 1)
})

t.test('what has tests is known at every revision', async t => {
  const tests = [expecting('/a', { rule: 'a' })]
  const one = start(rule('a', { path: '/a', target, tests }, 1), rule('b', { path: '/b', target }))
  const idsOf = (state: ConfigState) => [...state.tested.ids()]
  t.same(idsOf(one), ['a'])
  t.same(idsOf(after(one, rule('b', { path: '/b', target, tests }))).sort(), ['a', 'b'])
  t.same(idsOf(after(one, rule('a', { path: '/a', target }, 1))), [])
  t.same(idsOf(after(one, rule('a', { path: '/a', target, tests: [] }, 1))), [])
  t.same(idsOf(after(one, remove('a'))), [])
  t.same(idsOf(one), ['a'], 'the state before stays as it was')
})

t.test('a request that the gateway would refuse is a fault of the rule', async t => {
  const faults = (request: RuleTest['request']) =>
    faultsOf({ tests: [expecting('/', { rule: null }), { request, expect: { rule: null } }] }).map(
      ({ pointer, code }) => `${code} ${pointer}`
    )
  t.same(faults({ url: '/a%2fb' }), ['validation_failed /tests/1/request/url'])
  t.same(faults({ url: 'nonsense' }), ['validation_failed /tests/1/request/url'])
  t.same(faults({ url: '/', source_ip: 'x' }), ['validation_failed /tests/1/request/source_ip'])
  t.same(faults({ url: '/', headers: { host: 'a b' } }), ['validation_failed /tests/1/request/headers/host'])
  t.same(faults({ url: '/', at: '2026-12-31T23:59:60Z' }), ['validation_failed /tests/1/request/at'])
})

t.test('a change answers for tests that held before, whoever they belong to', async t => {
  const before = start(
    rule('api', { path: '/api', target, tests: [expecting('/api/users', { rule: 'api' }), expecting('/api/7', { rule: 'api' })] })
  )
  const changes = [rule('users', { path: '/api/users', target })]
  const next = after(before, ...changes)
  t.same(namesOf(brokenTests(before, next, changes, 0)), ['api/0'])
  t.same(namesOf(brokenTests(before, next, undefined, 0)), ['api/0'], 'also when it is not known what was changed')
  t.same(brokenTests(before, after(before, rule('other', { path: '/other', target })), changes, 0), [])
})

t.test('a change answers for every test that it brings', async t => {
  const changes = [rule('a', { path: '/a', target, tests: [expecting('/a', { rule: 'a' }), expecting('/a', { rule: 'b' })] }, 1)]
  const next = after(ConfigState.empty, ...changes)
  t.same(namesOf(brokenTests(ConfigState.empty, next, changes, 0)), ['a/1'])
  const again = [rule('a', { path: '/a', target, description: 'x', tests: [expecting('/a', { rule: 'b' })] }, 1)]
  t.same(namesOf(brokenTests(next, after(next, ...again), again, 0)), ['a/0'], 'also when it failed before')
})

t.test('what failed already, or came to fail as time went by, does not stand in the way of others', async t => {
  const before = start(
    rule('a', { path: '/a', target, tests: [expecting('/a', { rule: 'b' })] }),
    rule('soon', { path: '/s', active: { until: '2026-01-01T00:00:00Z' }, target, tests: [expecting('/s', { rule: 'soon' })] })
  )
  const changes = [rule('all', { path: '/', target })]
  const next = after(before, ...changes)
  t.same(brokenTests(before, next, changes, Date.parse('2026-01-01T00:00:00Z')), [])
  t.same(namesOf(failedTests(next, Date.parse('2026-01-01T00:00:00Z'))).sort(), ['a/0', 'soon/0'])
})

t.test('a rule that a deletion lets in answers to the tests of others', async t => {
  const item = { path: '/x', target }
  const before = start(
    rule('first', item),
    rule('second', { ...item, rewrite: '/second' }),
    rule('t', { path: '/t', target, tests: [expecting('/x', { upstream_path: '/x' })] })
  )
  t.same(namesOf(failedTests(before, 0)), [])
  const changes = [remove('first')]
  t.same(namesOf(brokenTests(before, after(before, ...changes), changes, 0)), ['t/0'])
})

t.test('a test is found by every rule that may take its request', async t => {
  const deep = '/1/2/3/4/5/6/7/8/9/10'
  const tests = ['/', '/a/b/', '/a/b', `${deep}/11`].map(path => expecting(`http://x.org${path}`, { rule: null }))
  const before = start(rule('t', { path: '/tests', respond: {}, tests }, 1))
  const cases: [fields: object, broken: string[]][] = [
    [{ path: '/' }, ['t/0', 't/1', 't/2', 't/3']],
    [{ path: '/', path_type: 'exact' }, ['t/0']],
    [{ path: '/a/b' }, ['t/1', 't/2']],
    [{ path: '/a/b/', path_type: 'exact' }, ['t/1']],
    [{ path: '/a/{x}/', path_type: 'template' }, ['t/1']],
    [{ path: '/{x}/b', path_type: 'template' }, ['t/2']],
    [{ path: '^/a/b$', path_type: 'regex' }, ['t/2']],
    [{ path: 'b/$', path_type: 'regex' }, ['t/1']],
    [{ path: deep, host: '*.org' }, ['t/3']],
    [{ path: `${deep}/11`, path_type: 'exact' }, ['t/3']],
    [{ path: deep.replace('10', '{x}/{y}'), path_type: 'template' }, ['t/3']],
    [{ path: `^${deep}/1`, path_type: 'regex' }, ['t/3']],
    [{ path: '/a', host: 'y.org' }, []],
    [{ path: '/a/bc' }, []]
  ]
  for (const [fields, broken] of cases) {
    const changes = [rule('new', { ...fields, target })]
    t.same(namesOf(brokenTests(before, after(before, ...changes), changes, 0)), broken, JSON.stringify(fields))
  }
})

t.test('a change of very many rules is judged as a small one is', async t => {
  const before = start(rule('all', { path: '/', target, tests: [expecting('/n77/x', { rule: 'all' }), expecting('/m', { rule: 'all' })] }))
  const changes = Array.from({ length: 100 }, (_, at) => rule(`n${at}`, { path: `/n${at}`, target }))
  t.same(namesOf(brokenTests(before, after(before, ...changes), changes, 0)), ['all/0'])
})

t.test('asking only the tests that a change concerns finds what asking all finds', async t => {
  const ids = ['r0', 'r1', 'r2', 'r3', 'r4', 'r5']
  const history = paletteArbitrary.chain(palette => {
    const test = fc.tuple(requestArbitrary, fc.constantFrom(...ids, null)).map(([request, id]) => expecting(urlOf(request), { rule: id }))
    const change = fc
      .tuple(fc.constantFrom(...ids), fc.boolean(), fc.array(test, { maxLength: 2 }))
      .chain(([id, isRemoved, tests]) =>
        isRemoved
          ? fc.constant(remove(id))
          : ruleArbitrary(id, palette).map(({ id: _, target_service: _s, ...item }) => rule(id, { ...item, target, tests }))
      )
    return fc.array(fc.uniqueArray(change, { minLength: 1, maxLength: 4, selector: ({ id }) => id }), { minLength: 2, maxLength: 4 })
  })
  const holds = fc.property(history, commits => {
    let before = ConfigState.empty
    for (const changes of commits) {
      const next = after(before, ...changes)
      const narrow = namesOf(brokenTests(before, next, changes, 0)).sort()
      const all = namesOf(brokenTests(before, next, undefined, 0)).sort()
      if (String(narrow) !== String(all)) throw new Error(`${narrow} is not ${all}`)
      before = next
    }
  })
  t.doesNotThrow(() => fc.assert(holds, { numRuns: 300 }))
})
