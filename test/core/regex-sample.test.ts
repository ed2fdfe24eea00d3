import t from 'tap'
import { sampleOf } from '../../src/core/regex-sample.ts'
import { re2Engine } from '../../src/regex/re2.ts'

t.test('a pattern is found in its sample', async t => {
  const samples: Record<string, string> = {
    '^/users/\\d+$': '/users/0',
    '^/img/(\\d+)x(\\d+)/(.+)$': '/img/0x0/a',
    '^/(?:users|orders)/[a-f0-9]{4}': '/users/aaaa',
    '^/(?P<kind>a|b)/(?<id>[^/]+)$': '/a/a',
    '^/a?b*c+/{2,3}x{0}$': '/c//',
    '^/v\\.1\\+/[.-]': '/v.1+/.',
    '^/[[:digit:]]/[[:alpha:]]/[]x]$': '/0/a/]',
    '\\.(?:png|jpe?g)$': '.png',
    '^/(?i:x)\\w\\W\\S$': '/xa-a',
    '^/[^a-z]/[^a0]$': '/0/-',
    'a|b': 'a',
    '^/x{2}(ab){2}.*': '/xxabab'
  }
  for (const [source, sample] of Object.entries(samples)) {
    t.equal(sampleOf(source), sample, source)
    t.ok(re2Engine(source).test(sample), `${source} in ${sample}`)
  }
})

t.test('a pattern that is not understood gives some text, and no error', async t => {
  for (const source of ['\\pL+', '\\Qa.b\\E', '\\x41', '[\\d-z]', '(?s).', '\\', '[', '(', '{', ')', '[^]', '(?P<'])
    t.type(sampleOf(source), 'string', source)
})
