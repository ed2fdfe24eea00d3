import t from 'tap'
import { startAdmin } from '../helpers/admin.ts'

const written = { id: 's1', targets: [{ url: 'http://127.0.0.1:9' }, { url: 'http://127.0.0.1:10', weight: 0, labels: { zone: 'a' } }] }
const canonical = {
  id: 's1',
  description: '',
  labels: {},
  targets: [
    { url: 'http://127.0.0.1:9', weight: 1, labels: {} },
    { url: 'http://127.0.0.1:10', weight: 0, labels: { zone: 'a' } }
  ],
  balancer: { algorithm: 'round_robin' }
}

t.test('a service is created, read, changed, listed and deleted as a rule is', async t => {
  const { call, live } = await startAdmin(t)
  const created = await call('POST', '/services', written)
  t.strictSame([created.status, created.body, created.headers.location], [201, canonical, '/services/s1'])
  t.ok(live.snapshot?.service('s1'))
  const patched = await call('PATCH', '/services/s1', { labels: { team: 'x' }, balancer: { algorithm: 'weighted_round_robin' } })
  t.strictSame(patched.body, { ...canonical, labels: { team: 'x' }, balancer: { algorithm: 'weighted_round_robin' } })
  t.strictSame((await call('GET', '/services?label=team:x')).body, { items: [patched.body], next_cursor: null, total: 1 })
  t.equal((await call('PUT', '/services/s1', written, { 'if-match': patched.headers.etag! })).status, 200)
  t.equal((await call('DELETE', '/services/s1')).status, 204)
  t.match(await call('GET', '/services/s1'), { status: 404, body: { code: 'service_not_found' } })
})

t.test('a service made without an id gets one of its kind', async t => {
  const { call } = await startAdmin(t)
  t.match((await call('POST', '/services', {})).body.id, /^service-[0-9a-z]{10}$/)
})

t.test('a service in use cannot be deleted; the answer names the rules', async t => {
  const { call } = await startAdmin(t)
  await call('POST', '/services', written)
  for (const id of ['r2', 'r1']) await call('POST', '/forward-rules', { id, path: `/${id}`, target_service: 's1' })
  const { status, body } = await call('DELETE', '/services/s1')
  t.equal(status, 409)
  t.match(body, { code: 'service_in_use', detail: /'r1', 'r2'/ })
  t.match(body.errors, [{ detail: /'r1'/ }, { detail: /'r2'/ }])
  for (const id of ['r1', 'r2']) await call('DELETE', `/forward-rules/${id}`)
  t.equal((await call('DELETE', '/services/s1')).status, 204)
})

t.test('a service that a rule mirrors to is in use as well, until the rule mirrors no more', async t => {
  const { call } = await startAdmin(t)
  await call('POST', '/services', written)
  const rule = { id: 'r', path: '/r', target: 'http://127.0.0.1:9', mirror: { target_service: 's1', percent: 0.5 } }
  t.match(await call('POST', '/forward-rules', rule), { status: 201, body: rule })
  t.match(await call('DELETE', '/services/s1'), { status: 409, body: { code: 'service_in_use', detail: /'r'/ } })
  t.equal((await call('PATCH', '/forward-rules/r', { mirror: null })).status, 200)
  t.equal((await call('DELETE', '/services/s1')).status, 204)
})

t.test('filters of rules are unknown to services', async t => {
  const { call } = await startAdmin(t)
  for (const query of ['path=/a', 'host=a', 'service=a', 'enabled=true'])
    t.equal((await call('GET', `/services?${query}`)).status, 400, query)
})
