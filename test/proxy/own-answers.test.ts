/** Rules that the gateway answers itself, and readiness. */
import t from 'tap'
import { startProxy } from '../helpers/proxy-app.ts'

t.test('a redirect names where to go and has no body', async t => {
  const rules = [
    { id: 'a', path: '/old', strip_prefix: true, redirect: { location: 'https://{host}/new{path}{query}' } },
    { id: 'b', path: '/see', redirect: { status: 303, location: '/other' }, response_headers: { set: { 'cache-control': 'no-store' } } }
  ]
  const proxy = await startProxy(t, { rules })
  const client = await proxy.connect()
  const line = proxy.nextLine()
  const moved = await client.request('GET /old/x?y=%20z', ['Host: Shop.example:8080'])
  t.equal(moved.status, 308)
  t.equal(moved.header('location'), 'https://shop.example/new/x?y=%20z')
  t.equal(moved.header('content-length'), '0')
  t.match(await line, { status: 308, rule: 'a', bytes_sent: 0 })
  const other = await client.request('POST /see', ['Content-Length: 5'], 'hello')
  t.equal(other.status, 303)
  t.equal(other.header('location'), '/other')
  t.equal(other.header('cache-control'), 'no-store')
  t.ok(other.header('x-request-id'))
})

t.test('a response is what the rule says', async t => {
  const rules = [
    { id: 'a', path: '/a', respond: { status: 418, headers: { 'Content-Type': 'text/html', 'X-A': '1' }, body: '<p>é' } },
    { id: 'b', path: '/b', respond: { body: 'plain' } },
    { id: 'c', path: '/c', respond: { status: 204 } },
    { id: 'd', path: '/d', respond: {} }
  ]
  const client = await (await startProxy(t, { rules })).connect()
  const teapot = await client.request('GET /a')
  t.equal(teapot.status, 418)
  t.equal(teapot.header('content-type'), 'text/html')
  t.equal(teapot.header('x-a'), '1')
  t.equal(Buffer.from(teapot.body, 'latin1').toString(), '<p>é')
  t.equal(teapot.header('content-length'), '5')
  const head = await client.request('HEAD /a')
  t.equal(head.status, 418)
  t.equal(head.header('content-length'), '5')
  t.equal((await client.request('GET /b')).header('content-type'), 'text/plain; charset=utf-8')
  const none = await client.request('GET /c')
  t.equal(none.status, 204)
  t.equal(none.header('content-length'), undefined)
  const empty = await client.request('GET /d')
  t.equal(empty.header('content-length'), '0')
  t.equal(empty.header('content-type'), undefined)
})

t.test('the ready path answers ahead of every rule, for GET and HEAD only', async t => {
  let ready = false
  const proxy = await startProxy(t, { rules: [{ id: 'r', respond: { body: 'rule' } }] }, { readyPath: '/_ready', isReady: () => ready })
  const client = await proxy.connect()
  const notYet = await client.request('GET /_ready')
  t.equal(notYet.status, 503)
  t.equal(notYet.json().code, 'not_ready')
  ready = true
  t.equal((await client.request('GET /_ready?probe=1')).status, 200)
  t.equal((await client.request('HEAD /_ready')).status, 200)
  t.equal((await client.request('POST /_ready')).body, 'rule')
  t.equal((await client.request('GET /_ready/x')).body, 'rule')
})
