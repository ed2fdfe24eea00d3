import fc from 'fast-check'
import t from 'tap'
import { assignSeqs, seqStep } from '../../src/stores/file-order.ts'

const known = (seqs: Record<string, number>): Map<string, number> => new Map(Object.entries(seqs))

t.test('a first list is numbered with gaps', async t => {
  t.same(assignSeqs(['a', 'b', 'c'], known({}), 0), [seqStep, 2 * seqStep, 3 * seqStep])
  t.same(assignSeqs([], known({}), 0), [])
})

t.test('what is inserted gets a number in between, and nothing else changes', async t => {
  const before = known({ a: seqStep, b: 2 * seqStep })
  t.same(assignSeqs(['a', 'x', 'b'], before, 2 * seqStep), [seqStep, 1.5 * seqStep, 2 * seqStep])
  const [x, a, b] = assignSeqs(['x', 'a', 'b'], before, 2 * seqStep)
  t.ok(x! < a!)
  t.same([a, b], [seqStep, 2 * seqStep])
})

t.test('what comes back after it was deleted is younger than ever', async t => {
  t.same(assignSeqs(['a', 'b'], known({ a: seqStep }), 5 * seqStep), [seqStep, 6 * seqStep])
})

t.test('of a moved item and those that stayed, the moved one changes its number', async t => {
  const before = known({ a: 10, b: 20, c: 30, d: 40 })
  const [d, a, b, c] = assignSeqs(['d', 'a', 'b', 'c'], before, 40)
  t.same([a, b, c], [10, 20, 30])
  t.ok(d! < 10)
})

t.test('where there is no room everything is numbered anew', async t => {
  t.same(assignSeqs(['a', 'x', 'b'], known({ a: 7, b: 8 }), 8), [seqStep, 2 * seqStep, 3 * seqStep])
})

t.test('whatever the edits: numbers grow down the list, and as many as can be are kept', async () => {
  const ids = fc.uniqueArray(fc.constantFrom(...'abcdefghij'), { maxLength: 10 })
  fc.assert(
    fc.property(fc.array(ids, { minLength: 1, maxLength: 8 }), lists => {
      let seqs = new Map<string, number>()
      let highest = 0
      for (const list of lists) {
        const next = assignSeqs(list, seqs, highest)
        if (next.some((seq, index) => index > 0 && seq <= next[index - 1]!)) return false
        const kept = list.filter((id, index) => seqs.get(id) === next[index]).length
        if (kept !== longestGrowing(list.flatMap(id => seqs.get(id) ?? []))) return false
        seqs = new Map(list.map((id, index) => [id, next[index]!]))
        highest = Math.max(highest, ...next)
      }
      return true
    }),
    { numRuns: 300 }
  )
})

/** The plain O(n²) way. */
function longestGrowing(values: readonly number[]): number {
  const lengths: number[] = []
  for (const [index, value] of values.entries()) {
    lengths[index] = 1 + Math.max(0, ...lengths.filter((_, before) => values[before]! < value))
  }
  return Math.max(0, ...lengths)
}
