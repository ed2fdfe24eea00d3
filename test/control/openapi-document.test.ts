import t from 'tap'
import { collectNamed, type NamedSchemas, toComponents, withReferences } from '../../src/control/openapi-document.ts'

t.test('schemas with a title become components, and what uses them refers to them', async t => {
  const leaf = { type: 'string', title: 'Leaf' }
  const tree = { type: 'array', items: leaf, title: 'Tree' }
  const named: NamedSchemas = new Map()
  collectNamed({ body: { ...tree, 'x-examples': { one: { value: ['x'] } } } }, named)
  t.same(withReferences({ content: [{ schema: tree }] }, named), { content: [{ schema: { $ref: '#/components/schemas/Tree' } }] })
  t.same(toComponents(named), { Leaf: leaf, Tree: { type: 'array', items: { $ref: '#/components/schemas/Leaf' }, title: 'Tree' } })
})

t.test('two different schemas cannot share a title', async t => {
  const named: NamedSchemas = new Map()
  collectNamed({ type: 'string', title: 'A' }, named)
  collectNamed({ type: 'string', title: 'A' }, named)
  t.throws(() => collectNamed({ type: 'number', title: 'A' }, named), /two schemas are called A/)
})
