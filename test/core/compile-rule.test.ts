import t from 'tap'
import type { ForwardRule } from '../../schemas/forward-rule.ts'
import { faultsOf, makeItem, makeRule } from './make.ts'

/** Where the faults are, in order. */
const pointers = (fields: Partial<ForwardRule>): readonly string[] => faultsOf(fields).map(({ pointer }) => pointer)

t.test('a rule takes its defaults', async t => {
  const rule = makeRule({ id: 'a', target_service: 'users' }, 7)
  t.match(rule, { id: 'a', seq: 7, hostHeader: 'preserve', maxBodyBytes: null, action: { type: 'service', service: 'users' } })
  t.same(rule.timeouts, { connect: 5_000, send: 10_000, read: 30_000, total: null })
  t.equal(rule.requestHeaders, undefined)
  t.equal(rule.rewritePath, undefined)
  t.same(rule.item, makeItem({ id: 'a', target_service: 'users' }))
})

t.test('what a rule says wins over the defaults', async t => {
  const rule = makeRule({ timeout_ms: { read: 1, total: 2 }, max_body_bytes: 0, host_header: 'target' })
  t.same(rule.timeouts, { connect: 5_000, send: 10_000, read: 1, total: 2 })
  t.equal(rule.maxBodyBytes, 0)
  t.equal(rule.hostHeader, 'target')
})

t.test('without a retry and a mirror there are none', async t => {
  t.strictSame([makeRule().retry, makeRule().mirror], [undefined, undefined])
  t.match(makeRule({ retry: { attempts: 2 } }).retry, { attempts: 2, backoffMs: 25 })
  t.strictSame(makeRule({ mirror: { target_service: 'm', percent: 0.5 } }).mirror, { service: 'm', share: 0.005 })
  t.strictSame(makeRule({ mirror: { target_service: 'm' } }).mirror, { service: 'm', share: 1 })
  t.same(pointers({ redirect: { location: '/x' }, mirror: { target_service: 'm' } }), ['/mirror'])
})

t.test('exactly one of the four actions must be given', async t => {
  t.same(pointers({ target: 'http://h', target_service: 's' }), ['/target_service', '/target'])
  t.same(pointers({ respond: {}, redirect: { location: '/' }, target: 'http://h' }), ['/target', '/redirect', '/respond'])
  const { target_service: _, ...none } = makeItem()
  t.same(faultsOf({ ...none, target: undefined } as unknown as Partial<ForwardRule>).length, 1)
  t.same(pointers({ ...none, target: undefined } as unknown as Partial<ForwardRule>), [''])
})

t.test('each action is compiled', async t => {
  t.same(makeRule({ target: 'HTTP://10.0.0.7:8080/base/' }).action, {
    type: 'target',
    target: { url: 'HTTP://10.0.0.7:8080/base/', weight: 1, origin: 'http://10.0.0.7:8080', host: '10.0.0.7:8080', basePath: '/base' }
  })
  t.same(makeRule({ redirect: { location: '/x' } }).action, { type: 'redirect', status: 308 })
  t.same(makeRule({ redirect: { location: '/x', status: 302 } }).action, { type: 'redirect', status: 302 })
  t.same(makeRule({ respond: {} }).action, { type: 'respond', status: 200, headers: [], body: '' })
  t.same(makeRule({ respond: { status: 503, headers: { 'Retry-After': '1' }, body: 'x' } }).action, {
    type: 'respond',
    status: 503,
    headers: [['retry-after', '1']],
    body: 'x'
  })
})

t.test('an answer without content has no body', async t => {
  for (const status of [204, 205, 304]) t.same(pointers({ respond: { status, body: 'x' } }), ['/respond/body'])
  t.same(pointers({ respond: { status: 204 } }), [])
})

t.test('a bad path is a fault at /path', async t => {
  for (const path of ['api', '/a?b', '/a#b', '/a\\b', '/a%', '/a%2fb'])
    for (const path_type of ['prefix', 'exact', 'template'] as const)
      t.same(pointers({ path, path_type }), ['/path'], `${path_type} ${path}`)
})

t.test('a template has whole, named, unique segments', async t => {
  for (const path of ['/u/{id', '/u/x{id}', '/u/{id}.json', '/{a}/{a}', '/{}', '/{1a}', '/{a b}', '/a}', '/a/../{id}', '/./{id}', 'x/{id}'])
    t.same(pointers({ path, path_type: 'template' }), ['/path'], path)
  for (const path of ['/{id}', '/u/{id}/', '/u//{user-id}/{_b}', '/u', '/', '/%7Bx%7D/{id}'])
    t.same(pointers({ path, path_type: 'template' }), [], path)
})

t.test('a bad pattern is a fault where it stands, with its kind', async t => {
  t.match(faultsOf({ path: '(a', path_type: 'regex' }), [{ pointer: '/path', code: 'validation_failed' }])
  t.match(faultsOf({ path: '^/(a+)+$', path_type: 'regex' }), [{ pointer: '/path', code: 'unsafe_regex' }])
  t.match(faultsOf({ headers: { 'X-Beta': { regex: '(?=a)' }, ok: { regex: 'a' } }, query: { 'a/b~c': { regex: '[' } } }), [
    { pointer: '/headers/x-beta/regex', code: 'unsafe_regex' },
    { pointer: '/query/a~1b~0c/regex', code: 'validation_failed' }
  ])
})

t.test('a host is exact, *.suffix or *', async t => {
  const bad = [
    'h:80',
    '*.',
    '*',
    'a.*.b',
    '*a.com',
    'a..b',
    '-a.com',
    'a b',
    '[::1]:80',
    '[::1',
    '[1.2.3.4]',
    '[fe80::1%eth0]',
    'a/b',
    '.a.com',
    ''
  ]
  for (const host of bad.filter(host => host !== '*')) t.same(pointers({ host: ['ok.com', host] }), ['/host/1'], JSON.stringify(host))
  for (const host of [
    'API.example.com',
    'a_b.c',
    '*.Example.com',
    '*',
    '[2001:DB8::1]',
    '10.0.0.1',
    'localhost',
    'bücher.example',
    'a.com.'
  ])
    t.same(pointers({ host: [host] }), [], host)
})

t.test('hosts are brought to the form of requests', async t => {
  const { hosts } = makeRule({ host: ['B.com.', '*.C.com', '[2001:DB8:0::1]', 'bücher.example', '*', 'b.com'] }).match
  t.same(hosts, [
    { type: 'any' },
    { type: 'wildcard', suffix: 'c.com' },
    { type: 'exact', host: '[2001:db8::1]' },
    { type: 'exact', host: 'b.com' },
    { type: 'exact', host: 'xn--bcher-kva.example' }
  ])
})

t.test('every bad address block is named', async t => {
  t.same(pointers({ source_ip: ['10.0.0.0/33', '10.0.0.0/8', 'x'] }), ['/source_ip/0', '/source_ip/2'])
})

t.test('a window ends after it begins', async t => {
  const from = '2026-12-01T00:00:00Z'
  t.same(pointers({ active: { from, until: from } }), ['/active/until'])
  t.same(pointers({ active: { from, until: '2026-11-30T00:00:00Z' } }), ['/active/until'])
  t.same(pointers({ active: { from: '2026-13-01T00:00:00Z' } }), ['/active/from'])
  t.same(pointers({ active: { from, until: null } }), [])
})

t.test('header edits leave the connection and the framing alone', async t => {
  const fields = ['Connection', 'Keep-Alive', 'Proxy-Connection', 'TE', 'Trailer', 'Transfer-Encoding', 'Upgrade', 'Host', 'Content-Length']
  for (const name of fields) {
    t.same(pointers({ request_headers: { set: { [name]: 'x' } } }), [`/request_headers/set/${name}`])
    t.same(pointers({ response_headers: { add: { [name]: 'x' } } }), [`/response_headers/add/${name}`])
    t.same(pointers({ request_headers: { remove: ['x', name] } }), ['/request_headers/remove/1'])
    t.same(pointers({ respond: { headers: { [name]: 'x' } } }), [`/respond/headers/${name}`])
  }
})

t.test('header edits are ready to apply', async t => {
  const rule = makeRule({ request_headers: { set: { 'X-A': '1' }, add: { 'X-B': '2' }, remove: ['X-C', 'x-c'] }, response_headers: {} })
  t.same(rule.requestHeaders, { remove: ['x-c'], set: [['x-a', '1']], add: [['x-b', '2']] })
  t.equal(rule.responseHeaders, undefined)
})

t.test('a name that is written twice is a fault', async t => {
  t.same(pointers({ request_headers: { set: { 'X-A': '1', 'x-a': '2' } } }), ['/request_headers/set/x-a'])
  t.same(pointers({ headers: { 'X-A': '1', 'x-a': '2' } }), ['/headers/x-a'])
})

t.test('host_header is preserve, target or a host with an optional port', async t => {
  for (const host_header of ['preserve', 'target', 'api.internal', 'api.internal:8080', '[::1]:80', '10.0.0.1'])
    t.same(pointers({ host_header }), [], host_header)
  for (const host_header of ['a b', 'a:', 'a:0', 'a:65536', 'http://a', 'a/b', '[x]', '[1.2.3.4]', ''])
    t.same(pointers({ host_header }), ['/host_header'], host_header)
})

t.test('all faults are told at once', async t => {
  const faults = pointers({ path: 'x', host: ['a:1'], source_ip: ['x'], target: 'http://', host_header: ' ', respond: {} })
  t.same([...faults].sort(), ['/host/0', '/host_header', '/path', '/respond', '/source_ip/0', '/target'])
})
