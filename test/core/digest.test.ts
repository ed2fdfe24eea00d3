import t from 'tap'
import type { StoredItem } from '../../src/core/change.ts'
import { digestText, emptyDigest, withItem } from '../../src/core/digest.ts'

const item = (id: string, value: unknown = {}): StoredItem => ({ kind: 'forward_rule', id, item: value, seq: 1 })

t.test('the way does not count, only what is there', async t => {
  const a = withItem(withItem(emptyDigest, undefined, item('a')), undefined, item('b'))
  const b = withItem(
    withItem(withItem(withItem(emptyDigest, undefined, item('b', 1)), undefined, item('c')), item('b', 1), item('b')),
    item('c'),
    item('a')
  )
  t.equal(digestText(a), digestText(b))
  t.match(digestText(a), /^[0-9a-f]{16}$/)
})

t.test('what was put in and taken out leaves nothing', async t => {
  t.same(withItem(withItem(emptyDigest, undefined, item('a')), item('a'), undefined), emptyDigest)
})

t.test('any difference shows', async t => {
  const base = item('a', { path: '/a' })
  const others: StoredItem[] = [
    { ...base, id: 'b' },
    { ...base, kind: 'service' },
    { ...base, seq: 2 },
    { ...base, item: { path: '/b' } },
    { ...base, item: undefined, fault: 'x' }
  ]
  const digests = [base, ...others].map(one => digestText(withItem(emptyDigest, undefined, one)))
  t.equal(new Set(digests).size, digests.length)
})
