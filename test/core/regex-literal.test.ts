import fc from 'fast-check'
import t from 'tap'
import { literalPrefix, plainStart } from '../../src/core/regex-literal.ts'
import { re2Engine } from '../../src/regex/re2.ts'

t.test('a leading literal is found', async t => {
  const literals: Record<string, string> = {
    '^/api/v[0-9]+': '/api/v',
    '^/api/(users|orders)$': '/api/',
    '^/a\\.b\\/?x': '/a.b',
    '^/users?$': '/user',
    '^/x{2}': '/',
    '^/a$': '/a',
    '^/a\\d': '/a',
    '^/a[|]b': '/a',
    '^(/a)': '',
    '/a': '',
    '(?i)^/a': '',
    '^/a|^/b': '',
    '^/a(b|c)|d': '',
    '^\\Q/a|\\E': '',
    '^😀?': ''
  }
  for (const [source, literal] of Object.entries(literals)) t.equal(literalPrefix(source), literal, source)
})

t.test('no text that a pattern matches is without its literal', async t => {
  const piece = fc.constantFrom(
    'a',
    'b',
    '/',
    '\\.',
    '\\d',
    '.',
    '[ab]',
    '[^a|]',
    '[]|a]',
    '(',
    '(?:',
    ')',
    '|',
    '?',
    '*',
    '+',
    '{2}',
    '$',
    '\\|',
    '[[:alpha:]|]'
  )
  const text = fc.array(fc.constantFrom('a', 'b', '/', '.', '1', '|', ']'), { maxLength: 6 })
  let compared = 0
  const holds = fc.property(fc.array(piece, { maxLength: 8 }), fc.array(text, { minLength: 30, maxLength: 30 }), (pieces, texts) => {
    const source = `^${pieces.join('')}`
    const pattern = compile(source)
    if (pattern === undefined) return true
    const literal = literalPrefix(source)
    compared++
    return texts.every(chars => !pattern.test(chars.join('')) || chars.join('').startsWith(literal))
  })
  t.doesNotThrow(() => fc.assert(holds, { numRuns: 1_500 }))
  t.ok(compared > 300, `${compared} patterns were valid`)
})

function compile(source: string): ReturnType<typeof re2Engine> | undefined {
  try {
    return re2Engine(source)
  } catch {
    return undefined
  }
}

t.test('a pattern that asks only for a beginning is known as such', async t => {
  const starts: Record<string, string | undefined> = {
    '^/api': '/api',
    '^/api/.*': '/api/',
    '^/a\\.b/.*$': '/a.b/',
    '^': '',
    '/': '',
    '^/': '',
    '.*': '',
    '^/.*$': '',
    '^/api/?': undefined,
    '^/api$': undefined,
    '/api': undefined,
    '^/api/.+': undefined,
    '^/(a|b)': undefined,
    '^/a|^/b': undefined,
    '(?i)^/api': undefined,
    '^/a+': undefined,
    '^/a\\d': undefined,
    $: undefined,
    '^/ä': undefined
  }
  for (const [source, start] of Object.entries(starts)) t.equal(plainStart(source), start, source)
})

t.test('a pattern that asks only for a beginning is found wherever it is', async t => {
  const source = fc
    .array(fc.constantFrom('^', '/', 'a', '\\.', '.*', '$', '|', '?'), { minLength: 1, maxLength: 5 })
    .map(parts => parts.join(''))
  const path = fc.array(fc.constantFrom('/', 'a', '.'), { maxLength: 5 }).map(parts => `/${parts.join('')}`)
  let plain = 0
  const holds = fc.property(source, fc.array(path, { minLength: 5, maxLength: 5 }), (source, paths) => {
    const start = plainStart(source)
    if (start === undefined) return
    plain++
    const pattern = re2Engine(source)
    for (const path of paths) if (pattern.test(path) !== path.startsWith(start)) throw new Error(`${source} in ${path}`)
  })
  t.doesNotThrow(() => fc.assert(holds, { numRuns: 3_000 }))
  t.ok(plain > 30, `${plain}`)
})
