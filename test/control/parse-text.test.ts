import t from 'tap'
import { parseJson, parseYaml } from '../../src/control/parse-text.ts'
import type { Fault } from '../../src/errors.ts'

function refusalOf(run: () => unknown): { code: string; message: string; faults?: Fault[] } {
  try {
    run()
  } catch (error) {
    return error as { code: string; message: string }
  }
  throw new Error('it was taken')
}

t.test('broken JSON says where', async t => {
  const { code, message } = refusalOf(() => parseJson('{"a": 1,\n "b": }'))
  t.equal(code, 'INVALID_BODY')
  t.match(message, /^The body is not JSON: /)
  t.match(refusalOf(() => parseJson('{"a": 1,\n}')).message, /line 2 column 1/)
})

t.test('JSON with a byte order mark is read', async t => {
  t.same(parseJson('\ufeff{"a":1}'), { a: 1 })
})

t.test('names that reach into prototypes are refused, at any depth', async t => {
  for (const [text, pointer] of [
    ['{"__proto__": {"a": 1}}', '/__proto__'],
    ['{"labels": [{"__proto__": 1}]}', '/labels/0/__proto__'],
    ['{"\\u005f_proto__": 1}', '/__proto__']
  ] as const) {
    const { code, faults } = refusalOf(() => parseJson(text))
    t.equal(code, 'INVALID_BODY')
    t.same(faults, [{ pointer, detail: 'is not allowed as a name' }])
  }
  t.same(refusalOf(() => parseYaml('a:\n  __proto__: 1')).faults, [{ pointer: '/a/__proto__', detail: 'is not allowed as a name' }])
})

t.test('hostile depth is refused, not recursed into', async t => {
  t.match(refusalOf(() => parseJson('['.repeat(100_000) + ']'.repeat(100_000))).message, /nested deeper than 64/)
  t.doesNotThrow(() => parseJson('['.repeat(64) + ']'.repeat(64)))
})

t.test('numbers that JSON cannot hold are refused with their place', async t => {
  t.same(refusalOf(() => parseJson('{"a": [1, 1e999]}')).faults, [{ pointer: '/a/1', detail: 'is too large a number' }])
  t.same(refusalOf(() => parseYaml('a: .nan')).faults?.[0]?.pointer, '/a')
})

t.test('YAML is read as JSON would be: no dates, no binary, merge keys work', async t => {
  t.same(parseYaml('base: &b {x: 1}\nrule:\n  <<: *b\n  at: 2026-12-01\n  404: y'), {
    base: { x: 1 },
    rule: { x: 1, at: '2026-12-01', 404: 'y' }
  })
})

t.test('a key that is there twice in YAML is refused with a pointer and its position', async t => {
  const { code, message, faults } = refusalOf(() => parseYaml('forward_rules:\n  - id: a\n  - id: b\n    path: /x\n    path: /y\n'))
  t.equal(code, 'INVALID_BODY')
  t.same(faults, [{ pointer: '/forward_rules/1/path', detail: 'is there twice (line 5, column 5)' }])
  t.match(message, /\/forward_rules\/1\/path is there twice/)
})

t.test('YAML that is broken, tagged, several documents or a bomb is refused', async t => {
  const bomb = [
    'a: &a [x,x,x,x,x,x,x,x,x,x]',
    ...[...'bcdefghi'].map((name, i) => `${name}: &${name} [${`*${'abcdefgh'[i]},`.repeat(10)}]`)
  ]
  for (const text of ['a: [1', 'a: !!binary aGk=', 'a: !custom x', 'a: 1\n---\nb: 2', 'a: *nowhere', bomb.join('\n')])
    t.equal(refusalOf(() => parseYaml(text)).code, 'INVALID_BODY', text.slice(0, 20))
})
