import t from 'tap'
import { IdempotencyCache } from '../../src/control/idempotency-cache.ts'

const answer = (body: string) => ({ status: 201, headers: {}, body })

t.test('a finished request gives its answer again, for a day', async t => {
  let now = 0
  const cache = new IdempotencyCache({ now: () => now })
  t.same(cache.begin('k', 'a'), { state: 'new' })
  t.same(cache.begin('k', 'a'), { state: 'running' })
  t.same(cache.begin('k', 'b'), { state: 'reused' }, 'another request, while the first runs')
  cache.finish('k', answer('one'))
  t.same(cache.begin('k', 'a'), { state: 'done', answer: answer('one') })
  t.same(cache.begin('k', 'b'), { state: 'reused' })
  now = 86_399_999
  t.match(cache.begin('k', 'a'), { state: 'done' })
  now = 86_400_000
  t.same(cache.begin('k', 'b'), { state: 'new' }, 'after a day the key is free')
})

t.test('a forgotten request is new again', async t => {
  const cache = new IdempotencyCache({ now: () => 0 })
  cache.begin('k', 'a')
  cache.forget('k')
  t.same(cache.begin('k', 'b'), { state: 'new' })
})

t.test('the answer used longest ago goes first', async t => {
  const cache = new IdempotencyCache({ now: () => 0, maxEntries: 2 })
  for (const key of ['a', 'b']) {
    cache.begin(key, key)
    cache.finish(key, answer(key))
  }
  cache.begin('a', 'a')
  cache.begin('c', 'c')
  t.match(cache.begin('a', 'a'), { state: 'done' }, 'used a moment ago')
  t.match(cache.begin('b', 'b'), { state: 'new' }, 'gone')
})

t.test('answers never take more than the room they are given', async t => {
  const cache = new IdempotencyCache({ now: () => 0, maxCharacters: 10 })
  for (const key of ['a', 'b', 'c']) {
    cache.begin(key, key)
    cache.finish(key, answer('12345'))
  }
  t.match(cache.begin('b', 'b'), { state: 'done' })
  t.match(cache.begin('c', 'c'), { state: 'done' })
  t.match(cache.begin('a', 'a'), { state: 'new' })
  cache.finish('a', answer('much too long'))
  t.match(cache.begin('a', 'a'), { state: 'new' })
})
