import t from 'tap'
import { balancerNames } from '../../schemas/service.ts'
import { startAdmin } from '../helpers/admin.ts'

const targets = [{ url: 'http://127.0.0.1:9' }]

t.test('every balancer can be asked for, and is answered as written', async t => {
  const { call } = await startAdmin(t)
  for (const algorithm of balancerNames) {
    const { status, body } = await call('PUT', `/services/${algorithm}`, { targets, balancer: { algorithm } })
    t.strictSame([status, body.balancer], [201, { algorithm }])
  }
  for (const hash_on of ['ip', 'path', 'header:X-Tenant', 'cookie:uid', 'query:user[id]']) {
    const { status, body } = await call('PUT', '/services/h', { targets, balancer: { algorithm: 'consistent_hash', hash_on } })
    t.strictSame([status < 300, body.balancer], [true, { algorithm: 'consistent_hash', hash_on }])
  }
})

t.test('sticky and slow_start_ms have their defaults filled in', async t => {
  const { call } = await startAdmin(t)
  const { body } = await call('POST', '/services', { targets, sticky: {}, slow_start_ms: 500 })
  t.strictSame([body.sticky, body.slow_start_ms], [{ cookie: 'sluice_target', ttl_s: 3600 }, 500])
})

t.test('what a balancer cannot be is refused, with its place', async t => {
  const { call } = await startAdmin(t)
  const refused: [item: Record<string, unknown>, pointer: string][] = [
    [{ balancer: { algorithm: 'fastest' } }, '/balancer/algorithm'],
    [{ balancer: { algorithm: 'round_robin', hash_on: 'ip' } }, '/balancer/hash_on'],
    [{ balancer: { algorithm: 'ip_hash', hash_on: 'ip' } }, '/balancer/hash_on'],
    [{ balancer: { hash_on: 'ip' } }, '/balancer/hash_on'],
    [{ balancer: { algorithm: 'consistent_hash', hash_on: 'caller' } }, '/balancer/hash_on'],
    [{ balancer: { algorithm: 'consistent_hash', hash_on: 'header:' } }, '/balancer/hash_on'],
    [{ balancer: { algorithm: 'consistent_hash', hash_on: 'header:a b' } }, '/balancer/hash_on'],
    [{ balancer: { algorithm: 'consistent_hash', hash_on: 'cookie:a;b' } }, '/balancer/hash_on'],
    [{ balancer: { algorithm: 'consistent_hash', hash_on: 'query:a&b' } }, '/balancer/hash_on'],
    [{ sticky: { cookie: 'a b' } }, '/sticky/cookie'],
    [{ sticky: { cookie: 'a;b' } }, '/sticky/cookie'],
    [{ sticky: { cookie: '' } }, '/sticky/cookie'],
    [{ sticky: { cookie: '__Host-a' } }, '/sticky/cookie'],
    [{ sticky: { ttl_s: 0 } }, '/sticky/ttl_s'],
    [{ slow_start_ms: -1 }, '/slow_start_ms']
  ]
  for (const [item, pointer] of refused) {
    const { status, body } = await call('POST', '/services', { targets, ...item })
    t.equal(status, 400, JSON.stringify(item))
    t.match(body, { code: 'validation_failed', errors: [{ pointer }] }, JSON.stringify(item))
  }
})
