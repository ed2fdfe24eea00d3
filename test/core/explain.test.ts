import t from 'tap'
import type { ForwardRule } from '../../schemas/forward-rule.ts'
import { explain } from '../../src/core/explain.ts'
import { Snapshot } from '../../src/core/snapshot.ts'
import { makeFacts, makeRule } from './make.ts'

const snapshotOf = (...rules: Partial<ForwardRule>[]): Snapshot =>
  Snapshot.empty.with({ revision: 1, addedRules: rules.map((fields, index) => makeRule(fields, index + 1)) })

t.test('the whole answer for a forwarded request', async t => {
  const snapshot = snapshotOf(
    { id: 'v2', path: '/api', headers: { 'api-version': 'v2' }, target: 'http://10.0.0.7/base', strip_prefix: true },
    { id: 'all', path: '/api' },
    { id: 'post', path: '/api', methods: ['POST'] },
    { id: 'other-host', path: '/', host: ['x.org'] },
    { id: 'elsewhere', path: '/elsewhere' }
  )
  t.same(explain(snapshot, makeFacts('/api/x?y', { headers: { 'api-version': 'v2' } })), {
    outcome: 'forward',
    rule: 'v2',
    upstream_path: '/x?y',
    location: null,
    target_service: null,
    target: 'http://10.0.0.7/base',
    won_by: 'predicates',
    group: [{ rule: 'v2', weight: null, share: 1 }],
    sticky: false,
    runners_up: [{ rule: 'all', lost_by: 'predicates' }],
    failed: [
      { rule: 'post', predicate: 'methods' },
      { rule: 'other-host', predicate: 'host' }
    ]
  })
})

t.test('no rule, and why not', async t => {
  const snapshot = snapshotOf(
    { id: 'h', path: '/a', headers: { 'X-A': '1', b: '2' } },
    { id: 'q', path: '/a', query: { page: '1' } },
    { id: 'c', path: '/a', cookies: { uid: { present: true } } },
    { id: 's', path: '/a', source_ip: ['10.0.0.0/8'] },
    { id: 't', path: '/a', active: { until: '1969-01-01T00:00:00Z' } },
    { id: 'm', path: '/a', methods: ['POST'], source_ip: ['10.0.0.0/8'], host: ['x.org', 'h'] },
    { id: 'w', path: '/a', host: ['*.x.org'], methods: ['POST'] },
    { id: 'r', path: '^/a$', path_type: 'regex', methods: ['POST'] },
    { id: 'r2', path: '^/b$', path_type: 'regex' }
  )
  const explained = explain(snapshot, makeFacts('/a', { headers: { 'x-a': '1' } }))
  t.match(explained, { outcome: 'no_rule', rule: null, won_by: null, group: [], runners_up: [], upstream_path: null })
  t.same(Object.fromEntries(explained.failed.map(({ rule, predicate }) => [rule, predicate])), {
    h: 'headers.b',
    q: 'query.page',
    c: 'cookies.uid',
    s: 'source_ip',
    t: 'active',
    m: 'methods',
    w: 'host',
    r: 'methods'
  })
})

t.test('a redirect, an answer of its own, a service', async t => {
  const snapshot = snapshotOf(
    { id: 'redirect', path: '/old', redirect: { location: 'https://{host}/new{query}' } },
    { id: 'respond', path: '/health', respond: { body: 'ok' } },
    { id: 'service', path: '/', target_service: 'users' }
  )
  t.match(explain(snapshot, makeFacts('/old?x')), { outcome: 'redirect', location: 'https://h/new?x', upstream_path: null })
  t.match(explain(snapshot, makeFacts('/health')), { outcome: 'respond', rule: 'respond', upstream_path: null, location: null })
  t.match(explain(snapshot, makeFacts('/x')), { outcome: 'forward', target_service: 'users', target: null, upstream_path: '/x' })
})

t.test('a group is told with its shares, and whose turn it is', async t => {
  const snapshot = snapshotOf({ id: 'a', weight: 3 }, { id: 'b', weight: 1 }, { id: 'c', path: '/', priority: -1 })
  t.match(explain(snapshot, makeFacts('/')), {
    rule: 'a',
    sticky: false,
    group: [
      { rule: 'a', weight: 3, share: 0.75 },
      { rule: 'b', weight: 1, share: 0.25 }
    ],
    runners_up: [{ rule: 'c', lost_by: 'priority' }]
  })
})

t.test('explaining moves no split', async t => {
  const snapshot = snapshotOf({ id: 'a', weight: 1 }, { id: 'b', weight: 1 })
  const facts = makeFacts('/')
  for (const expected of ['a', 'b', 'a', 'b']) {
    for (let times = 0; times < 3; times++) t.equal(explain(snapshot, facts).rule, expected)
    t.match(snapshot.match(facts), { rule: { id: expected } })
  }
})

t.test('a sticky choice is told as such', async t => {
  const snapshot = snapshotOf({ id: 'a', weight: 1, split_on: 'cookie:uid' }, { id: 'b', weight: 1 })
  const facts = makeFacts('/', { headers: { cookie: 'uid=7' } })
  const explained = explain(snapshot, facts)
  t.equal(explained.sticky, true)
  t.match(snapshot.match(facts), { rule: { id: explained.rule } })
  t.equal(explain(snapshot, makeFacts('/')).sticky, false, 'without the cookie it is by turns')
})

t.test('a drained group takes the request and forwards nothing', async t => {
  const explained = explain(snapshotOf({ id: 'a', weight: 0 }, { id: 'b', priority: -1 }), makeFacts('/'))
  t.match(explained, { outcome: 'drained', rule: null, won_by: 'priority', upstream_path: null })
  t.same(explained.group, [{ rule: 'a', weight: 0, share: 0 }])
  t.same(explained.runners_up, [{ rule: 'b', lost_by: 'priority' }])
})

t.test('lists are bounded, the closest first', async t => {
  const matching = Array.from({ length: 60 }, (_, index) => ({ id: `m${index}`, priority: index }))
  const failing = Array.from({ length: 60 }, (_, index) => ({ id: `f${index}`, priority: index, methods: ['POST'] }))
  const hosts = Array.from({ length: 60 }, (_, index) => ({ id: `h${index}`, priority: index - 100, host: [`h${index}.org`] }))
  const explained = explain(snapshotOf(...matching, ...failing, ...hosts), makeFacts('/'))
  t.equal(explained.rule, 'm59')
  t.same(
    explained.runners_up.map(({ rule }) => rule),
    Array.from({ length: 20 }, (_, index) => `m${58 - index}`)
  )
  t.same(
    explained.failed.map(({ rule }) => rule),
    Array.from({ length: 20 }, (_, index) => `f${59 - index}`)
  )
})
