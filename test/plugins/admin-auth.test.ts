import { once } from 'node:events'
import { connect } from 'node:net'
import t from 'tap'
import type { AdminToken } from '../../src/control/access.ts'
import { createMemoryStore } from '../../src/stores/memory-store.ts'
import { startAdmin } from '../helpers/admin.ts'

const tokens: AdminToken[] = [
  { name: 'grafana', role: 'viewer', token: 'view' },
  { name: 'ci', role: 'editor', token: 'edit' },
  { name: 'admin', role: 'admin', token: 'root' }
]
const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
const rule = { path: '/a', target: 'http://127.0.0.1:9' }

t.test('with tokens, nothing but probes, metrics and docs is to be had without one', async t => {
  const { call } = await startAdmin(t, { tokens })
  for (const url of [
    '/health',
    '/ready',
    '/metrics',
    '/openapi.json',
    '/openapi.yaml',
    '/docs',
    '/docs/json',
    '/docs/static/swagger-ui.css',
    '/'
  ])
    t.equal((await call('GET', url)).status, 200, url)
  for (const [method, url] of [
    ['GET', '/forward-rules'],
    ['GET', '/status'],
    ['GET', '/config'],
    ['POST', '/explain'],
    ['PUT', '/config'],
    ['GET', '/nothing']
  ]) {
    const answer = await call(method!, url!)
    t.match(answer, { status: 401, body: { code: 'unauthorized' }, headers: { 'www-authenticate': /^Bearer/ } }, `${method} ${url}`)
  }
})

t.test('a token that is wrong, cut short or in another scheme is 401', async t => {
  const { call } = await startAdmin(t, { tokens })
  for (const authorization of ['Bearer wrong', 'Bearer vie', 'Bearer viewx', 'Bearer', 'Basic dmlldzo=', 'view', 'Bearer view root'])
    t.equal((await call('GET', '/status', undefined, { authorization })).status, 401, authorization)
  t.equal((await call('GET', '/status', undefined, { authorization: 'bearer view' })).status, 200, 'the scheme is case-insensitive')
})

t.test('a viewer reads, explains and validates, and does not write', async t => {
  const { call } = await startAdmin(t, { tokens })
  const as = bearer('view')
  for (const url of ['/forward-rules', '/services', '/config', '/config/problems', '/status'])
    t.equal((await call('GET', url, undefined, as)).status, 200, url)
  t.equal((await call('POST', '/explain', { method: 'GET', url: '/' }, as)).status, 200)
  t.equal((await call('POST', '/config/validate', {}, as)).status, 200)
  for (const [method, url] of [
    ['POST', '/forward-rules'],
    ['PUT', '/services/s'],
    ['PATCH', '/forward-rules/r'],
    ['DELETE', '/services/s'],
    ['PUT', '/config'],
    ['POST', '/commits']
  ])
    t.match(
      await call(method!, url!, {}, as),
      { status: 403, body: { code: 'forbidden', detail: "The role 'viewer' may not do this; it takes 'editor'" } },
      `${method} ${url}`
    )
  t.equal((await call('GET', '/nothing', undefined, as)).status, 404)
})

t.test('an editor and an admin write, and the commit has their name', async t => {
  const store = createMemoryStore()
  const { call } = await startAdmin(t, { tokens, store })
  t.equal((await call('PUT', '/forward-rules/r1', rule, bearer('edit'))).status, 201)
  t.equal((await call('PUT', '/config?prune=true', {}, bearer('root'))).status, 200)
  t.same(
    (await store.commitsSince(0))?.map(({ by }) => by),
    ['ci', 'admin']
  )
})

t.test('each caller has idempotency keys of its own', async t => {
  const { call } = await startAdmin(t, { tokens })
  const key = { 'idempotency-key': 'k' }
  await call('POST', '/forward-rules', { id: 'r1', ...rule }, { ...bearer('edit'), ...key })
  const other = await call('POST', '/forward-rules', { id: 'r1', ...rule }, { ...bearer('root'), ...key })
  t.strictSame([other.status, other.headers['idempotent-replayed']], [409, undefined], 'not the answer that the other got')
})

t.test('without tokens only this machine is a Host', async t => {
  const { call } = await startAdmin(t, { adminHost: '127.0.0.2' })
  for (const host of ['localhost', 'localhost:9000', 'LOCALHOST:1', '127.0.0.1:9000', '[::1]:9000', '[::1]', '127.0.0.2:80'])
    t.equal((await call('GET', '/status', undefined, { host })).status, 200, host)
  for (const host of [
    'evil.example',
    'evil.example:9000',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    '10.0.0.1',
    'localhost:9000:1'
  ])
    for (const url of ['/status', '/health', '/docs', '/nothing'])
      t.match(await call('GET', url, undefined, { host }), { status: 403, body: { code: 'host_not_allowed' } }, `${host} ${url}`)
})

t.test('without tokens a page of another origin cannot write', async t => {
  const { call } = await startAdmin(t)
  const write = (origin: string) => call('POST', '/forward-rules', rule, { host: 'localhost:9000', origin })
  for (const origin of ['http://evil.example', 'null', 'http://localhost:3000', 'http://127.0.0.1:9000'])
    t.match(await write(origin), { status: 403, body: { code: 'origin_not_allowed' } }, origin)
  t.equal((await write('http://localhost:9000')).status, 201, 'Swagger UI is of the same origin')
  t.equal(
    (await call('GET', '/status', undefined, { host: 'localhost', origin: 'http://evil.example' })).status,
    200,
    'its answer cannot be read there'
  )
})

t.test('over a socket, a request without a Host is refused', async t => {
  const { app } = await startAdmin(t)
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as { port: number }
  const socket = connect(port, '127.0.0.1')
  socket.end('GET /status HTTP/1.0\r\n\r\n')
  let text = ''
  socket.setEncoding('utf8').on('data', chunk => {
    text += chunk
  })
  await once(socket, 'close')
  t.match(text, /^HTTP\/1\.1 403 /)
  t.match(text, '"code":"host_not_allowed"')
})
