import t from 'tap'
import { isAuthority, parseRequestTarget } from '../../src/core/request-target.ts'

t.test('an origin-form target is cut at its first question mark', async t => {
  t.same(parseRequestTarget('/a/b?c?d'), { path: '/a/b', search: '?c?d', authority: undefined })
  t.same(parseRequestTarget('/'), { path: '/', search: '', authority: undefined })
  t.same(parseRequestTarget('//host/a'), { path: '//host/a', search: '', authority: undefined }, 'two slashes are no authority')
})

t.test('an absolute-form target names its host', async t => {
  t.same(parseRequestTarget('http://a.example:81/b?c'), { path: '/b', search: '?c', authority: 'a.example:81' })
  t.same(parseRequestTarget('HTTPS://a.example'), { path: '/', search: '', authority: 'a.example' })
  t.same(parseRequestTarget('http://a?b=/c'), { path: '/', search: '?b=/c', authority: 'a' })
})

t.test('other forms and fragments are no target', async t => {
  for (const target of ['*', 'a.example:443', 'ftp://a/b', 'http:///a', 'a', '', '/a#b', 'http://a/#b'])
    t.equal(parseRequestTarget(target), undefined, target)
})

t.test('an authority is a host and perhaps a port, never a user', async t => {
  for (const good of ['a', 'a.example', 'a_b:80', 'a:', '192.0.2.1:8080', '[2001:db8::1]', '[::1]:80', 'xn--caf-dma.example', ''])
    t.ok(isAuthority(good), good)
  for (const bad of ['a b', 'u@a', 'a/b', 'a?b', 'a:b', '[::1', 'a:80:90', 'caf\xe9', '[::1]x', 'a,b\\']) t.notOk(isAuthority(bad), bad)
})
