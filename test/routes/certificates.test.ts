import t from 'tap'
import { startAdmin } from '../helpers/admin.ts'
import {
  certificate,
  expiredCertificate,
  expiredPrivateKey,
  otherCertificate,
  otherPrivateKey,
  privateKey
} from '../helpers/certificate.ts'

const own = { id: 'own', cert: otherCertificate, key: otherPrivateKey }

/** Part of the key that must be nowhere. */
const secret = otherPrivateKey.split('\n')[1]!

t.test('a certificate is answered with what it says of itself, and without its key', async t => {
  const { call } = await startAdmin(t)
  const created = await call('POST', '/certificates', { ...own, description: 'ours', labels: { team: 'edge' } })
  t.equal(created.status, 201)
  t.equal(created.headers.location, '/certificates/own')
  t.match(created.body, {
    id: 'own',
    description: 'ours',
    hosts: ['api.example.com', '*.example.com'],
    subject: 'CN=other.test',
    issuer: 'CN=other.test',
    not_before: /^20\d\d-/,
    not_after: /^21\d\d-/,
    fingerprint: /^([0-9A-F]{2}:){31}[0-9A-F]{2}$/
  })
  t.same((await call('GET', '/certificates/own')).body, created.body)
  t.equal((await call('GET', '/certificates?host=API.example.com')).body.total, 1)
  t.equal((await call('GET', '/certificates?host=else.example.com')).body.total, 0)
  t.equal((await call('GET', '/certificates?label=team:edge')).body.total, 1)
  t.equal((await call('DELETE', '/certificates/own')).status, 204)
  t.match(await call('GET', '/certificates/own'), { status: 404, body: { code: 'certificate_not_found' } })
})

t.test('no answer ever holds the key', async t => {
  const { call } = await startAdmin(t)
  const answers = [
    await call('POST', '/certificates?dry_run=true', own),
    await call('POST', '/certificates', own),
    await call('PUT', '/certificates/own', { ...own, description: 'again' }),
    await call('PATCH', '/certificates/own', { description: 'and again' }),
    await call('POST', '/commits', { changes: [{ op: 'put', kind: 'certificate', id: 'two', item: { ...own, id: 'two' } }] }),
    await call('GET', '/certificates'),
    await call('GET', '/config'),
    await call('GET', '/config?format=yaml'),
    await call('GET', '/revisions'),
    await call('GET', '/revisions/1'),
    await call('GET', '/revisions/2'),
    await call('POST', '/certificates', { ...own, id: 'bad', cert: certificate }),
    await call('POST', '/config/validate', { certificates: [{ ...own, cert: 'nonsense' }] })
  ]
  for (const { body } of answers) t.notOk(JSON.stringify(body).includes(secret))
  t.match(answers[10]?.body.changes[0], { op: 'update', changed: ['/description'], before: { id: 'own' }, after: { description: 'again' } })
})

t.test('what was answered can be written back: the key stays', async t => {
  const { call } = await startAdmin(t)
  await call('POST', '/certificates', own)
  const { body } = await call('GET', '/certificates/own')
  t.match(await call('PUT', '/certificates/own', { ...body, description: 'edited' }), { status: 200, body: { description: 'edited' } })
  const exported = await call('GET', '/config')
  t.match(await call('PUT', '/config?prune=true', exported.body), { status: 200, body: { updated: 0, unchanged: 1, diff: [] } })
  exported.body.certificates[0].description = 'by document'
  t.match(await call('POST', '/config/validate', exported.body), { body: { valid: true } })
  t.match(await call('PUT', '/config', exported.body), { status: 200, body: { updated: 1 } })
  t.match(await call('POST', '/commits', { changes: [{ op: 'put', kind: 'certificate', item: exported.body.certificates[0] }] }), {
    status: 200
  })
  t.match(await call('GET', '/certificates/own'), { status: 200, body: { description: 'by document' } })
})

t.test('an earlier certificate is restored with its key', async t => {
  const { call } = await startAdmin(t)
  await call('POST', '/certificates', own)
  await call('PUT', '/certificates/own', { hosts: ['localhost'], cert: certificate, key: privateKey })
  t.match((await call('GET', '/certificates/own')).body, { subject: 'CN=target.test' })
  t.equal((await call('POST', '/revisions/1/restore')).status, 200)
  t.match((await call('GET', '/certificates/own')).body, { subject: 'CN=other.test' })
})

t.test('what cannot be used is refused, and says where', async t => {
  const { call } = await startAdmin(t)
  const cases: [name: string, item: Record<string, unknown>, pointer: string, detail: RegExp][] = [
    ['no PEM', { cert: 'nonsense', key: otherPrivateKey }, '/cert', /in PEM/],
    ['a broken certificate', { ...own, cert: otherCertificate.replace(/\n./, '\n!') }, '/cert', /in PEM/],
    ['a key that is none', { ...own, key: otherCertificate }, '/key', /private key in PEM/],
    ['the key of another', { ...own, key: privateKey }, '/key', /not the key of the first certificate/],
    ['no key', { cert: otherCertificate }, '/key', /is required/],
    ['no certificate', { key: otherPrivateKey }, '/cert', /required/],
    ['a host that is none', { ...own, hosts: ['a b'] }, '/hosts/0', /pattern/],
    ['a star in the middle', { ...own, hosts: ['a.*.example.com'] }, '/hosts/0', /pattern/],
    ['an unknown field', { ...own, keys: 'x' }, '/keys', /not a known field/]
  ]
  for (const [name, item, pointer, detail] of cases) {
    const answer = await call('POST', '/certificates', item)
    t.match([answer.status, answer.body.code], [400, 'validation_failed'], name)
    t.match(answer.body.errors[0], { pointer, detail }, name)
  }
  t.equal((await call('GET', '/certificates')).body.total, 0)
})

t.test('a certificate that has ended is taken, and shows it', async t => {
  const { call } = await startAdmin(t)
  const answer = await call('POST', '/certificates', { cert: expiredCertificate, key: expiredPrivateKey })
  t.match(answer, { status: 201, body: { id: /^certificate-/, hosts: ['old.example.com'] } })
  t.ok(Date.parse(answer.body.not_after) < Date.now())
})

t.test('certificates are not rolled out', async t => {
  const { call } = await startAdmin(t)
  const answer = await call('POST', '/rollouts', {
    changes: [{ op: 'put', kind: 'certificate', id: 'own', item: own }],
    steps: [{ percent: 100, hold_ms: 1000 }]
  })
  t.match(answer, { status: 400, body: { code: 'validation_failed' } })
})
