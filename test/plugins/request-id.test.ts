/** Request ids on both ways, over real sockets. */
import t from 'tap'
import { ruleTo, startProxy } from '../helpers/proxy-app.ts'
import { startTarget } from '../helpers/target.ts'

t.test('a well-formed id is taken, and reaches the target, the client and the log', async t => {
  const target = await startTarget(t)
  const proxy = await startProxy(t, ruleTo(target.url))
  const client = await proxy.connect()
  const seen = target.next()
  const line = proxy.nextLine()
  const response = await client.request('GET /', ['X-Request-Id: a.B_9~+/=:@-'])
  t.equal((await seen).request.headers['x-request-id'], 'a.B_9~+/=:@-')
  t.equal(response.header('x-request-id'), 'a.B_9~+/=:@-')
  t.equal((await line).request_id, 'a.B_9~+/=:@-')
})

t.test('any other id is replaced by one of ours, each its own', async t => {
  const target = await startTarget(t)
  const client = await (await startProxy(t, ruleTo(target.url))).connect()
  const ids = new Set<string>()
  for (const given of [[], ['X-Request-Id: '], ['X-Request-Id: a b'], ['X-Request-Id: "x"'], [`X-Request-Id: ${'x'.repeat(129)}`]]) {
    const id = (await client.request('GET /', given)).header('x-request-id')!
    t.match(id, /^[0-9a-z]{13}-\d+$/)
    ids.add(id)
  }
  t.equal(ids.size, 5)
})

t.test('errors carry the id in the header and in the body', async t => {
  const client = await (await startProxy(t, { rules: [] })).connect()
  const response = await client.request('GET /', ['X-Request-Id: mine'])
  t.equal(response.status, 404)
  t.equal(response.header('x-request-id'), 'mine')
  t.equal(response.json().request_id, 'mine')
})
