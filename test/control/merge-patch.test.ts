import t from 'tap'
import { mergePatch, patchItem } from '../../src/control/merge-patch.ts'

t.test('mergePatch gives the results of RFC 7396 appendix A', async t => {
  const cases: [target: unknown, patch: unknown, result: unknown][] = [
    [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
    [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
    [{ a: 'b' }, { a: null }, {}],
    [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
    [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
    [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
    [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
    [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
    [
      ['a', 'b'],
      ['c', 'd'],
      ['c', 'd']
    ],
    [{ a: 'b' }, ['c'], ['c']],
    [{ a: 'foo' }, null, null],
    [{ a: 'foo' }, 'bar', 'bar'],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [[1, 2], { a: 'b', c: null }, { a: 'b' }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }]
  ]
  for (const [target, patch, result] of cases)
    t.strictSame(mergePatch(target, patch), result, `${JSON.stringify(target)} + ${JSON.stringify(patch)}`)
})

t.test('mergePatch changes neither of its arguments', async t => {
  const target = Object.freeze({ a: Object.freeze({ b: 1 }) })
  const patch = Object.freeze({ a: Object.freeze({ c: 2 }) })
  t.strictSame(mergePatch(target, patch), { a: { b: 1, c: 2 } })
})

t.test('mergePatch keeps a key named __proto__ a key', async t => {
  const result = mergePatch({}, JSON.parse('{"__proto__": {"polluted": true}}')) as Record<string, unknown>
  t.equal(result.polluted, undefined)
  t.ok(Object.hasOwn(result, '__proto__'))
})

t.test('patchItem reads method and methods as one field', async t => {
  const patch = (written: unknown, patch: unknown) => patchItem('forward_rule', written, patch)
  t.strictSame(patch({ method: 'GET' }, { methods: null }), {}, 'null removes what was written in the short form')
  t.strictSame(patch({ methods: ['GET'] }, { method: null }), {})
  t.strictSame(patch({ methods: ['GET'] }, { method: 'PUT' }), { methods: ['PUT'] }, 'the short form replaces the list')
  t.strictSame(patch({ method: 'GET' }, { priority: 1 }), { methods: ['GET'], priority: 1 })
  t.strictSame(patch({ method: 'GET', methods: ['PUT'] }, {}), { methods: ['PUT', 'GET'] })
  t.strictSame(patch({ method: 'GET' }, { method: 'PUT', methods: null }), { methods: ['PUT'] })
  t.strictSame(patch({ method: 'GET' }, { method: null, methods: null }), {})
  t.strictSame(patch({ method: 'GET' }, { method: null, methods: ['PUT'] }), { methods: ['PUT'] })
})

t.test('patchItem leaves a service alone', async t => {
  t.strictSame(patchItem('service', { method: 'x' }, { labels: { a: 'b' } }), { method: 'x', labels: { a: 'b' } })
})
