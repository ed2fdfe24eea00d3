/** Tests that travel with rules: what they refuse, and how that is told. */
import t from 'tap'
import { type Admin, startAdmin } from '../helpers/admin.ts'

const target = 'http://127.0.0.1:9'
const api = {
  id: 'api',
  path: '/api',
  target,
  strip_prefix: true,
  tests: [{ request: { url: '/api/users' }, expect: { rule: 'api', upstream_path: '/users' } }]
}

async function withApi(t: Parameters<typeof startAdmin>[0]): Promise<Admin> {
  const admin = await startAdmin(t)
  const { status, body } = await admin.call('POST', '/forward-rules', api)
  if (status !== 201) throw new Error(JSON.stringify(body))
  return admin
}

t.test('tests come back as they were sent', async t => {
  const { call } = await startAdmin(t)
  const tests = [
    {
      request: {
        method: 'GET',
        url: 'http://a.example/api',
        headers: { 'X-A': ['1', '2'] },
        source_ip: '10.0.0.1',
        at: '2026-12-01T00:00:00Z'
      },
      expect: { rule: 'api', outcome: 'forward', upstream_path: '/', target }
    },
    { request: { url: '/nowhere' }, expect: { rule: null, outcome: 'no_rule', status: 404 } }
  ]
  const { status, body } = await call('POST', '/forward-rules', { ...api, tests })
  t.equal(status, 201, JSON.stringify(body))
  t.strictSame(body.tests, tests)
  t.strictSame((await call('GET', '/config')).body.forward_rules[0].tests, tests)
  t.equal((await call('PUT', '/forward-rules/api', body)).status, 200)
})

t.test('a rule whose own test fails is refused with its place', async t => {
  const { call, live } = await startAdmin(t)
  const { status, body } = await call('POST', '/forward-rules', { ...api, strip_prefix: false })
  t.equal(status, 422)
  const detail =
    "test 0 of rule 'api': GET /api/users should give rule 'api', upstream_path '/users'; it gives rule 'api', upstream_path '/api/users'"
  t.match(body, { code: 'expectation_failed', errors: [{ pointer: '/tests/0', detail }] })
  t.match(body.detail, detail)
  t.equal(live.state?.revision, 0)
})

t.test('every write is held to the tests of all rules', async t => {
  const { call, live } = await withApi(t)
  const users = { path: '/api/users', target }
  const put = { op: 'put', kind: 'forward_rule', id: 'users', item: users }
  const cases: [promise: string, method: string, url: string, body: unknown, pointer: string][] = [
    ['a new rule', 'POST', '/forward-rules', { id: 'users', ...users }, '/forward_rules/api/tests/0'],
    ['a rule put', 'PUT', '/forward-rules/users', users, '/forward_rules/api/tests/0'],
    ['a rule patched', 'PATCH', '/forward-rules/api', { path: '/v2' }, '/tests/0'],
    ['a rule patched, in a dry run', 'PATCH', '/forward-rules/api?dry_run=true', { enabled: true, weight: 0 }, '/tests/0'],
    ['a commit', 'POST', '/commits', { changes: [put] }, '/forward_rules/api/tests/0'],
    [
      'a commit that brings the rule too',
      'POST',
      '/commits',
      { changes: [put, { op: 'put', kind: 'forward_rule', item: api }] },
      '/changes/1/item/tests/0'
    ],
    ['a document', 'PUT', '/config', { forward_rules: [{ id: 'users', ...users }] }, '/forward_rules/api/tests/0'],
    [
      'a document that lists the rule as it is',
      'PUT',
      '/config?prune=true',
      { forward_rules: [{ id: 'users', ...users }, api] },
      '/forward_rules/1/tests/0'
    ]
  ]
  for (const [promise, method, url, sent, pointer] of cases) {
    const { status, body } = await call(method, url, sent)
    t.match(
      { status, body },
      { status: 422, body: { code: 'expectation_failed', errors: [{ pointer }] } },
      `${promise}: ${JSON.stringify(body)}`
    )
  }
  t.equal(live.state?.revision, 1)
})

t.test('a rule that the test of another names cannot be deleted, but both can in one commit', async t => {
  const { call, live } = await withApi(t)
  await call('POST', '/forward-rules', {
    id: 'other',
    path: '/other',
    target,
    tests: [{ request: { url: '/api' }, expect: { rule: 'api' } }]
  })
  const refused = await call('DELETE', '/forward-rules/api')
  t.match(refused, { status: 422, body: { code: 'expectation_failed', errors: [{ pointer: '/forward_rules/other/tests/0' }] } })
  const remove = (id: string) => ({ op: 'delete', kind: 'forward_rule', id })
  t.equal((await call('POST', '/commits', { changes: [remove('api'), remove('other')] })).status, 200)
  t.equal(live.state?.count('forward_rule'), 0)
})

t.test('a rule and the test that it breaks can change together', async t => {
  const { call } = await withApi(t)
  const changed = { ...api, tests: [{ request: { url: '/api/users' }, expect: { rule: 'users' } }] }
  const { status } = await call('PUT', '/config', { forward_rules: [{ id: 'users', path: '/api/users', target }, changed] })
  t.equal(status, 200)
  t.equal((await call('PATCH', '/forward-rules/api', { tests: null })).status, 200)
  t.notOk('tests' in (await call('GET', '/forward-rules/api')).body)
  t.equal((await call('DELETE', '/forward-rules/users')).status, 204)
})

t.test('all failures are listed, up to 50', async t => {
  const { call } = await startAdmin(t)
  const tests = Array.from({ length: 20 }, () => ({ request: { url: '/a' }, expect: { rule: 'x' } }))
  const forward_rules = Array.from({ length: 4 }, (_, at) => ({ id: `r${at}`, path: `/${at}`, target, tests }))
  const { status, body } = await call('PUT', '/config', { forward_rules })
  t.equal(status, 422)
  t.equal(body.errors.length, 50)
  t.match(body.detail, /\(and 79 more\)$/)
})

t.test('a test that says too little or too much is refused', async t => {
  const { call } = await startAdmin(t)
  const good = { request: { url: '/' }, expect: { rule: 'api' } }
  const cases: [test: unknown, pointer: string][] = [
    [{ ...good, expect: {} }, '/tests/0/expect'],
    [{ ...good, expect: { rule: 'a b' } }, '/tests/0/expect/rule'],
    [{ ...good, expect: { upstream: '/' } }, '/tests/0/expect/upstream'],
    [{ ...good, expect: { outcome: 'maybe' } }, '/tests/0/expect/outcome'],
    [{ ...good, expect: { status: 99 } }, '/tests/0/expect/status'],
    [{ ...good, expect: { target: 'x' } }, '/tests/0/expect/target'],
    [{ ...good, name: 'x' }, '/tests/0/name'],
    [{ request: good.request }, '/tests/0/expect'],
    [{ expect: good.expect }, '/tests/0/request'],
    [{ ...good, request: {} }, '/tests/0/request/url'],
    [{ ...good, request: { url: '/a%2fb' } }, '/tests/0/request/url'],
    [{ ...good, request: { url: '/', at: 'tomorrow' } }, '/tests/0/request/at'],
    [{ ...good, request: { url: '/', source_ip: '10.0.0.300' } }, '/tests/0/request/source_ip'],
    [{ ...good, request: { url: '/', ip: '10.0.0.3' } }, '/tests/0/request/ip'],
    ['/', '/tests/0']
  ]
  for (const [test, pointer] of cases) {
    const { status, body } = await call('POST', '/forward-rules', { ...api, tests: [test] })
    t.match({ status, body }, { status: 400, body: { code: 'validation_failed', errors: [{ pointer }] } }, JSON.stringify(body.errors))
  }
  const many = await call('POST', '/forward-rules', { ...api, tests: Array.from({ length: 21 }, () => good) })
  t.match(many, { status: 400, body: { errors: [{ pointer: '/tests' }] } })
})

t.test('what went past the API is live, listed, and does not stand in the way of other writes', async t => {
  const { call, store, live } = await withApi(t)
  await store.commit([{ op: 'put', kind: 'forward_rule', id: 'users', item: { path: '/api/users', target } }], 'by hand')
  await live.reached(2, 1000)
  const listed = (await call('GET', '/config/problems')).body.items
  t.match(listed, [
    {
      kind: 'forward_rule',
      id: 'api',
      code: 'expectation_failed',
      previous_live: true,
      revision: 1,
      errors: [{ pointer: '/tests/0', detail: /it gives rule 'users'/ }]
    }
  ])
  t.equal(live.snapshot?.rule('users')?.id, 'users', 'nothing is held back')
  t.match((await call('GET', '/health')).body, { status: 'UP', details: { config: { quarantined: 0 } } })
  t.equal((await call('POST', '/forward-rules', { path: '/elsewhere', target })).status, 201)
  t.equal(
    (await call('PATCH', '/forward-rules/api', { description: 'x' })).status,
    422,
    'the rule itself must be mended when it is written'
  )
  t.equal((await call('DELETE', '/forward-rules/users')).status, 204)
  t.same((await call('GET', '/config/problems')).body.items, [])
})

t.test('a document is validated with its tests', async t => {
  const { call } = await startAdmin(t)
  const services = [{ id: 's' }]
  const { body } = await call('POST', '/config/validate', {
    services,
    forward_rules: [{ id: 'users', path: '/api/users', target_service: 's' }, api]
  })
  t.match(body, {
    valid: false,
    problems: [{ kind: 'forward_rule', id: 'api', index: 1, pointer: '/forward_rules/1/tests/0', detail: /it gives rule 'users'/ }]
  })
  t.strictSame((await call('POST', '/config/validate', { forward_rules: [api] })).body, { valid: true, problems: [] })
})
