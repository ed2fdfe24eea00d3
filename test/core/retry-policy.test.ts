import fc from 'fast-check'
import t from 'tap'
import { compileRetry, parseRetryAfter, retryDelay } from '../../src/core/retry-policy.ts'

t.test('what a retry leaves out takes its default', async t => {
  t.same(compileRetry({}), {
    attempts: 1,
    on: new Set(['connect_error', 'reset', 'timeout', 502, 503, 504]),
    methods: new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']),
    backoffMs: 25,
    hedgeAfterMs: null
  })
})

t.test('what a retry says is taken as it is, methods in any case', async t => {
  const compiled = compileRetry({ attempts: 3, on: ['429', '500'], methods: ['post'], backoff_ms: 0, hedge_after_ms: 10 })
  t.same(compiled, { attempts: 3, on: new Set([429, 500]), methods: new Set(['POST']), backoffMs: 0, hedgeAfterMs: 10 })
})

t.test('the wait doubles, is random from nothing to all of it, and ends at a second', async t => {
  const longest = (index: number, backoffMs = 25) => retryDelay(backoffMs, index, 1, undefined, null)
  t.same(
    [0, 1, 2, 5, 6, 9].map(index => longest(index)),
    [25, 50, 100, 800, 1_000, 1_000]
  )
  t.equal(longest(3, 5_000), 5_000, 'a longer one stays')
  t.equal(retryDelay(25, 4, 0, undefined, null), 0)
  t.equal(retryDelay(25, 1, 0.5, undefined, null), 25)
})

t.test('Retry-After is waited for when it is short', async t => {
  t.equal(retryDelay(25, 0, 1, 900, null), 900)
  t.equal(retryDelay(25, 0, 1, 1_001, null), undefined)
  t.equal(retryDelay(25, 0, 1, 4_000, 5_000), 4_000, 'the rule says how long is too long')
  t.equal(retryDelay(25, 0, 1, 6_000, 5_000), undefined)
  t.equal(retryDelay(25, 0, 1, 0, null), 25)
})

t.test('no wait ends when there is no time left', async () => {
  const ms = fc.double({ min: 0, max: 100_000, noNaN: true })
  fc.assert(
    fc.property(
      ms,
      fc.integer({ min: 0, max: 9 }),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      fc.option(ms),
      ms,
      (backoff, index, random, after, left) => {
        const delay = retryDelay(backoff, index, random, after ?? undefined, left)
        return delay === undefined || (delay < left && delay >= (after ?? 0))
      }
    )
  )
})

t.test('Retry-After is read as seconds or as a date', async t => {
  const now = Date.parse('2026-11-20T10:00:00Z')
  t.equal(parseRetryAfter('2', now), 2_000)
  t.equal(parseRetryAfter(' 0 ', now), 0)
  t.equal(parseRetryAfter('Fri, 20 Nov 2026 10:00:30 GMT', now), 30_000)
  t.equal(parseRetryAfter('Fri, 20 Nov 2026 09:00:00 GMT', now), 0)
  for (const bad of ['', 'soon', '-1x', '1, 2x']) t.equal(parseRetryAfter(bad, now), undefined, bad)
})
