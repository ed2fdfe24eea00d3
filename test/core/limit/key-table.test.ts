import fc from 'fast-check'
import t from 'tap'
import { KeyTable } from '../../../src/core/limit/key-table.ts'

t.test('it holds what a map would, and the least recently used key goes first', async t => {
  const anyStep = fc.record({ key: fc.integer({ min: 0, max: 30 }).map(String), drop: fc.boolean(), value: fc.integer({ min: 1 }) })
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 20 }), fc.array(anyStep, { maxLength: 300 }), (max, steps) => {
      const budget = { max, used: 0 }
      const table = new KeyTable(2, budget)
      // In the order of use.
      const model = new Map<string, number>()
      for (const { key, drop, value } of steps) {
        if (drop && model.has(key)) {
          table.drop(table.find(key)!.slot)
          model.delete(key)
          continue
        }
        const known = model.get(key) ?? 0
        if (known === 0 && model.size === max) model.delete(model.keys().next().value!)
        const { numbers, at } = table.place(key)
        if (numbers[at] !== known || numbers[at + 1] !== known) return false
        numbers.fill(value, at, at + 2)
        model.delete(key)
        model.set(key, value)
        const oldest = table.oldest!
        if (table.keyOf(oldest.slot) !== model.keys().next().value) return false
      }
      return (
        table.size === model.size &&
        budget.used === model.size &&
        [...model].every(([key, value]) => {
          const { numbers, at } = table.find(key)!
          return numbers[at] === value
        })
      )
    }),
    { numRuns: 500 }
  )
  t.pass()
})

t.test('a hundred thousand keys keep their numbers while it grows', async t => {
  const table = new KeyTable(3, { max: 1_000_000, used: 0 })
  for (let index = 0; index < 100_000; index++) {
    const { numbers, at } = table.place(`key ${index}`)
    numbers[at + 2] = index
  }
  let wrong = 0
  for (let index = 0; index < 100_000; index++) {
    const { numbers, at } = table.find(`key ${index}`)!
    if (numbers[at + 2] !== index || numbers[at] !== 0) wrong++
  }
  t.equal(wrong, 0)
  t.equal(table.evictions, 0)
})

t.test('tables that share a budget keep it together, and count what had to go', async t => {
  const budget = { max: 10, used: 0 }
  const first = new KeyTable(1, budget)
  const second = new KeyTable(1, budget)
  for (let index = 0; index < 8; index++) first.place(`${index}`)
  for (let index = 0; index < 8; index++) second.place(`${index}`)
  t.equal(budget.used, 10)
  t.equal(first.size, 8)
  t.equal(second.size, 2)
  t.equal(second.evictions, 6)
  t.ok(second.find('7'), 'the newest is there')
  first.clear()
  t.equal(budget.used, 2)
})

t.test('a key that goes is told', async t => {
  const gone: string[] = []
  const table: KeyTable = new KeyTable(0, { max: 2, used: 0 }, slot => gone.push(table.keyOf(slot)))
  for (const key of ['a', 'b', 'a', 'c', 'd']) table.place(key)
  t.same(gone, ['b', 'a'])
})
