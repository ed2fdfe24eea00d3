/** The TLS listener: HTTP/2 and HTTP/1.1 by ALPN, in front of targets that speak HTTP/1.1. */
import { once } from 'node:events'
import { type ClientHttp2Session, constants } from 'node:http2'
import { request as httpsRequest } from 'node:https'
import type { AddressInfo } from 'node:net'
import { connect as connectTls } from 'node:tls'
import t from 'tap'
import { WebSocket, WebSocketServer } from 'ws'
import { certificate } from '../helpers/certificate.ts'
import { ruleTo } from '../helpers/proxy-app.ts'
import { startRawTarget, startTarget } from '../helpers/target.ts'
import { answerOf, ask, startTlsProxy } from '../helpers/tls-proxy.ts'

const get = (path = '/', more: Record<string, string | string[]> = {}) => ({ ':path': path, ':authority': 'api.example.com', ...more })

t.test('a request by HTTP/2 reaches the target as HTTP/1.1, and its answer comes back', async t => {
  const target = await startTarget(t, (request, response) => {
    request.resume()
    response.writeHead(201, {
      'x-a': '1',
      'set-cookie': ['a=1', 'b=2'],
      connection: 'close, x-hop',
      'x-hop': 'gone',
      'keep-alive': 'timeout=9'
    })
    response.end(`${request.method} ${request.url}`)
  })
  const proxy = await startTlsProxy(t, ruleTo(target.url))
  const seen = target.next()
  const line = proxy.nextLine()
  const answer = await ask(proxy.connect(), get('/a/b?c=%20d', { cookie: ['x=1', 'y=2'], 'x-request-id': 'one-two-three' }))
  t.match(answer, { status: 201, body: 'GET /a/b?c=%20d', rstCode: 0 })
  t.match(answer.headers, { 'x-a': '1', 'set-cookie': ['a=1', 'b=2'], via: '1.1 sluice', 'x-request-id': 'one-two-three' })
  for (const name of ['connection', 'keep-alive', 'transfer-encoding', 'x-hop']) t.notOk(name in answer.headers, `no ${name}`)
  const { request } = await seen
  t.match(request.headers, { host: 'api.example.com', cookie: 'x=1; y=2', via: '2.0 sluice', 'x-forwarded-proto': 'https' })
  t.equal(request.headers.forwarded, 'for=127.0.0.1;host=api.example.com;proto=https')
  t.notOk(request.rawHeaders.some(name => name.startsWith(':')))
  t.match(await line, { protocol: 'HTTP/2.0', status: 201, rule: 'r1', host: 'api.example.com' })
  t.notOk('aborted' in (await line))
})

t.test('HTTP/1.1 is served on the same port', async t => {
  const target = await startTarget(t, (request, response) => void response.end(request.headers['x-forwarded-proto']))
  const proxy = await startTlsProxy(t, ruleTo(target.url))
  const request = httpsRequest({ host: 'localhost', port: proxy.port, ca: certificate, agent: false }).end()
  const [response] = await once(request, 'response')
  t.equal(response.httpVersion, '1.1')
  t.equal(String(await response.setEncoding('utf8').toArray()), 'https')
})

t.test('TLS below 1.2 is refused', async t => {
  const proxy = await startTlsProxy(t, { rules: [] })
  const socket = connectTls({ host: 'localhost', port: proxy.port, ca: certificate, minVersion: 'TLSv1', maxVersion: 'TLSv1.1' })
  const [error] = await once(socket, 'error')
  t.match(error.code, /PROTOCOL|VERSION/)
})

t.test('bodies stream both ways, and HEAD, 204 and 304 have none', async t => {
  const target = await startTarget(t, (request, response) => {
    if (request.url === '/204') return void response.writeHead(204).end()
    if (request.url === '/304') return void response.writeHead(304, { etag: '"a"' }).end()
    if (request.method === 'HEAD') return void response.writeHead(200, { 'content-length': 7 }).end()
    request.pipe(response)
  })
  const proxy = await startTlsProxy(t, ruleTo(target.url))
  const session = proxy.connect()
  const body = 'x'.repeat(300_000)
  const [echo, head, none, notModified] = await Promise.all([
    ask(session, { ...get('/echo'), ':method': 'POST' }, body),
    ask(session, { ...get('/head'), ':method': 'HEAD' }),
    ask(session, get('/204')),
    ask(session, get('/304'))
  ])
  t.equal(echo.body.length, body.length)
  t.match(head, { status: 200, headers: { 'content-length': '7' }, body: '', endsWithHead: true })
  t.match(none, { status: 204, body: '', endsWithHead: true })
  t.match(notModified, { status: 304, body: '', endsWithHead: true })
})

t.test('trailers of the target follow the answer', async t => {
  const target = await startTarget(t, (_request, response) => {
    response.writeHead(200, { trailer: 'x-sum' })
    response.write('body')
    response.addTrailers({ 'x-sum': '42' })
    response.end()
  })
  const proxy = await startTlsProxy(t, ruleTo(target.url))
  t.match(await ask(proxy.connect(), get()), { status: 200, body: 'body', trailers: { 'x-sum': '42' }, rstCode: 0 })
})

t.test("the gateway's own answers: problems, respond and redirect rules", async t => {
  const proxy = await startTlsProxy(t, {
    rules: [
      { id: 'text', path: '/text', respond: { status: 200, body: 'hello' } },
      { id: 'none', path: '/none', respond: { status: 204 } },
      { id: 'away', path: '/away', redirect: { status: 308, location: 'https://else.example/' } }
    ]
  })
  const session = proxy.connect()
  t.match(await ask(session, get('/text')), { status: 200, body: 'hello' })
  t.match(await ask(session, { ...get('/text'), ':method': 'HEAD' }), {
    status: 200,
    body: '',
    headers: { 'content-length': '5' },
    rstCode: 0
  })
  t.match(await ask(session, get('/none')), { status: 204, body: '' })
  t.match(await ask(session, get('/away')), { status: 308, headers: { location: 'https://else.example/' } })
  const missing = await ask(session, get('/missing'))
  t.match(missing, { status: 404, headers: { 'content-type': 'application/problem+json' } })
  t.match(JSON.parse(missing.body), { code: 'no_rule' })
  t.match(await ask(session, { ...get('/missing'), ':method': 'HEAD' }), { status: 404, body: '', rstCode: 0 })
})

t.test('a target that breaks off mid-body resets the stream, and the others go on', async t => {
  const target = await startRawTarget(t, async connection => {
    const head = await connection.head()
    if (head.includes('/fine')) return void connection.send('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine')
    connection.send(
      head.includes('/chunked')
        ? 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n'
        : 'HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf'
    )
    setImmediate(() => connection.reset())
  })
  const proxy = await startTlsProxy(t, ruleTo(target.url))
  const session = proxy.connect()
  for (const path of ['/length', '/chunked']) {
    const line = proxy.nextLine()
    const answer = await ask(session, get(path))
    t.equal(answer.rstCode, constants.NGHTTP2_INTERNAL_ERROR, path)
    t.match(await line, { error: 'bad_gateway', aborted: true })
  }
  t.match(await ask(session, get('/fine')), { status: 200, body: 'fine' })
})

t.test('a target that refuses or talks garbage is a problem, not a reset', async t => {
  const garbage = await startRawTarget(t, connection => connection.send('nonsense\r\n\r\n'))
  const proxy = await startTlsProxy(t, {
    rules: [
      { id: 'refused', path: '/refused', target: 'http://127.0.0.1:1' },
      { id: 'garbage', path: '/garbage', target: garbage.url }
    ]
  })
  const session = proxy.connect()
  for (const path of ['/refused', '/garbage']) {
    const answer = await ask(session, get(path))
    t.match([answer.status, JSON.parse(answer.body).code], [502, 'bad_gateway'], path)
  }
})

t.test('a client that resets its stream cancels the upstream request', async t => {
  const target = await startTarget(t, () => {})
  const proxy = await startTlsProxy(t, ruleTo(target.url))
  const seen = target.next()
  const line = proxy.nextLine()
  const stream = proxy.connect().request(get())
  const { request } = await seen
  const closed = once(request.socket, 'close')
  stream.close(constants.NGHTTP2_CANCEL)
  await closed
  t.match(await line, { status: 499, aborted: true })
})

t.test('an upload that is broken off never looks whole to the target', async t => {
  for (const code of [constants.NGHTTP2_CANCEL, constants.NGHTTP2_NO_ERROR]) {
    const target = await startRawTarget(t, async connection => {
      await connection.seen('part')
      started()
      await connection.closed()
      t.notMatch(await connection.seen('part'), /\r\n0\r\n/, `no last chunk after reset with ${code}`)
      ended()
    })
    let started = () => {}
    let ended = () => {}
    const isStarted = new Promise<void>(resolve => {
      started = resolve
    })
    const isEnded = new Promise<void>(resolve => {
      ended = resolve
    })
    const proxy = await startTlsProxy(t, ruleTo(target.url))
    // Without this, node:http2 ends the stream before it resets it.
    const stream = proxy.connect().request({ ...get(), ':method': 'POST' }, { waitForTrailers: true })
    stream.on('error', () => undefined)
    stream.write('part')
    await isStarted
    stream.close(code)
    await isEnded
  }
})

t.test('malformed requests are refused', async t => {
  const target = await startTarget(t)
  const proxy = await startTlsProxy(t, ruleTo(target.url))
  const session = proxy.connect()
  const differs = await ask(session, { ...get(), host: 'other.example' })
  t.match([differs.status, JSON.parse(differs.body).code], [400, 'bad_request'], 'two different hosts')
  t.match(await ask(session, get('/..%2f/x')), { status: 400 }, 'an ambiguous path')
  const connect = session.request({ ':method': 'CONNECT', ':authority': 'a.example:443' })
  t.match(await answerOf(connect), { status: 400 }, 'CONNECT')
  t.match(await ask(session, get()), { status: 200 }, 'the connection goes on')
})

t.test('a slow client holds the target back', async t => {
  const size = 20 * 1024 * 1024
  let sent = 0
  const target = await startTarget(t, (_request, response) => {
    response.writeHead(200)
    const chunk = Buffer.alloc(65_536)
    const more = (): void => {
      while (sent < size) {
        sent += chunk.length
        if (!response.write(chunk)) return void response.once('drain', more)
      }
      response.end()
    }
    more()
  })
  const proxy = await startTlsProxy(t, ruleTo(target.url))
  const stream = proxy.connect().request(get())
  await once(stream, 'response')
  // Nothing is read of the body: the target must come to a stand long before its end.
  let before = -1
  while (sent !== before) {
    before = sent
    await new Promise(resolve => setTimeout(resolve, 200))
  }
  t.ok(sent < size, `the target stands at ${sent}`)
  let received = 0
  stream.on('data', chunk => {
    received += chunk.length
  })
  await once(stream, 'end')
  t.equal(received, size)
})

t.test('closing sends GOAWAY and lets streams finish', async t => {
  let finish = () => {}
  const target = await startTarget(t, (_request, response) => {
    response.write('one,')
    finish = () => void response.end('two')
  })
  const proxy = await startTlsProxy(t, ruleTo(target.url))
  const session: ClientHttp2Session = proxy.connect()
  const stream = session.request(get())
  const answer = answerOf(stream)
  await once(stream, 'response')
  const away = once(session, 'goaway')
  const closed = proxy.app.close()
  const [code] = await away
  t.equal(code, constants.NGHTTP2_NO_ERROR)
  finish()
  t.match(await answer, { body: 'one,two', rstCode: 0 })
  await closed
})

t.test('WebSockets come by the same port', async t => {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  await once(server, 'listening')
  server.on('connection', (socket, request) => {
    socket.on('message', data => socket.send(`${request.headers['x-forwarded-proto']}: ${data}`))
  })
  t.teardown(() => {
    for (const socket of server.clients) socket.terminate()
    server.close()
  })
  const proxy = await startTlsProxy(t, ruleTo(`http://127.0.0.1:${(server.address() as AddressInfo).port}`))
  const client = new WebSocket(`wss://localhost:${proxy.port}/`, { ca: certificate })
  await once(client, 'open')
  client.send('hello')
  t.equal(String((await once(client, 'message'))[0]), 'https: hello')
  client.close()
  await once(client, 'close')
})

t.test('rapid resets end the connection, not the gateway', async t => {
  const target = await startTarget(t)
  const proxy = await startTlsProxy(t, ruleTo(target.url))
  const socket = connectTls({ host: 'localhost', port: proxy.port, ca: certificate, ALPNProtocols: ['h2'] })
  socket.on('error', () => undefined).resume()
  await once(socket, 'secureConnect')
  const closed = once(socket, 'close')
  // Frames of RFC 9113 section 4.1: SETTINGS, then HEADERS and RST_STREAM of many streams.
  socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
  socket.write(frame(4, 0, 0, Buffer.alloc(0)))
  const fields = Buffer.from([0x82, 0x84, 0x87, 0x41, 1, 0x61])
  const cancel = Buffer.from([0, 0, 0, constants.NGHTTP2_CANCEL])
  for (let id = 1; id < 6_000 && !socket.destroyed; id += 2) socket.write(Buffer.concat([frame(1, 5, id, fields), frame(3, 0, id, cancel)]))
  await closed
  t.match(await ask(proxy.connect(), get()), { status: 200 })
})

function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head[3] = type
  head[4] = flags
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}
