import t from 'tap'
import { makeBalancer, makeCandidates, take } from './make.ts'

t.test('round robin gives equal turns, whatever the weights', async t => {
  t.equal(take(makeBalancer('round_robin'), makeCandidates({ a: 5, c: 1, d: 1 }), 7), 'acdacda')
})

t.test('round robin goes on behind the last one when the list changes', async t => {
  const balancer = makeBalancer('round_robin')
  const [z, a, b, c, d] = makeCandidates({ z: 1, a: 1, b: 1, c: 1, d: 1 })
  t.equal(take(balancer, [a!, b!, c!], 2), 'ab')
  t.equal(take(balancer, [z!, a!, b!, c!], 1), 'c', 'one came before')
  t.equal(take(balancer, [z!, a!, b!, d!], 1), 'd', 'the last one is gone: whoever stands at its place')
  t.equal(take(balancer, [a!], 2), 'aa')
})

t.test('weighted round robin is interleaved and exact in each cycle', async t => {
  const targets = makeCandidates({ a: 5, b: 1, c: 1 })
  const balancer = makeBalancer('weighted_round_robin')
  t.equal(take(balancer, targets, 7), 'aabacaa')
  t.equal(take(balancer, targets, 7), 'aabacaa')
})

t.test('weighted round robin keeps the turn of those who stay', async t => {
  const [changing, steady] = [makeBalancer('weighted_round_robin'), makeBalancer('weighted_round_robin')]
  const targets = makeCandidates({ a: 3, b: 2 })
  const turns = Array.from({ length: 20 }, () => take(changing, [...targets], 1)).join('')
  t.equal(turns, take(steady, targets, 20), 'a list that is made anew each time, with the same in it')
})
