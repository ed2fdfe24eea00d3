import fc from 'fast-check'
import t from 'tap'
import { rampWeights } from '../../src/core/ramp.ts'

t.test('the rule gets its share, and the others share the rest as they did', async t => {
  t.same(rampWeights({ stable: 100, canary: 0 }, 'canary', 5), { stable: 1000, canary: 52 })
  t.same(rampWeights({ stable: 100, canary: 5 }, 'canary', 50), { stable: 1000, canary: 1000 })
  t.same(rampWeights({ a: 3, b: 1, canary: 0 }, 'canary', 25), { a: 999, b: 333, canary: 444 })
  t.same(rampWeights({ a: 3, b: 0, canary: 0 }, 'canary', 25), { a: 999, b: 0, canary: 333 }, 'whoever had nothing gets nothing')
})

t.test('at 100 % the others get nothing', async t => {
  t.same(rampWeights({ a: 3, b: 7, canary: 1 }, 'canary', 100), { a: 0, b: 0, canary: 1000 })
})

t.test('the share is never greater than asked for, and near it where weights allow', async t => {
  const weights = fc
    .array(fc.integer({ min: 0, max: 1000 }), { minLength: 1, maxLength: 8 })
    .filter(list => list.some(weight => weight > 0))
  fc.assert(
    fc.property(weights, fc.integer({ min: 1, max: 99 }), (others, percent) => {
      const before = { ...Object.fromEntries(others.map((weight, index) => [`o${index}`, weight])), canary: 7 }
      const now = rampWeights(before, 'canary', percent)
      const values = Object.values(now)
      const share = (now.canary! / values.reduce((sum, weight) => sum + weight, 0)) * 100
      t.ok(values.every(weight => Number.isInteger(weight) && weight >= 0 && weight <= 1000))
      t.ok(others.every((weight, index) => weight > 0 === now[`o${index}`]! > 0))
      return share <= percent + 1e-9 && (others.length > 1 || share > percent - 0.2)
    }),
    { numRuns: 300 }
  )
})

t.test('a share that grows only grows', async t => {
  const before = { a: 80, b: 20, canary: 0 }
  const shares = [1, 5, 25, 50, 75, 99, 100].map(percent => {
    const now = rampWeights(before, 'canary', percent)
    return now.canary! / Object.values(now).reduce((sum, weight) => sum + weight, 0)
  })
  t.same(
    shares,
    shares.toSorted((a, b) => a - b)
  )
  t.ok(new Set(shares).size === shares.length)
})
