/** Expectations, interim answers and trailers where one of the two ends speaks HTTP/2. */
import { once } from 'node:events'
import t from 'tap'
import { ruleTo, startProxy } from '../helpers/proxy-app.ts'
import { startRawTarget } from '../helpers/target.ts'
import { answerOf, startHttp2Target, startTlsProxy } from '../helpers/tls-proxy.ts'

const post = { ':method': 'POST', ':path': '/', ':authority': 'example.com' }

t.test("a client that speaks HTTP/2 gets the target's 100, and its other interim answers", async t => {
  const target = await startRawTarget(t, async connection => {
    const head = await connection.head()
    t.match(head, '\r\nexpect: 100-continue\r\n')
    t.match(head, '\r\ntransfer-encoding: chunked\r\n')
    connection.send('HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n')
    await connection.seen('\r\n0\r\n\r\n')
    connection.send('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
  })
  const proxy = await startTlsProxy(t, ruleTo(target.url))
  const stream = proxy.connect().request({ ...post, expect: '100-continue' }, { endStream: false })
  const interim: unknown[] = []
  stream.on('headers', ({ ':status': status, link }) => interim.push([status, link]))
  const answer = answerOf(stream)
  await once(stream, 'continue')
  stream.end('hello')
  t.match(await answer, { body: 'ok', rstCode: 0 })
  t.same(interim[0], [103, '</a>'])
})

t.test('a final answer instead of it ends the stream, not the connection', async t => {
  const target = await startRawTarget(t, async connection => {
    await connection.head()
    connection.send('HTTP/1.1 417 Expectation Failed\r\nContent-Length: 2\r\n\r\nno')
  })
  const proxy = await startTlsProxy(t, ruleTo(target.url), { limits: { lingerMs: 20 } })
  const session = proxy.connect()
  for (let index = 0; index < 2; index++) {
    const stream = session.request({ ...post, expect: '100-continue' }, { endStream: false })
    stream.on('continue', () => t.fail('the body is not asked for'))
    t.match(await answerOf(stream), { body: 'no' })
    stream.close()
  }
  t.equal(session.closed, false)
})

t.test('announced trailers of HTTP/2 reach a target of HTTP/1.1', async t => {
  const target = await startRawTarget(t, async connection => {
    t.match(await connection.seen('\r\n0\r\nx-sum: 7\r\n\r\n'), '\r\ntrailer: x-sum\r\n')
    connection.send('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
  })
  const proxy = await startTlsProxy(t, ruleTo(target.url))
  const stream = proxy.connect().request({ ...post, trailer: 'x-sum' }, { endStream: false, waitForTrailers: true })
  stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': '7' }))
  const answer = answerOf(stream)
  stream.end('hello')
  t.match(await answer, { body: 'ok' })
})

t.test('for a target that speaks HTTP/2 the gateway asks for the body itself', async t => {
  const target = await startHttp2Target(t, (stream, headers) => {
    stream.respond({ ':status': 200 })
    stream.on('data', chunk => stream.write(`${headers.expect} ${chunk}`)).on('end', () => stream.end())
  })
  const proxy = await startProxy(t, {
    services: [{ id: 's', http2: true, targets: [{ url: target.url }] }],
    rules: [{ id: 'r', target_service: 's' }]
  })
  const client = await proxy.connect()
  t.equal((await client.request('POST /', ['Expect: 100-continue', 'Content-Length: 5'])).status, 100)
  t.equal((await client.send('hello').response()).body, 'undefined hello')
})
