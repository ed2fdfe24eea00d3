import t from 'tap'
import { RequestFacts } from '../../src/core/facts.ts'
import { normalisePath } from '../../src/core/path.ts'
import { startAdmin } from '../helpers/admin.ts'

const minute = 60_000

t.test('a rule with limits is taken and read back as written; a contradiction is a 400 at its place', async t => {
  const { call } = await startAdmin(t)
  const rate_limit = [
    { limit: 5, window_ms: minute },
    { limit: 2, algorithm: 'concurrency', key: ['rule'] }
  ]
  const made = await call('POST', '/forward-rules', { id: 'r1', respond: {}, rate_limit })
  t.equal(made.status, 201)
  t.same((await call('GET', '/forward-rules/r1')).body.rate_limit, rate_limit)
  const refused = await call('PATCH', '/forward-rules/r1', { rate_limit: { limit: 5, max_delay_ms: 5 } })
  t.match(refused, { status: 400, body: { code: 'validation_failed', errors: [{ pointer: '/rate_limit/max_delay_ms' }] } })
  t.match(await call('PATCH', '/forward-rules/r1', { rate_limit: { limit: 0 } }), {
    status: 400,
    body: { errors: [{ pointer: '/rate_limit/limit' }] }
  })
})

t.test('/explain says what the limits of a request would say, and counts nothing', async t => {
  const { call, limiter, live } = await startAdmin(t)
  await call('POST', '/forward-rules', { id: 'r1', respond: {}, rate_limit: { limit: 5, window_ms: minute } })
  const explain = async () => (await call('POST', '/explain', { url: 'http://a/', source_ip: '10.0.0.7' })).body.limits
  const fresh = {
    limit: 'rule/r1/token_bucket/ip',
    algorithm: 'token_bucket',
    key: '10.0.0.7',
    counted: 'instance',
    mode: null,
    shadow: false,
    tier: null,
    allowed: true,
    allows: 5,
    remaining: 5,
    reset_ms: 0,
    max_overshoot: 0,
    adaptive: null
  }
  t.same(await explain(), [fresh])
  const facts = new RequestFacts('GET', normalisePath('/')!, '', 'a', '10.0.0.7', {}, 0)
  const { limits } = live.snapshot!.rule('r1')!
  for (let left = 5; left > 0; left--) limiter.admit({ rule: 'r1', facts, limits, tierLimits: [] })
  t.match(await explain(), [{ allowed: false, remaining: 0, allows: 5 }])
  await call('POST', '/forward-rules', { id: 'r2', path: '/free', respond: {} })
  t.same((await call('POST', '/explain', { url: 'http://a/free' })).body.limits, [])
})

t.test('/explain says where the rate of an adaptive limit is, and why', async t => {
  const { call, limiter } = await startAdmin(t)
  const rate_limit = { algorithm: 'adaptive', limit: 100, min: 10, max: 100, target_latency_ms: 100, key: 'rule' }
  await call('POST', '/forward-rules', { id: 'r1', respond: {}, rate_limit })
  const explain = async () => (await call('POST', '/explain', { url: 'http://a/', source_ip: '10.0.0.7' })).body.limits
  t.match(await explain(), [
    { algorithm: 'adaptive', adaptive: { rate: 100, observed_ms: null, error: 0, integral: Number, bound: 'max' } }
  ])
  const rate = [...limiter.live][0]!.rate!
  for (let second = 1; second < 30; second++) {
    const nowMs = performance.now() + second * 1_000
    rate.count(true, true, nowMs)
    rate.ended(300)
    rate.advance(nowMs)
  }
  t.match(await explain(), [{ adaptive: { rate: 10, observed_ms: 300, error: -1, bound: 'min' } }])
})
