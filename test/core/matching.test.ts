/** The match language of `docs/design.md` section 3, one promise at a time. */
import t from 'tap'
import type { ForwardRule } from '../../schemas/forward-rule.ts'
import { RouteIndex } from '../../src/core/route-index.ts'
import { makeFacts, makeRule, type RequestFields } from './make.ts'

/** Whether a rule with only these fields takes the request. */
function takes(fields: Partial<ForwardRule>, target: string, request: RequestFields = {}): boolean {
  return RouteIndex.empty.with([], [makeRule(fields)]).match(makeFacts(target, request)) !== undefined
}

t.test('a prefix matches whole segments', async t => {
  for (const path of ['/api/users', '/api/users/', '/api/users/7', '/api/users/7/x', '/api//users', '/%61pi/users'])
    t.equal(takes({ path: '/api/users' }, path), true, path)
  for (const path of ['/api/usersX', '/api', '/api/', '/', '/API/users', '/x/api/users', '/api/users;v=1', '/api/users/../x'])
    t.equal(takes({ path: '/api/users' }, path), false, path)
  t.equal(takes({ path: '/api/users/' }, '/api/users'), true, 'a trailing slash of the rule is ignored')
  t.equal(takes({ path: '/' }, '/anything'), true)
  t.equal(takes({ path: '/' }, '/'), true)
})

t.test('an exact path is the whole path', async t => {
  const fields = { path: '/a/b', path_type: 'exact' } as const
  t.equal(takes(fields, '/a/b?x=1'), true)
  t.equal(takes(fields, '/a/b/'), false, 'a trailing slash counts')
  t.equal(takes(fields, '/a/b/c'), false)
  t.equal(takes({ ...fields, path: '/a/b/' }, '/a/b/'), true)
  t.equal(takes({ ...fields, path: '/prix/été' }, '/prix/%c3%a9t%c3%a9'), true)
})

t.test('a parameter of a template is one segment with something in it', async t => {
  const fields = { path: '/users/{id}/orders', path_type: 'template' } as const
  t.equal(takes(fields, '/users/7/orders'), true)
  for (const path of ['/users/7', '/users//orders', '/users/7/8/orders', '/users/7/orders/', '/users/7/orders/1', '/user/7/orders'])
    t.equal(takes(fields, path), false, path)
  t.equal(takes({ path: '/{a}/{b}/', path_type: 'template' }, '/1/2/'), true)
  t.equal(takes({ path: '/{a}/{b}', path_type: 'template' }, '/1/'), false)
})

t.test('a pattern is found anywhere in the match form, unless it says otherwise', async t => {
  const regex = (path: string) => ({ path, path_type: 'regex' }) as const
  t.equal(takes(regex('users'), '/api/users/7'), true)
  t.equal(takes(regex('^/users'), '/api/users/7'), false)
  t.equal(takes(regex('^/api/v[0-9]+/'), '/%61pi/v2/x'), true)
  t.equal(takes(regex('^/api$'), '/api/'), false)
  t.equal(takes(regex('(?i)^/API'), '/api'), true)
})

t.test('a host is exact, or a wildcard for one or more labels', async t => {
  const host = (...host: string[]) => ({ host })
  t.equal(takes(host('api.example.com'), '/', { host: 'API.example.com:8080' }), true)
  t.equal(takes(host('api.example.com'), '/', { host: 'example.com' }), false)
  for (const name of ['a.example.com', 'a.b.example.com']) t.equal(takes(host('*.example.com'), '/', { host: name }), true, name)
  for (const name of ['example.com', '.example.com', 'aexample.com', 'example.com.evil.org', ''])
    t.equal(takes(host('*.example.com'), '/', { host: name }), false, name)
  t.equal(takes(host('x.org', '*.example.com'), '/', { host: 'a.example.com' }), true)
  t.equal(takes(host('*'), '/', { host: '' }), true)
  t.equal(takes(host('[2001:db8::1]'), '/', { host: '[2001:DB8:0::1]:80' }), true)
})

t.test('a long host with many dots is answered at once', async t => {
  const index = RouteIndex.empty.with([], [makeRule({ host: ['*.a.a.a'] })])
  const host = 'a.'.repeat(8_000)
  const begin = performance.now()
  t.not(index.match(makeFacts('/', { host: `${host}a` })), undefined)
  t.ok(performance.now() - begin < 1_000, 'not in time that grows with the square of its length')
})

t.test('methods are compared as they are', async t => {
  t.equal(takes({ methods: ['GET', 'POST'] }, '/', { method: 'POST' }), true)
  t.equal(takes({ methods: ['GET'] }, '/', { method: 'get' }), false)
  t.equal(takes({ methods: ['GET'] }, '/', { method: 'HEAD' }), false)
  t.equal(takes({ methods: ['get'] }, '/', { method: 'GET' }), true, 'a rule means the method, however it is written')
})

t.test('a header equals, contains a pattern, is present or absent', async t => {
  const sent = { headers: { 'api-version': 'v2', empty: '' } }
  t.equal(takes({ headers: { 'Api-Version': 'v2' } }, '/', sent), true)
  t.equal(takes({ headers: { 'api-version': 'v' } }, '/', sent), false)
  t.equal(takes({ headers: { 'api-version': { regex: '^v[12]$' } } }, '/', sent), true)
  t.equal(takes({ headers: { 'api-version': { regex: '3' } } }, '/', sent), false)
  t.equal(takes({ headers: { other: { regex: '' } } }, '/', sent), false, 'a pattern needs a value')
  t.equal(takes({ headers: { empty: { present: true } } }, '/', sent), true)
  t.equal(takes({ headers: { empty: '' } }, '/', sent), true)
  t.equal(takes({ headers: { empty: { present: false } } }, '/', sent), false)
  t.equal(takes({ headers: { other: { present: false } } }, '/', sent), true)
  t.equal(takes({ headers: { other: { present: true } } }, '/', sent), false)
  t.equal(takes({ headers: { 'api-version': 'v2', other: 'x' } }, '/', sent), false, 'all must hold')
})

t.test('a repeated query parameter matches if any value does', async t => {
  t.equal(takes({ query: { a: '2' } }, '/?a=1&a=2'), true)
  t.equal(takes({ query: { a: { regex: '^2' } } }, '/?a=1&a=2'), true)
  t.equal(takes({ query: { a: '3' } }, '/?a=1&a=2'), false)
  t.equal(takes({ query: { a: { present: false } } }, '/?a'), false)
  t.equal(takes({ query: { a: { present: true } } }, '/?a'), true)
  t.equal(takes({ query: { a: { present: false } } }, '/?b'), true)
  t.equal(takes({ query: { 'a b': 'ü' } }, '/?a%20b=%C3%BC'), true)
})

t.test('a cookie is read by its name', async t => {
  const sent = { headers: { cookie: 'uid=7; theme=dark' } }
  t.equal(takes({ cookies: { theme: 'dark' } }, '/', sent), true)
  t.equal(takes({ cookies: { Theme: 'dark' } }, '/', sent), false)
  t.equal(takes({ cookies: { none: { present: false } } }, '/', sent), true)
})

t.test('the client address is in one of the blocks', async t => {
  const fields = { source_ip: ['192.168.1.0/24', '2001:db8::/32'] }
  t.equal(takes(fields, '/', { ip: '192.168.1.9' }), true)
  t.equal(takes(fields, '/', { ip: '2001:db8::9' }), true)
  t.equal(takes(fields, '/', { ip: '192.168.2.9' }), false)
  t.equal(takes(fields, '/', { ip: '' }), false)
})

t.test('a rule is active from the first moment until before the last', async t => {
  const fields = { active: { from: '2026-12-01T00:00:00Z', until: '2026-12-02T00:00:00Z' } }
  const at = (time: string) => takes(fields, '/', { now: Date.parse(time) })
  t.equal(at('2026-11-30T23:59:59.999Z'), false)
  t.equal(at('2026-12-01T00:00:00Z'), true)
  t.equal(at('2026-12-01T23:59:59.999Z'), true)
  t.equal(at('2026-12-02T00:00:00Z'), false)
})

t.test('a rule that is not enabled takes nothing', async t => {
  t.equal(takes({ enabled: false }, '/'), false)
})
