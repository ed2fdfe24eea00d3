import t from 'tap'
import { differences } from '../../src/control/config-diff.ts'

t.test('differences points at what differs and at nothing else', async t => {
  t.same(differences({ a: 1, b: { c: 1, d: [1] } }, { a: 1, b: { c: 2, d: [1] } }), ['/b/c'])
  t.same(differences({ a: 1 }, { b: 1 }), ['/a', '/b'])
  t.same(differences({ list: [1, { a: 2 }] }, { list: [1, { a: 3 }] }), ['/list'], 'a list counts as a whole')
  t.same(differences({ list: [1] }, { list: [1, 2] }), ['/list'])
  t.same(differences({ a: null }, { a: {} }), ['/a'])
  t.same(differences({ a: [] }, { a: {} }), ['/a'])
  t.same(differences(1, 2), [''])
})

t.test('differences does not count the order of fields', async t => {
  t.same(differences({ a: 1, b: [{ c: 1, d: 2 }] }, { b: [{ d: 2, c: 1 }], a: 1 }), [])
})

t.test('differences escapes names as RFC 6901 says', async t => {
  t.same(differences({ 'a/b~c': 1 }, {}), ['/a~1b~0c'])
})
