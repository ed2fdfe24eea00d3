import fc from 'fast-check'
import t from 'tap'
import { PersistentMap } from '../../src/core/persistent-map.ts'
import { hashText } from '../../src/core/string-hash.ts'
import { equalHashes } from './equal-hashes.ts'

const sorted = <V>(entries: Iterable<[string, V]>): [string, V][] => [...entries].sort(([a], [b]) => (a < b ? -1 : 1))

t.test('an empty map holds nothing', async t => {
  const map = PersistentMap.empty<number>()
  t.equal(map.size, 0)
  t.equal(map.get('a'), undefined)
  t.equal(map.has('a'), false)
  t.same([...map], [])
  t.equal(map.delete('a'), map)
})

t.test('a change leaves every older version as it was', async t => {
  const keys = [...equalHashes, ...Array.from({ length: 200 }, (_, index) => `k${index % 60}`)]
  const operation = fc.record({ key: fc.constantFrom(...keys), value: fc.option(fc.integer({ min: 0, max: 9 }), { nil: undefined }) })
  const holds = fc.property(fc.array(operation, { maxLength: 300 }), operations => {
    const model = new Map<string, number>()
    let map = PersistentMap.empty<number>()
    const versions: [PersistentMap<number>, Map<string, number>][] = []
    for (const { key, value } of operations) {
      versions.push([map, new Map(model)])
      map = value === undefined ? map.delete(key) : map.set(key, value)
      if (value === undefined) model.delete(key)
      else model.set(key, value)
    }
    versions.push([map, model])
    for (const [version, expected] of versions.filter((_, index) => index % 37 === 0 || index === versions.length - 1)) {
      if (version.size !== expected.size) return false
      for (const key of keys) if (version.get(key) !== expected.get(key) || version.has(key) !== expected.has(key)) return false
      if (JSON.stringify(sorted(version)) !== JSON.stringify(sorted(expected))) return false
    }
    return true
  })
  t.doesNotThrow(() => fc.assert(holds, { numRuns: 300 }))
})

t.test('keys of one hash live side by side', async t => {
  t.ok(equalHashes.length >= 3)
  t.equal(new Set(equalHashes.map(hashText)).size, 1, 'they do have one hash')
  let map = PersistentMap.from(equalHashes.map((key, index) => [key, index] as const))
  for (const [index, key] of equalHashes.entries()) t.equal(map.get(key), index)
  for (const key of equalHashes.slice(1)) map = map.delete(key)
  t.same([...map], [[equalHashes[0], 0]])
  const [first, second, third] = equalHashes
  const texts = PersistentMap.from<string>([first, second, third].map(key => [key, third]))
  t.same([...texts.delete(third).keys()].sort(), [first, second].sort(), 'also when a value looks like a key')
})

t.test('the same entries in another order make the same sequence', async t => {
  const keys = Array.from({ length: 500 }, (_, index) => `key-${index}`)
  const there = PersistentMap.from(keys.map(key => [key, key] as const))
  let back = PersistentMap.from(keys.toReversed().map(key => [key, key] as const))
  for (const key of ['x', 'y', 'z']) back = back.set(key, key)
  for (const key of ['x', 'y', 'z']) back = back.delete(key)
  t.same([...there.keys()], [...back.keys()])
  t.same([...there.values()], [...there.keys()])
})

t.test('a prefix is found by its hash without being cut out', async t => {
  const map = PersistentMap.from([
    ['/api', 1],
    ['/api/users', 2]
  ])
  const path = '/api/users/7'
  t.equal(map.getSlice(path, 4, hashText('/api')), 1)
  t.equal(map.getSlice(path, 10, hashText('/api/users')), 2)
  t.equal(map.getSlice(path, path.length, hashText(path)), undefined)
})

t.test('setting what is there already gives the same map', async t => {
  const map = PersistentMap.empty<number | undefined>().set('a', 1).set('b', undefined)
  t.equal(map.set('a', 1), map)
  t.equal(map.has('b'), true)
  t.equal(map.size, 2)
})
