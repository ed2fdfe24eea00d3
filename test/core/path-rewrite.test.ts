import fc from 'fast-check'
import t, { type Test } from 'tap'
import type { ForwardRule } from '../../schemas/forward-rule.ts'
import { compileRule } from '../../src/core/compile-rule.ts'
import { normalisePath, type PathMode } from '../../src/core/path.ts'
import type { CompiledRule } from '../../src/core/route.ts'
import { toRoute } from '../../src/core/snapshot.ts'
import { re2Engine } from '../../src/regex/re2.ts'
import { faultsOf, makeFacts, makeItem, makeRule } from './make.ts'

/** What a request is sent to. */
const sent = (fields: Partial<ForwardRule>, target: string): string => toRoute(makeRule(fields), makeFacts(target)).upstreamPath

function check(t: Test, fields: Partial<ForwardRule>, expected: Readonly<Record<string, string>>): void {
  for (const [target, path] of Object.entries(expected)) t.equal(sent(fields, target), path, `${JSON.stringify(fields)} ${target}`)
}

t.test("without strip and rewrite the path is sent in the client's encoding", async t => {
  check(t, {}, { '/a%20b/%7Ec?x=%2F': '/a%20b/%7Ec?x=%2F', '/a/../b': '/b', '/?': '/?' })
})

t.test('a prefix is stripped', async t => {
  check(t, { path: '/api', strip_prefix: true }, { '/api': '/', '/api/': '/', '/api/users/7?x=1': '/users/7?x=1', '/%61pi/%7Ex': '/%7Ex' })
  check(t, { path: '/api/v1/', strip_prefix: true }, { '/api/v1': '/', '/api/v1/x/': '/x/' })
  check(t, { path: '/', strip_prefix: true }, { '/': '/', '/x': '/x' })
})

t.test('stripping an exact or template path leaves the slash', async t => {
  check(t, { path: '/a/b', path_type: 'exact', strip_prefix: true }, { '/a/b?x': '/?x' })
  check(t, { path: '/u/{id}', path_type: 'template', strip_prefix: true }, { '/u/7': '/' })
})

t.test('of a regex only a match at the beginning is stripped', async t => {
  check(
    t,
    { path: '/v[0-9]+', path_type: 'regex', strip_prefix: true },
    { '/v2/users': '/users', '/v2': '/', '/api/v2/users': '/api/v2/users' }
  )
  check(t, { path: '^/v', path_type: 'regex', strip_prefix: true }, { '/v2/users': '/2/users', '/v../x': '/x' })
})

t.test('a number strips that many segments', async t => {
  check(t, { strip_prefix: 2 }, { '/a/b/c': '/c', '/a/b': '/', '/a': '/', '/a/b/': '/', '/a/b/c/': '/c/', '/': '/' })
  check(t, { strip_prefix: 0 }, { '/a': '/a' })
})

t.test('a rewrite replaces the prefix and keeps the rest', async t => {
  check(t, { path: '/api', rewrite: '/v2' }, { '/api': '/v2', '/api/': '/v2/', '/api/x%2Cy?q': '/v2/x%2Cy?q' })
  check(t, { path: '/api', rewrite: '/v2/' }, { '/api': '/v2/', '/api/x': '/v2/x' })
  check(t, { path: '/api', rewrite: '/' }, { '/api': '/', '/api/x': '/x' })
  check(t, { path: '/', rewrite: '/base' }, { '/': '/base/', '/x': '/base/x' })
})

t.test('a rewrite is the whole path of an exact rule', async t => {
  check(t, { path: '/a', path_type: 'exact', rewrite: '/b/c' }, { '/a?x=1': '/b/c?x=1' })
})

t.test('a template fills its parameters in, as the client encoded them', async t => {
  const fields = { path: '/users/{id}/orders/{order}', path_type: 'template', rewrite: '/o/{order}/u-{id}' } as const
  check(t, fields, { '/users/7/orders/9?a': '/o/9/u-7?a', '/users/%c3%a9/orders/a%20b': '/o/a%20b/u-%c3%a9' })
  check(t, { path: '/{a}/x/', path_type: 'template', rewrite: '/{a}' }, { '/1/x/': '/1' })
})

t.test('a regex fills its groups in', async t => {
  check(t, { path: '^/(\\w+)/(?P<id>[^/]+)(/x)?', path_type: 'regex', rewrite: '/$2/$<id>/$1$3/$$/$0' }, { '/a/b': '/b/b/a/$/a/b' })
  check(t, { path: 'b(c)', path_type: 'regex', rewrite: '/$1' }, { '/abcd': '/c' })
})

t.test('what comes out is a path again', async t => {
  check(t, { path: '^/a(.*)$', path_type: 'regex', rewrite: '/x/$1/y' }, { '/a../z': '/z/y', '/a/b': '/x/b/y', '/a': '/x/y' })
  check(t, { path: '^/a(..)', path_type: 'regex', rewrite: '/$1F' }, { '/a%20': '/%252F' })
  check(t, { path: '^/(.*)%', path_type: 'regex', strip_prefix: true }, { '/a%20b': '/20b' })
})

t.test('an encoded slash is filled in as it came in lenient mode, and cannot come to be in strict mode', async t => {
  const rewrite = (template: string, paths: PathMode, path: string): string | undefined => {
    const rule = compileRule(makeItem({ path: '/{id}', path_type: 'template', rewrite: template }), 1, re2Engine, paths) as CompiledRule
    return rule.rewritePath?.(normalisePath(path, paths)!)
  }
  t.equal(rewrite('/v2/{id}/x', 'lenient', '/a%2fb'), '/v2/a%2fb/x')
  t.equal(rewrite('/v2/{id}', 'lenient', '/a'), '/v2/a')
  const halves = makeRule({ path: '^/(.*)-(.*)$', path_type: 'regex', rewrite: '/$1$2' })
  t.equal(halves.rewritePath?.(normalisePath('/a%25-2Fb')!), '/a%252Fb')
})

t.test('no rewrite can make a path that hides a segment', async t => {
  const piece = fc.constantFrom('/', 'a', '.', '..', '%20', '%2e', '%C3', ';', '2', 'F', 'f', '5c')
  const rewrites = ['/$1$2', '/x/$1.$2', '/$2/$1', '/$1/$2F', '/%252$1', '/$1%25$2']
  const rules = rewrites.map(rewrite => makeRule({ path: '^/(.{0,4})(.*)$', path_type: 'regex', rewrite }))
  const holds = fc.property(fc.array(piece, { maxLength: 8 }), fc.constantFrom(...rules), (pieces, rule) => {
    const sent = `/${pieces.join('')}`
    if (normalisePath(sent) === undefined) return true
    const path = toRoute(rule, makeFacts(sent)).upstreamPath
    const segments = path.split('/').map(segment => segment.replaceAll(/%2e/gi, '.'))
    return (
      path.startsWith('/') &&
      !segments.some(segment => segment === '.' || segment === '..') &&
      !/%(?![0-9A-Fa-f]{2})|%2f|%5c|%00|\/\//i.test(path)
    )
  })
  t.doesNotThrow(() => fc.assert(holds, { numRuns: 1000 }))
})

t.test('strip_prefix and rewrite exclude each other', async t => {
  t.match(faultsOf({ strip_prefix: true, rewrite: '/x' }), [{ pointer: '/strip_prefix' }])
  t.match(faultsOf({ strip_prefix: 1, rewrite: '/x' }), [{ pointer: '/strip_prefix' }])
  t.same(faultsOf({ strip_prefix: 0, rewrite: '/x' }), [])
})

t.test('a rewrite names only what the path captures', async t => {
  const bad: readonly Partial<ForwardRule>[] = [
    { path: '/a', rewrite: '/{id}' },
    { path: '/a', rewrite: '/$1' },
    { path: '/a', path_type: 'exact', rewrite: '/$<id>' },
    { path: '/{id}', path_type: 'template', rewrite: '/{ID}' },
    { path: '/{id}', path_type: 'template', rewrite: '/$1' },
    { path: '/{id}', path_type: 'template', rewrite: '/{id' },
    { path: '(a)', path_type: 'regex', rewrite: '/$2' },
    { path: '(a)', path_type: 'regex', rewrite: '/$<x>' },
    { path: '(?P<x>a)', path_type: 'regex', rewrite: '/{x}' },
    { path: '/a', rewrite: '/x?y=1' },
    { path: '/a', rewrite: '/x#y' },
    { path: '/a', rewrite: '/%2Fx' },
    { path: '/a', rewrite: '/%x' },
    { path: '/a', rewrite: '/a\\b' }
  ]
  for (const fields of bad) t.match(faultsOf(fields), [{ pointer: '/rewrite', code: 'validation_failed' }], JSON.stringify(fields))
})

t.test('a location is filled in', async t => {
  const locate = (fields: Partial<ForwardRule>, target: string, host = 'Old.example:80') =>
    toRoute(makeRule(fields), makeFacts(target, { host })).location
  t.equal(locate({ redirect: { location: 'https://{host}{path}{query}' } }, '/a%20b?x=1'), 'https://old.example/a%20b?x=1')
  t.equal(locate({ redirect: { location: 'https://{host}{path}{query}' } }, '/a'), 'https://old.example/a')
  t.equal(locate({ path: '/old', strip_prefix: true, redirect: { location: '/new{path}' } }, '/old/x'), '/new/x')
  t.equal(locate({ path: '/u/{id}', path_type: 'template', redirect: { location: '/user?id={id}' } }, '/u/7?y'), '/user?id=7')
  t.equal(locate({ path: '^/u/(?P<id>\\d+)', path_type: 'regex', redirect: { location: '/$1-$<id>' } }, '/u/7'), '/7-7')
  t.equal(locate({ redirect: { location: '{path}' } }, '/\xe9'), '/%E9', 'no raw byte gets into the header')
  t.equal(locate({ target: 'http://h' }, '/'), undefined)
})

t.test('a location names only what there is', async t => {
  for (const location of ['/{id}', '/$1', '/{', '/}', '/{path'])
    t.match(faultsOf({ redirect: { location } }), [{ pointer: '/redirect/location' }], location)
})
