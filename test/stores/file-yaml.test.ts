import fc from 'fast-check'
import t from 'tap'
import { editLists, editSource, type ListEdit } from '../../src/stores/file-source.ts'
import { readYaml } from '../../src/stores/file-yaml.ts'

const page = `# head
forward_rules:
  # about a
  - id: a     # trailing
    path: "/x"
    # inner comment
    weight:   10   # ten
    # tail of a
  # about b
  - {id: b,   path: /y}   # tail b

  # section

  # about c
  - id: c

  # about d
  - id: d
    respond:
      body: |
        hello
         there
  # end of list
services: []   # none
# tail
`

function edit(text: string, ...edits: ListEdit[]): string {
  return editSource(readYaml, readYaml(text), edits).text
}

const put = (index: number, value: object): ListEdit => ({ op: 'replace', kind: 'forward_rule', index, value })
const remove = (index: number): ListEdit => ({ op: 'remove', kind: 'forward_rule', index })
const append = (value: object): ListEdit => ({ op: 'append', kind: 'forward_rule', value })
const appendService = (value: object): ListEdit => ({ op: 'append', kind: 'service', value })

t.test('a text that is no configuration is refused with the place and the reason', async t => {
  const faults: [text: string, message: string | RegExp][] = [
    ['services: []\nforward_rules:\n  - id: a\n    path: /\n    id: b\n', '5:5 duplicate key "id"'],
    ['services: []\n"services": []\n', '2:1 duplicate key "services"'],
    ['services:\n  - id: a\n    path: "/x\n', /^\d+:\d+ Missing closing "quote/],
    ['services: []\n\trules: []\n', /^2:1 /],
    ['services: []\nroutes: []\n', /^2:1 unknown key "routes"; the file holds .*services/],
    ['services: []\nforward_rules:\n  id: a\n', '2:1 forward_rules must be a list'],
    ['services: []\n---\nservices: []\n', /^2:1 .*multiple documents/],
    ['- id: a\n', /must hold/],
    ['# nothing but comments\n', 'the file is empty'],
    ['services:\n  - *nowhere\n', /nowhere/],
    ['services:\n  - <<: 1\n', /[Mm]erge/],
    ['services:\n  - [a]: 1\n', /keys must be strings/],
    [`services: ${'['.repeat(2_000)}`, /\d/],
    [`services:\n  - &a [x, x, x, x, x, x, x, x, x]\n${laughs('bcdefgh')}`, /alias/]
  ]
  for (const [text, message] of faults) t.throws(() => readYaml(text), { name: 'FileFormatError', message }, text.slice(0, 60))
})

function laughs(names: string): string {
  return [...names].map((name, index) => `  - &${name} [${Array(9).fill(`*${'abcdefgh'[index]}`).join(', ')}]\n`).join('')
}

t.test('YAML is read as JSON would mean it', async t => {
  const { lists } = readYaml(`services:
  - &base {id: a, on: yes, until: 2026-12-01, 1: one, __proto__: {x: 1}}
  - <<: *base
    id: b
forward_rules:
`)
  t.equal(
    JSON.stringify(lists.service),
    '[{"1":"one","id":"a","on":"yes","until":"2026-12-01","__proto__":{"x":1}},{"1":"one","id":"b","on":"yes","until":"2026-12-01","__proto__":{"x":1}}]'
  )
  t.same(lists.forward_rule, [])
})

t.test('a replaced item changes where it differs, and nothing around it changes', async t => {
  t.equal(
    edit(page, put(0, { id: 'a', path: '/z', weight: 20, methods: ['GET'] })),
    page
      .replace('id: a     # trailing', 'id: a # trailing')
      .replace('"/x"', '"/z"')
      .replace('weight:   10   # ten', 'weight: 20 # ten\n    methods:\n      - GET')
  )
  t.equal(edit(page, put(1, { id: 'b', path: '/zz' })), page.replace('{id: b,   path: /y}', '{ id: b, path: /zz }'))
  t.equal(edit(page, put(3, { id: 'd', respond: { body: 'bye\n' } })), page.replace('        hello\n         there\n', '        bye\n'))
  t.equal(edit(page, put(2, { id: 'c' })), page, 'nothing changes when it means the same')
})

t.test('a removed item takes the comment right above it along', async t => {
  t.equal(edit(page, remove(1)), page.replace('  # about b\n  - {id: b,   path: /y}   # tail b\n', ''))
  t.equal(edit(page, remove(2)), page.replace('  # about c\n  - id: c\n\n', ''), 'and does not leave two blank lines')
  t.equal(edit(page, remove(0)), page.replace(/ {2}# about a[\s\S]*# tail of a\n/, ''))
  t.equal(
    edit(page, remove(0), remove(1), remove(2), remove(3)),
    '# head\nforward_rules: []\n\n  # section\n\n  # end of list\nservices: []   # none\n# tail\n'
  )
})

t.test('a new item comes last in its list', async t => {
  t.equal(
    edit(page, append({ id: 'e', path: '/e' }), appendService({ id: 's', targets: [{ url: 'http://x' }] })),
    page
      .replace('  # end of list\n', '\n  - id: e\n    path: /e\n  # end of list\n')
      .replace('services: []   # none\n', 'services:   # none\n  - id: s\n    targets:\n      - url: http://x\n')
  )
})

t.test('lists of every layout are filled', async t => {
  const layouts: [before: string, after: string][] = [
    ['forward_rules:\n- id: a\n- id: b', 'forward_rules:\n- id: a\n- id: b\n- id: n\nservices:\n- id: s\n'],
    ['forward_rules:', 'forward_rules:\n  - id: n\nservices:\n  - id: s\n'],
    ['forward_rules: # none\nservices:\n  []\n', 'forward_rules: # none\n  - id: n\nservices:\n  - id: s\n'],
    ['forward_rules: [{id: a}] # x\nservices: ~\n', 'forward_rules: [ { id: a }, { id: n } ] # x\nservices:\n  - id: s\n'],
    ['{"forward_rules": [], "services": []}', '{ "forward_rules": [ { id: n } ], "services": [ { id: s } ] }\n'],
    ['{}', '{ services: [ { id: s } ], forward_rules: [ { id: n } ] }\n'],
    ['forward_rules: []\r\nservices: []\r\n', 'forward_rules:\r\n  - id: n\r\nservices:\r\n  - id: s\r\n'],
    ['\ufeffforward_rules:\n  - id: a\nservices: []\n', '\ufeffforward_rules:\n  - id: a\n  - id: n\nservices:\n  - id: s\n']
  ]
  for (const [before, after] of layouts)
    t.equal(edit(before, append({ id: 'n' }), appendService({ id: 's' })), after, JSON.stringify(before))
})

t.test('an anchor that goes or changes is written out where it was used', async t => {
  const text = 'forward_rules:\n  - id: a\n    timeout_ms: &t {connect: 1}\n  - id: b\n    timeout_ms: *t\n'
  t.same(readYaml(edit(text, remove(0))).lists.forward_rule, [{ id: 'b', timeout_ms: { connect: 1 } }])
  t.same(readYaml(edit(text, put(0, { id: 'a', timeout_ms: { connect: 2 } }))).lists.forward_rule, [
    { id: 'a', timeout_ms: { connect: 2 } },
    { id: 'b', timeout_ms: { connect: 1 } }
  ])
  t.equal(edit(text, append({ id: 'c' })), `${text}  - id: c\n`, 'and stays when something else changes')
})

t.test('whatever is put, removed and appended is what is read afterwards, and the other items keep their text', async t => {
  const value = fc
    .record({ path: fc.string({ unit: 'binary' }), more: fc.jsonValue({ maxDepth: 3 }) })
    .map(fields => JSON.parse(JSON.stringify({ id: 'n', ...fields })) as object)
  const styles = [page, page.replaceAll('\n', '\r\n'), page.replace(/^ {2}/gm, '')]
  fc.assert(
    fc.property(fc.constantFrom(...styles), fc.array(fc.option(value), { maxLength: 4 }), value, (text, existing, added) => {
      const source = readYaml(text)
      const edits = existing.map((item, index): ListEdit => (item === null ? remove(index) : put(index, item)))
      edits.push(append(added), appendService(added))
      const edited = editSource(readYaml, source, edits)
      t.strictSame(readYaml(edited.text).lists, editLists(source.lists, edits))
      const untouched = existing.length < 4 ? text.slice(text.indexOf('# about d'), text.indexOf('# end of list')).trimEnd() : '# tail'
      return edited.text.includes(untouched)
    }),
    { numRuns: 60 }
  )
})
