/** One line per request, with what an operator looks for. */
import t from 'tap'
import { ruleTo, startProxy } from '../helpers/proxy-app.ts'
import { startTarget } from '../helpers/target.ts'

t.test('a line says who asked for what, where it went and how long it took', async t => {
  const target = await startTarget(t, (_request, response) => {
    response.statusCode = 201
    response.end('created')
  })
  const proxy = await startProxy(t, ruleTo(target.url), { trusted: ['127.0.0.1'] })
  const client = await proxy.connect()
  const line = proxy.nextLine()
  await client.request('GET /api/x?token=a%20b', ['Host: shop.example:8080', 'X-Forwarded-For: 203.0.113.9', 'X-Request-Id: id-1'])
  const { time, level, msg, duration_ms, upstream_ms, ...rest } = { ...(await line) } as Record<string, unknown>
  t.same(rest, {
    request_id: 'id-1',
    client_ip: '203.0.113.9',
    method: 'GET',
    host: 'shop.example:8080',
    path: '/api/x',
    query: '?token=a%20b',
    protocol: 'HTTP/1.1',
    status: 201,
    rule: 'r1',
    target: target.url,
    bytes_sent: 7
  })
  t.equal(msg, 'request')
  t.ok(Number(duration_ms) >= Number(upstream_ms) && Number(upstream_ms) > 0)
  t.type(time, 'number')
  t.equal(level, 30, 'written although the level of the log is error')
})

t.test('an error that the gateway answers is named', async t => {
  const proxy = await startProxy(t, { rules: [] })
  const client = await proxy.connect()
  let line = proxy.nextLine()
  const response = await client.request('GET /nowhere')
  t.match(await line, { status: 404, error: 'no_rule', rule: undefined, bytes_sent: response.body.length, path: '/nowhere' })
  line = proxy.nextLine()
  await client.request('GET /a%2fb')
  t.match(await line, { status: 400, error: 'bad_path', client_ip: '127.0.0.1', aborted: undefined })
})

t.test('without the access log nothing is written', async t => {
  const target = await startTarget(t)
  const proxy = await startProxy(t, ruleTo(target.url), { accessLog: false })
  const client = await proxy.connect()
  await client.request('GET /')
  await client.request('GET /', ['Connection: close'])
  await client.closed()
  t.same(proxy.log, [])
})
