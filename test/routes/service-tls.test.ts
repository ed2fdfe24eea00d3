/** `tls` of services: checked when it is written, its key never shown. */
import t from 'tap'
import { startAdmin } from '../helpers/admin.ts'
import { certificate, otherCertificate, otherPrivateKey, privateKey } from '../helpers/certificate.ts'

const tls = { ca: certificate, cert: otherCertificate, key: otherPrivateKey, server_name: 'users.internal' }
const service = { id: 's1', targets: [{ url: 'https://10.0.0.7' }], http2: true, tls }
const { key: _key, ...shown } = tls

/** Part of the key that must be nowhere. */
const secret = otherPrivateKey.split('\n')[1]!

t.test('no answer ever holds the key, and what was answered can be written back', async t => {
  const { call, live } = await startAdmin(t)
  const created = await call('POST', '/services', service)
  t.match(created, { status: 201, body: { http2: true, tls: shown } })
  const exported = await call('GET', '/config')
  const rollout = {
    id: 'ro',
    changes: [{ op: 'put', kind: 'service', id: 's1', item: { ...created.body, labels: { a: 'b' } } }],
    steps: [{ percent: 50, hold_ms: 600_000 }]
  }
  const answers = [
    created,
    exported,
    await call('GET', '/services/s1'),
    await call('GET', '/services'),
    await call('PUT', '/services/s1', { ...created.body, description: 'edited' }),
    await call('PATCH', '/services/s1', { description: 'patched' }),
    await call('GET', '/revisions/1'),
    await call('GET', '/revisions/2'),
    await call('PUT', '/config', exported.body),
    await call('POST', '/rollouts', rollout),
    await call('GET', '/rollouts/ro'),
    await call('GET', '/rollouts'),
    await call('GET', `/revisions/${live.state?.revision}`)
  ]
  for (const { status, body } of answers) {
    t.ok(status < 300, `${status}`)
    t.notOk(JSON.stringify(body).includes(secret))
  }
  t.equal(live.snapshot?.service('s1')?.targets[0]?.transport?.tls?.key, otherPrivateKey, 'it is kept all the same')
})

t.test('what cannot be used is refused, and says where', async t => {
  const { call } = await startAdmin(t)
  const cases: [name: string, tls: Record<string, unknown>, pointer: string][] = [
    ['a CA that is none', { ca: 'nonsense' }, '/tls/ca'],
    ['a certificate that is none', { ...tls, cert: 'nonsense' }, '/tls/cert'],
    ['the key of another', { ...tls, key: privateKey }, '/tls/key'],
    ['a certificate alone', { cert: otherCertificate }, '/tls/key'],
    ['a key alone', { key: otherPrivateKey }, '/tls/cert'],
    ['a name with a space', { server_name: 'a b' }, '/tls/server_name']
  ]
  for (const [name, written, pointer] of cases) {
    const answer = await call('POST', '/services', { ...service, tls: written })
    t.match(answer, { status: 400, body: { code: 'validation_failed', errors: [{ pointer }] } }, name)
  }
})

t.test('null takes the key away with its certificate', async t => {
  const { call, live } = await startAdmin(t)
  await call('POST', '/services', service)
  t.equal((await call('PATCH', '/services/s1', { tls: { cert: null, key: null } })).status, 200)
  t.match(live.snapshot?.service('s1')?.targets[0]?.transport?.tls, { cert: undefined, key: undefined, serverName: 'users.internal' })
  t.equal((await call('PATCH', '/services/s1', { http2: false, tls: null })).status, 200)
  t.equal(live.snapshot?.service('s1')?.targets[0]?.transport, undefined)
})
