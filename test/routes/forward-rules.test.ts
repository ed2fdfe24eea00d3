import t from 'tap'
import type { ForwardRuleWrite } from '../../schemas/forward-rule.ts'
import { startAdmin } from '../helpers/admin.ts'

const target = 'http://127.0.0.1:9'
const short = { id: 'r1', path: '/api', target }
const canonical = {
  id: 'r1',
  description: '',
  labels: {},
  enabled: true,
  path: '/api',
  path_type: 'prefix',
  priority: 0,
  strip_prefix: false,
  host_header: 'preserve',
  target
}

t.test('POST makes a rule live and answers 201 with where it is and what it has become', async t => {
  const { call, live } = await startAdmin(t)
  const { status, headers, body } = await call('POST', '/forward-rules', short)
  t.equal(status, 201)
  t.equal(headers.location, '/forward-rules/r1')
  t.match(headers.etag, /^"[\w-]{22}"$/)
  t.equal(headers['sluice-revision'], '1')
  t.match(headers['content-type'], /^application\/json/)
  t.equal(headers['cache-control'], 'no-store')
  t.equal(headers['x-content-type-options'], 'nosniff')
  t.strictSame(body, canonical)
  t.ok(live.snapshot?.rule('r1'), 'it is live')
  const read = await call('GET', '/forward-rules/r1')
  t.strictSame([read.status, read.body, read.headers.etag], [200, canonical, headers.etag])
})

t.test('POST without an id makes one that is safe in a path', async t => {
  const { call } = await startAdmin(t)
  const { status, headers, body } = await call('POST', '/forward-rules', { path: '/a', target })
  t.equal(status, 201)
  t.match(body.id, /^rule-[0-9a-z]{10}$/)
  t.equal(headers.location, `/forward-rules/${body.id}`)
})

t.test('POST of an id that is there is 409 and changes nothing', async t => {
  const { call } = await startAdmin(t)
  await call('POST', '/forward-rules', short)
  const { status, body } = await call('POST', '/forward-rules', { ...short, path: '/other' })
  t.equal(status, 409)
  t.match(body, { code: 'already_exists', detail: "There is already a rule 'r1'", status: 409 })
  t.equal((await call('GET', '/forward-rules/r1')).body.path, '/api')
})

// One rule with every field: what a schema forgets would be lost on its way.
const full: ForwardRuleWrite = {
  id: 'full',
  description: 'all of it',
  labels: { team: 'users' },
  enabled: true,
  path: '^/users/(?P<id>[0-9]+)$',
  path_type: 'regex',
  host: ['api.example.com', '*.example.com'],
  methods: ['GET', 'POST'],
  headers: { 'api-version': 'v2', 'x-beta': { regex: '^(yes|1)$' }, 'x-any': { present: true } },
  query: { page: { present: false } },
  cookies: { uid: 'x' },
  source_ip: ['192.168.1.0/24', '2001:db8::/32'],
  active: { from: '2026-12-01T00:00:00Z', until: null },
  priority: 10,
  target,
  weight: 80,
  split_on: 'cookie:uid',
  rewrite: '/v2/users/$1',
  host_header: 'target',
  strip_prefix: false,
  request_headers: { set: { 'x-a': '1' }, add: { 'x-b': '2' }, remove: ['x-c'] },
  response_headers: { set: { 'x-d': '3' } },
  timeout_ms: { connect: 1, send: 2, read: 3, total: 4 },
  retry: { attempts: 3, on: ['reset', '429', '503'], methods: ['POST'], backoff_ms: 5, hedge_after_ms: 100 },
  max_body_bytes: 1024
}

t.test('every field of a rule comes back as it was sent, and the answer can be sent again', async t => {
  const { call } = await startAdmin(t)
  const { status, body, headers } = await call('POST', '/forward-rules', full)
  t.equal(status, 201, JSON.stringify(body))
  t.strictSame(body, full)
  t.strictSame((await call('GET', '/forward-rules')).body.items, [full])
  t.strictSame((await call('GET', '/config')).body.forward_rules, [full])
  const again = await call('PUT', '/forward-rules/full', body)
  t.strictSame([again.status, again.body, again.headers.etag], [200, full, headers.etag])
  for (const other of [
    { id: 'to', redirect: { status: 301, location: 'https://{host}{path}' } },
    { id: 'own', path: '/own', respond: { status: 418, headers: { 'x-a': 'b' }, body: 'tea' } }
  ])
    t.match((await call('POST', '/forward-rules', other)).body, other)
})

t.test('what a retry or a mirror leaves out is filled in', async t => {
  const { call } = await startAdmin(t)
  await call('PUT', '/services/s', { targets: [] })
  const { body } = await call('PUT', '/forward-rules/r', { target, retry: {}, mirror: { target_service: 's' } })
  const on = ['connect_error', 'reset', 'timeout', '502', '503', '504']
  t.strictSame(body.retry, { attempts: 1, on, methods: null, backoff_ms: 25, hedge_after_ms: null })
  t.strictSame(body.mirror, { target_service: 's', percent: 100 })
})

t.test('short forms are taken and answered in full', async t => {
  const { call } = await startAdmin(t)
  const { body } = await call('PUT', '/forward-rules/s', { method: 'get', host: 'API.example.com', source_ip: '10.0.0.0/8', target })
  t.match(body, { methods: ['GET'], host: ['api.example.com'], source_ip: ['10.0.0.0/8'], path: '/' })
  t.notOk('method' in body)
})

t.test('PUT creates with 201 and replaces with 200, as a whole', async t => {
  const { call } = await startAdmin(t)
  t.equal((await call('PUT', '/forward-rules/r1', { path: '/a', target, priority: 5 })).status, 201)
  const { status, body, headers } = await call('PUT', '/forward-rules/r1', { path: '/b', target })
  t.equal(status, 200)
  t.strictSame(body, { ...canonical, path: '/b' }, 'what is left out is back at its default')
  t.equal(headers['sluice-revision'], '2')
})

t.test('PUT of another id than the one in the URL is refused', async t => {
  const { call } = await startAdmin(t)
  const { status, body } = await call('PUT', '/forward-rules/r2', short)
  t.equal(status, 400)
  t.match(body, { code: 'validation_failed', errors: [{ pointer: '/id' }] })
})

t.test('PATCH merges, removes with null and replaces lists', async t => {
  const { call } = await startAdmin(t)
  await call('PUT', '/forward-rules/r1', { ...short, method: 'GET', labels: { a: '1', b: '2' }, priority: 3 })
  const { status, body } = await call(
    'PATCH',
    '/forward-rules/r1',
    { methods: null, labels: { a: null, c: '3' }, priority: null, host: 'x.example.com' },
    { 'content-type': 'application/merge-patch+json' }
  )
  t.equal(status, 200)
  t.strictSame(body, { ...canonical, labels: { b: '2', c: '3' }, host: ['x.example.com'] })
  const plain = await call('PATCH', '/forward-rules/r1', { method: 'PUT' })
  t.same(plain.body.methods, ['PUT'], 'application/json is taken as well')
  const swapped = await call('PATCH', '/forward-rules/r1', { target: null, redirect: { location: '/elsewhere' } })
  t.match(swapped.body, { redirect: { status: 308, location: '/elsewhere' } })
})

t.test('PATCH is judged as the whole it makes', async t => {
  const { call } = await startAdmin(t)
  await call('POST', '/forward-rules', short)
  for (const [patch, pointer] of [
    [{ wieght: 5 }, '/wieght'],
    [{ id: 'other' }, '/id'],
    [{ target_service: 'x' }, '/target_service'],
    [['a list'], '']
  ] as const) {
    const { status, body } = await call('PATCH', '/forward-rules/r1', patch)
    t.equal(status, 400, JSON.stringify(patch))
    t.equal(body.errors[0].pointer, pointer, JSON.stringify(body))
  }
  t.strictSame((await call('GET', '/forward-rules/r1')).body, canonical, 'nothing has changed')
})

t.test('DELETE ends a rule with 204 and no body', async t => {
  const { call, live } = await startAdmin(t)
  await call('POST', '/forward-rules', short)
  const { status, body, headers } = await call('DELETE', '/forward-rules/r1')
  t.strictSame([status, body, headers['sluice-revision']], [204, '', '2'])
  t.equal(live.snapshot?.rule('r1'), undefined)
})

t.test('what is not there is 404 rule_not_found', async t => {
  const { call } = await startAdmin(t)
  for (const [method, body] of [['GET'], ['DELETE'], ['PATCH', {}]] as const) {
    const answer = await call(method, '/forward-rules/nope', body)
    t.match(answer, { status: 404, body: { code: 'rule_not_found', detail: "There is no rule 'nope'" } }, method)
  }
})

t.test('an id in the URL that cannot be one is refused with its name', async t => {
  const { call } = await startAdmin(t)
  const { status, body } = await call('GET', '/forward-rules/a%20b')
  t.equal(status, 400)
  t.match(body, { code: 'validation_failed', errors: [{ pointer: '/id' }] })
})

t.test('rules with the same match share it only when both have a weight', async t => {
  const { call } = await startAdmin(t)
  await call('POST', '/forward-rules', { ...short, weight: 80 })
  const { status, body } = await call('POST', '/forward-rules', { ...short, id: 'r2' })
  t.equal(status, 409)
  t.match(body, { code: 'rule_conflict', detail: /'r1'/, errors: [{ pointer: '/weight' }] })
  t.equal((await call('POST', '/forward-rules', { ...short, id: 'r2', weight: 20 })).status, 201)
})

t.test('a rule cannot name a service that is not there', async t => {
  const { call } = await startAdmin(t)
  const { status, body } = await call('POST', '/forward-rules', { path: '/a', target_service: 'ghost' })
  t.equal(status, 422)
  t.match(body, { code: 'unknown_service', detail: /'ghost'/, errors: [{ pointer: '/target_service' }] })
})
