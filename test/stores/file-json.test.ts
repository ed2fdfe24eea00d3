import t from 'tap'
import { readJson } from '../../src/stores/file-json.ts'
import { editSource } from '../../src/stores/file-source.ts'

t.test('a text that is no configuration is refused with the place and the reason', async t => {
  const faults: [text: string, message: string | RegExp][] = [
    ['{\n  "services": [],\n  "services": []\n}', '3:3 duplicate key "services"'],
    ['{"services": [{"id": "a", "\\u0069d": "b"}]}', '1:27 duplicate key "id"'],
    ['{"services": [', /^1:15 a value is expected/],
    ['{"services": [] "forward_rules": []}', "1:17 ',' or '}' is expected"],
    ['{"services": [],}', '1:17 a key is expected'],
    ['{"services": [{"id": 01}]}', /^1:2\d /],
    ['{"services": ["\t"]}', /^1:15 /],
    ['{"services": []} x', '1:18 nothing may follow the document'],
    ['{services: []}', '1:2 a key is expected'],
    [`{"services": ${'['.repeat(100_000)}${']'.repeat(100_000)}}`, /nested too deep/],
    ['[]', /must hold .*services/],
    ['null', 'the file is empty'],
    ['  \n', /1 a value is expected/],
    ['{"service": []}', /unknown key "service"/],
    ['{"services": {"id": "a"}}', 'services must be a list']
  ]
  for (const [text, message] of faults) t.throws(() => readJson(text), { name: 'FileFormatError', message }, text.slice(0, 60))
})

t.test('everything that JSON.parse takes is read the same', async t => {
  const items = [
    { id: 'a', n: [0, -0.5, 1e300, -1e-7, 12], t: [true, false, null], s: ['', '"\\/\b\f\n\r\t', 'ä€𝄞', '\u2028'] },
    { ['__proto__']: 1 }
  ]
  for (const text of [
    JSON.stringify({ services: items }),
    JSON.stringify({ services: items }, null, '\t'),
    `\ufeff${JSON.stringify({ services: items })}\r\n`
  ]) {
    t.equal(JSON.stringify(readJson(text).lists.service), JSON.stringify(items))
  }
  t.same(readJson('{}').lists, { service: [], forward_rule: [], certificate: [], tier: [], client: [] })
  t.same(readJson('{"services": null}').lists.service, [])
})

t.test('an edit writes two spaces and keeps the order of the lists', async t => {
  const source = readJson('{"forward_rules":[{"id":"a"},{"id":"b"}]}')
  const { text } = editSource(readJson, source, [
    { op: 'remove', kind: 'forward_rule', index: 0 },
    { op: 'append', kind: 'service', value: { id: 's' } }
  ])
  t.equal(
    text,
    `{
  "forward_rules": [
    {
      "id": "b"
    }
  ],
  "services": [
    {
      "id": "s"
    }
  ]
}
`
  )
})
