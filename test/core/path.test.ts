import fc from 'fast-check'
import t from 'tap'
import { endOfSegments, normalisePath, normaliseRulePath } from '../../src/core/path.ts'

t.test('a path in normal form stays as it is, in both forms', async t => {
  for (const path of ['/', '/api/users', '/api/users/', '/a;b=c/d', "/!$&'()*+,;=:@-._~/x", '/a..b', '/%20', '/%C3%A9']) {
    t.same(normalisePath(path), { match: path, forward: path }, path)
  }
})

t.test('dot segments are resolved, also when they are encoded', async t => {
  const resolved: Record<string, string> = {
    '/a/./b': '/a/b',
    '/a/../b': '/b',
    '/a/b/..': '/a/',
    '/a/.': '/a/',
    '/..': '/',
    '/../../a': '/a',
    '/a/%2e%2e/b': '/b',
    '/a/.%2E/b': '/b',
    '/a/%2e/b': '/a/b',
    '/a/b/../../../c': '/c'
  }
  for (const [raw, path] of Object.entries(resolved)) t.same(normalisePath(raw), { match: path, forward: path }, raw)
})

t.test('three dots, and what is encoded twice, are no dot segments', async t => {
  t.equal(normalisePath('/a/.../b')?.forward, '/a/.../b')
  t.equal(normalisePath('/a/%252e%252e/b')?.forward, '/a/%252e%252e/b')
  t.equal(normalisePath('/a/...;/b')?.match, '/a/...;/b')
  t.equal(normalisePath('/.well-known/x')?.match, '/.well-known/x')
})

t.test('runs of slashes are one', async t => {
  t.same(normalisePath('//a///b//'), { match: '/a/b/', forward: '/a/b/' })
  t.equal(normalisePath('/a//../b')?.match, '/b', 'before dot segments are resolved, as nginx does')
})

t.test('the match form has one spelling per path, the forward form is what the client wrote', async t => {
  t.same(normalisePath('/%61%2d%7E/%c3%a9'), { match: '/a-~/%C3%A9', forward: '/%61%2d%7E/%c3%a9' })
  t.same(normalisePath('/a"<>^`{|}[]'), { match: '/a%22%3C%3E%5E%60%7B%7C%7D%5B%5D', forward: '/a"<>^`{|}[]' })
  t.equal(normalisePath('/\xc3\xa9')?.match, '/%C3%A9', 'raw bytes as node:http hands them out')
  t.equal(normalisePath('/%2B+%3b;')?.match, '/%2B+%3B;', 'delimiters are not the same as their encodings')
})

t.test('a malformed or ambiguous path has no normal form', async t => {
  const bad = [
    '',
    'a',
    '*',
    'http://h/',
    '/a%',
    '/a%2',
    '/a%zz',
    '/a\\b',
    '/a%2fb',
    '/a%2Fb',
    '/a%5c',
    '/a%5C',
    '/%00',
    '/%0d%0a',
    '/%1F',
    '/%7f',
    '/a/..;/b',
    '/a/..;x=1/b',
    '/a/.;/b',
    '/a/%2e%2e;/b',
    '/a/..%3b/b',
    '/%c0%ae%c0%ae/b',
    '/\xc0\xaf/b',
    '/%e0%80%af',
    '/%F0%80%80%AF',
    '/a\0',
    '/a\n',
    '/a b'
  ]
  for (const raw of [...bad, '/a\x7f', '/a#b', '/a?b', '/\u0142', '/..%2f..%2fetc'])
    t.equal(normalisePath(raw), undefined, JSON.stringify(raw))
})

t.test('normal forms are stable, free of dot segments and alike in their segments', async t => {
  const piece = fc.constantFrom('/', '/', '.', '..', '%2e', '%2E%2e', 'a', 'B', '%41', '%c3', ';', '"', '~', '%7e', ' ', '%2f', '\xe9', '-')
  const holds = fc.property(fc.array(piece, { maxLength: 12 }), pieces => {
    const path = normalisePath(`/${pieces.join('')}`)
    if (path === undefined) return ([' ', '%2f', '.', '..', '%2e', '%2E%2e'] as const).some(one => pieces.includes(one))
    const { match, forward } = path
    const again = normalisePath(forward)
    const segments = (text: string) => text.split('/').map(segment => segment.replaceAll(/%2e/gi, '.'))
    return (
      normalisePath(match)?.match === match &&
      again?.match === match &&
      again.forward === forward &&
      match.split('/').length === forward.split('/').length &&
      !/\/\//.test(forward) &&
      !segments(forward).some(segment => segment === '.' || segment === '..')
    )
  })
  t.doesNotThrow(() => fc.assert(holds, { numRuns: 1500 }))
})

t.test('in lenient mode encoded slashes are data of their segment, kept as they were written', async t => {
  t.same(normalisePath('/a%2fb/c', 'lenient'), { match: '/a%2Fb/c', forward: '/a%2fb/c' })
  t.same(normalisePath('/a%5Cb', 'lenient'), { match: '/a%5Cb', forward: '/a%5Cb' })
  t.same(normalisePath('/x/%2F/../y', 'lenient'), { match: '/x/y', forward: '/x/y' }, 'a segment like any other')
  t.same(normalisePath('/a..%2Fb', 'lenient'), { match: '/a..%2Fb', forward: '/a..%2Fb' })
  t.same(normalisePath('//a;b=c%2Fd//', 'lenient'), { match: '/a;b=c%2Fd/', forward: '/a;b=c%2Fd/' })
})

t.test('in lenient mode no dot segment hides behind an encoded slash, and nothing else that strict refuses is taken', async t => {
  const bad = ['/..%2fprivate', '/a/%2e%2E%5cb', '/a%2f..', '/a%2F.%2Fb', '/x%5c..;%2fy', '/%2f..', '/..%2f..%2fetc']
  for (const raw of [...bad, '/a\\b', '/%00', '/%0a', '/a%', '/..;/b', '/%c0%af', '/a#b', '/a b'])
    t.equal(normalisePath(raw, 'lenient'), undefined, JSON.stringify(raw))
})

// How targets are known to read a path: each may be all that stands between a client and what a rule keeps from it.
const readings: Readonly<Record<string, (path: string) => string>> = {
  'as it is': path => path,
  'dots decoded': path => path.replaceAll(/%2e/gi, '.'),
  'slashes decoded': path => path.replaceAll(/%2e/gi, '.').replaceAll(/%2f/gi, '/'),
  'backslashes as slashes': path => path.replaceAll(/%2e/gi, '.').replaceAll(/%2f|%5c|\\/gi, '/'),
  'parameters cut off': path =>
    path
      .replaceAll(/%2e/gi, '.')
      .replaceAll(/%3b/gi, ';')
      .replaceAll(/;[^/]*/g, '')
}

t.test('however a target reads what is forwarded, it finds no way up', async t => {
  const piece = fc.constantFrom(
    '/',
    '/',
    '.',
    '..',
    '%2e',
    '%2E.',
    'a',
    ';',
    ';x',
    '%3b',
    '%2f',
    '%2F',
    '%5c',
    '\\',
    '%252f',
    '%c0%af',
    '%00'
  )
  const holds = fc.property(fc.array(piece, { maxLength: 12 }), fc.constantFrom('strict' as const, 'lenient' as const), (pieces, mode) => {
    const path = normalisePath(`/${pieces.join('')}`, mode)
    if (path === undefined) return true
    const again = normalisePath(path.forward, mode)
    const isStable = again?.match === path.match && again.forward === path.forward
    const climbs = Object.values(readings).some(read => read(path.forward).split('/').includes('..'))
    return isStable && !climbs && (mode === 'lenient' || !/%(2f|5c)/i.test(path.forward))
  })
  t.doesNotThrow(() => fc.assert(holds, { numRuns: 5_000 }))
})

t.test('the path of a rule is read as people write it', async t => {
  t.equal(normaliseRulePath('/prix/été'), '/prix/%C3%A9t%C3%A9')
  t.equal(normaliseRulePath('/a b'), '/a%20b')
  t.equal(normaliseRulePath('/%7Euser//x/./y'), '/~user/x/y')
  t.equal(normaliseRulePath('/😀'), '/%F0%9F%98%80')
  for (const bad of ['api', '/a?b', '/a#b', '/a\tb', '/\ud800', '/a%2Fb']) t.equal(normaliseRulePath(bad), undefined, JSON.stringify(bad))
})

t.test('segments are counted off from the left', async t => {
  t.equal(endOfSegments('/a/b/c', 0), 0)
  t.equal(endOfSegments('/a/b/c', 1), 2)
  t.equal(endOfSegments('/a/b/c', 2), 4)
  t.equal(endOfSegments('/a/b/c', 3), 6)
  t.equal(endOfSegments('/a/b/c', 9), 6)
})
