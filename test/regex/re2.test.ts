import t from 'tap'
import { PatternError } from '../../src/core/regex.ts'
import { re2Engine } from '../../src/regex/re2.ts'

/** Why a pattern is refused; undefined when it is taken. */
function refusal(source: string): PatternError | undefined {
  try {
    re2Engine(source)
    return undefined
  } catch (error) {
    if (error instanceof PatternError) return error
    throw error
  }
}

t.test('a pattern is found anywhere, with its place and groups', async t => {
  const pattern = re2Engine('/(\\d+)(?:/(?P<rest>[a-z]+))?(x)?')
  t.equal(pattern.test('/api/7'), true)
  t.equal(pattern.test('/api/'), false)
  t.equal(pattern.groupCount, 3)
  t.same(pattern.groupNames, ['rest'])
  t.same(pattern.exec('/api/7/ab'), { start: 4, end: 9, groups: ['/7/ab', '7', 'ab', undefined], named: { rest: 'ab' } })
  t.same(pattern.exec('/api/7'), { start: 4, end: 6, groups: ['/7', '7', undefined, undefined], named: { rest: undefined } })
  t.equal(pattern.exec('/api/'), undefined)
})

t.test('a pattern without names has none', async t => {
  t.same(re2Engine('a').exec('ba'), { start: 1, end: 2, groups: ['a'], named: {} })
})

t.test('a pattern keeps no state between texts', async t => {
  const pattern = re2Engine('a')
  for (let times = 0; times < 3; times++) t.match(pattern.exec('xa'), { start: 1 })
})

t.test('what takes more than linear time is refused as unsafe, with a way out', async t => {
  const unsafe: Record<string, RegExp> = {
    'a(?=b)': /look-around.*several rules/,
    '(?!a)b': /look-around/,
    '(?<=a)b': /look-around/,
    '(?<!a)b': /look-around/,
    '(a)\\1': /back-reference.*write the text out/,
    '(?P<x>a)(?P=x)': /back-reference/,
    '(?<x>a)\\k<x>': /back-reference/
  }
  for (const [source, message] of Object.entries(unsafe)) t.match(refusal(source), { unsafe: true, message }, source)
})

t.test('a repetition of nothing but a repetition is refused, and shown', async t => {
  const nested = [
    '(a+)+',
    '([a-z]*)*',
    '(?:.*)+',
    '(a+|b)*',
    '(b|a*)+',
    '((a+))+',
    '(a+){2,}',
    '(?i:a+)*',
    '(?P<x>\\d+)+?',
    '(\\pN+)*',
    '(\\p{Greek}*)*'
  ]
  for (const source of [...nested, '([]a]+)+', '([[:alpha:]]+)*', '(\\x{61}+)+', '((?:a|b+))*'])
    t.match(refusal(`^/x${source}y$`), { unsafe: true, message: `'${source}'` }, source)
})

t.test('other repetitions are taken', async t => {
  const fine = [
    '(a+b)+',
    '(ab+)*',
    '(a+)?',
    '(a+){3}',
    '(a{2})+',
    '(a?)+',
    '(a|b)+',
    '((a+)b)+',
    '[(a+)+]',
    '\\(a+\\)+',
    '\\Q(a+)+\\E',
    'a+',
    '(?i)a+',
    '[\\])+]'
  ]
  for (const source of [...fine, '/([^/]+)/([^/]+)', '(/[^/]+)*', '\\12', '(?:a+)(?:b+)'])
    t.equal(refusal(source)?.message, undefined, source)
})

t.test('a pattern that is no pattern is refused as such, and the engine says why', async t => {
  for (const source of ['(a', 'a)', '[a', '*a', 'a**', '\\', 'a{2,1}', '(?<x', '(?'])
    t.match(refusal(source), { name: 'PatternError', unsafe: false }, source)
  t.match(refusal('(a'), { message: 'is not a valid RE2 pattern: missing closing )' })
})

t.test('counts that make a pattern huge are refused', async t => {
  t.match(refusal('(.{0,500}){2}z'), { unsafe: true, message: /too large/ })
  t.equal(refusal('^/[a-z0-9-]{1,64}$'), undefined)
})

t.test('a text of any shape is matched in time linear in its length', async t => {
  const texts = [`${'a'.repeat(50_000)}!`, 'ab'.repeat(25_000), '/'.repeat(50_000)]
  const begin = performance.now()
  for (const source of ['^(a|aa)+$', '(a|b|ab)*c', '(.*)(.*)(.*)x$', '^/?([^/]*/)*[^/]*\\.html$'])
    for (const text of texts) re2Engine(source).exec(text)
  t.ok(performance.now() - begin < 10_000)
})
