/** Targets that speak HTTP/2 (`http2: true`), for clients that speak either. */
import { once } from 'node:events'
import { constants, createSecureServer } from 'node:http2'
import { createServer as createHttpsServer } from 'node:https'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import t from 'tap'
import { certificate, privateKey } from '../helpers/certificate.ts'
import { startProxy } from '../helpers/proxy-app.ts'
import { answerOf, ask, startHttp2Target, startTlsProxy } from '../helpers/tls-proxy.ts'

const get = (path = '/', more: Record<string, string | string[]> = {}) => ({ ':path': path, ':authority': 'api.example.com', ...more })

/** Everything to one target over HTTP/2. */
const toHttp2 = (url: string, more: Record<string, unknown> = {}, tls?: Record<string, unknown>) => ({
  services: [{ id: 's', http2: true, targets: [{ url }], ...(tls === undefined ? {} : { tls }) }],
  rules: [{ id: 'r1', target_service: 's', ...more }]
})

t.test('a request by HTTP/1.1 reaches the target by HTTP/2', async t => {
  let seen: Record<string, unknown> = {}
  const target = await startHttp2Target(t, (stream, headers) => {
    seen = { ...headers }
    stream.respond({ ':status': 200, 'x-a': '1', 'set-cookie': ['a=1', 'b=2'] })
    stream.end('hello')
  })
  const proxy = await startProxy(t, toHttp2(target.url))
  const client = await proxy.connect()
  const answer = await client.request('GET /a?b=%20', ['Host: api.example.com', 'X-B: 1', 'X-B: 2'])
  t.match(answer, { status: 200, body: 'hello' })
  t.match(seen, {
    ':method': 'GET',
    ':path': '/a?b=%20',
    ':authority': 'api.example.com',
    ':scheme': 'http',
    'x-b': '1, 2',
    via: '1.1 sluice'
  })
  for (const name of ['host', 'connection', 'transfer-encoding']) t.notOk(name in seen, `no ${name}`)
})

t.test('many requests share one connection', async t => {
  const target = await startHttp2Target(t, (stream, headers) => {
    stream.respond({ ':status': 200 })
    stream.end(headers[':path'])
  })
  const proxy = await startTlsProxy(t, toHttp2(target.url))
  const session = proxy.connect()
  const answers = await Promise.all(Array.from({ length: 100 }, (_, index) => ask(session, get(`/${index}`))))
  t.same(
    answers.map(({ body }) => body),
    answers.map((_, index) => `/${index}`)
  )
  t.equal(target.sessions, 1)
})

t.test('bodies stream both ways at once, with trailers of both', async t => {
  let received: Record<string, unknown> = {}
  const target = await startHttp2Target(t, stream => {
    stream.respond({ ':status': 200 }, { waitForTrailers: true })
    stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': '42' }))
    stream.on('trailers', fields => {
      received = { ...fields }
    })
    stream.on('data', chunk => stream.write(chunk)).on('end', () => stream.end())
  })
  const proxy = await startTlsProxy(t, toHttp2(target.url))
  const stream = proxy.connect().request({ ...get(), ':method': 'POST' }, { waitForTrailers: true })
  stream.on('wantTrailers', () => stream.sendTrailers({ 'x-client': 'yes' }))
  for (const word of ['one', 'two', 'three']) {
    stream.write(word)
    const [chunk] = await once(stream, 'data')
    t.equal(String(chunk), word, 'the answer comes while the request is still open')
  }
  const answer = answerOf(stream)
  stream.end()
  t.match(await answer, { trailers: { 'x-sum': '42' }, rstCode: 0 })
  t.match(received, { 'x-client': 'yes' })
})

t.test('an answer of a header section alone stays one', async t => {
  const target = await startHttp2Target(t, stream => stream.respond({ ':status': 200, 'grpc-status': '5' }, { endStream: true }))
  const proxy = await startTlsProxy(t, toHttp2(target.url))
  t.match(await ask(proxy.connect(), get()), { endsWithHead: true, headers: { 'grpc-status': '5' }, rstCode: 0 })
  const plain = await startProxy(t, toHttp2(target.url))
  t.match(await (await plain.connect()).request('GET /'), { status: 200, body: '' })
})

t.test('a reset mid-body never looks like an end, whatever its code', async t => {
  const target = await startHttp2Target(t, (stream, headers) => {
    stream.respond({ ':status': 200 }, { waitForTrailers: true })
    stream.write('half', () => stream.close(Number(headers['x-code'])))
  })
  const proxy = await startTlsProxy(t, toHttp2(target.url))
  const plain = await startProxy(t, toHttp2(target.url))
  for (const code of [constants.NGHTTP2_NO_ERROR, constants.NGHTTP2_INTERNAL_ERROR, constants.NGHTTP2_CANCEL]) {
    const line = proxy.nextLine()
    const answer = await ask(proxy.connect(), get('/', { 'x-code': String(code) }))
    t.equal(answer.rstCode, constants.NGHTTP2_INTERNAL_ERROR, `code ${code}`)
    t.match(await line, { error: 'bad_gateway', aborted: true })
    const client = await plain.connect()
    client.send(`GET / HTTP/1.1\r\nHost: a\r\nX-Code: ${code}\r\n\r\n`)
    t.notMatch((await client.closed()).rest, /\r\n0\r\n/, 'nor to a client of HTTP/1.1')
  }
})

t.test('a reset before the answer is 502, and a refused stream is sent again', async t => {
  let refused = 0
  const target = await startHttp2Target(t, (stream, headers) => {
    if (headers[':path'] === '/refuse' && refused++ === 0) return stream.close(constants.NGHTTP2_REFUSED_STREAM)
    if (headers[':path'] === '/broken') return stream.close(constants.NGHTTP2_INTERNAL_ERROR)
    stream.respond({ ':status': 200 }, { endStream: true })
  })
  const proxy = await startTlsProxy(t, toHttp2(target.url))
  const session = proxy.connect()
  t.match(await ask(session, get('/first')), { status: 200 })
  t.match(await ask(session, get('/refuse')), { status: 200 })
  t.equal(refused, 2)
  t.match(await ask(session, get('/broken')), { status: 502 })
})

t.test('after GOAWAY the next request goes over a new connection, and streams under way finish', async t => {
  let finish = () => {}
  const target = await startHttp2Target(t, (stream, headers) => {
    stream.respond({ ':status': 200 })
    if (headers[':path'] !== '/slow') return void stream.end('new')
    stream.write('old,')
    finish = () => void stream.end('done')
    stream.session?.goaway(constants.NGHTTP2_NO_ERROR)
  })
  const proxy = await startTlsProxy(t, toHttp2(target.url))
  const session = proxy.connect()
  const stream = session.request(get('/slow'))
  const slow = answerOf(stream)
  await once(stream, 'data')
  t.match(await ask(session, get('/next')), { status: 200, body: 'new' })
  t.equal(target.sessions, 2)
  finish()
  t.match(await slow, { body: 'old,done', rstCode: 0 })
})

t.test('a client that leaves resets the stream to the target', async t => {
  let left: Promise<unknown[]> | undefined
  const target = await startHttp2Target(t, stream => {
    left = once(stream, 'close')
    stream.respond({ ':status': 200 })
    stream.write('more to come')
  })
  const proxy = await startTlsProxy(t, toHttp2(target.url))
  const stream = proxy.connect().request(get())
  await once(stream, 'data')
  stream.close(constants.NGHTTP2_CANCEL)
  await left
  t.pass('the stream of the target was closed')
})

t.test('an upload that is broken off is reset, never ended', async t => {
  let events: string[] = []
  let closed: Promise<unknown[]> | undefined
  const target = await startHttp2Target(t, stream => {
    events = []
    closed = once(stream, 'close')
    stream.on('aborted', () => events.push('aborted'))
    stream.on('trailers', () => events.push('trailers'))
    stream.once('data', () => {
      stream.respond({ ':status': 200 })
      stream.write('go on')
    })
  })
  const proxy = await startTlsProxy(t, toHttp2(target.url))
  const stream = proxy.connect().request({ ...get(), ':method': 'POST' }, { waitForTrailers: true })
  stream.on('error', () => undefined)
  stream.write('part')
  await once(stream, 'data')
  stream.close(constants.NGHTTP2_CANCEL)
  await closed
  t.same(events, ['aborted'])
})

t.test('a target that does not answer is 504, and so is one that stops in the middle for an unfinished answer', async t => {
  const target = await startHttp2Target(t, () => {})
  const proxy = await startTlsProxy(t, toHttp2(target.url, { timeout_ms: { read: 100 } }))
  const answer = await ask(proxy.connect(), get())
  t.match([answer.status, JSON.parse(answer.body).code], [504, 'upstream_timeout'])
})

t.test('a target that takes no connection, or only HTTP/1.1, is 502', async t => {
  const server = createHttpsServer({ cert: certificate, key: privateKey })
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => sockets.add(socket))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const old = await startTlsProxy(t, toHttp2(`https://localhost:${port}`, {}, { ca: certificate }))
  t.match(await ask(old.connect(), get()), { status: 502 })
  const closed = createServer().listen(0, '127.0.0.1')
  await once(closed, 'listening')
  const free = (closed.address() as AddressInfo).port
  await new Promise(resolve => closed.close(resolve))
  const none = await startTlsProxy(t, toHttp2(`http://127.0.0.1:${free}`))
  t.match(await ask(none.connect(), get()), { status: 502 })
})

t.test('with TLS: HTTP/2 is agreed on by ALPN, and the certificate is verified', async t => {
  const server = createSecureServer({ cert: certificate, key: privateKey })
  const names: unknown[] = []
  server.on('stream', stream => {
    names.push((stream.session!.socket as unknown as { servername: unknown }).servername)
    stream.respond({ ':status': 200 })
    stream.end('secure')
  })
  const sessions = new Set<{ destroy(): void }>()
  server.on('session', session => sessions.add(session))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    for (const session of sessions) session.destroy()
    server.close()
  })
  const url = `https://localhost:${(server.address() as AddressInfo).port}`
  const trusting = await startTlsProxy(t, toHttp2(url, {}, { ca: certificate }))
  t.match(await ask(trusting.connect(), get()), { status: 200, body: 'secure' })
  t.same(names, ['localhost'])
  const wary = await startTlsProxy(t, toHttp2(url))
  const line = wary.nextLine()
  t.match(await ask(wary.connect(), get()), { status: 502 })
  t.match(await line, { upstream_error: 'DEPTH_ZERO_SELF_SIGNED_CERT' })
  const careless = await startTlsProxy(t, toHttp2(url, {}, { verify: false }))
  t.match(await ask(careless.connect(), get()), { status: 200, body: 'secure' })
})

t.test('a slow client holds the target back', async t => {
  const size = 20 * 1024 * 1024
  let sent = 0
  const target = await startHttp2Target(t, stream => {
    stream.respond({ ':status': 200 })
    const chunk = Buffer.alloc(65_536)
    const more = (): void => {
      while (sent < size) {
        sent += chunk.length
        if (!stream.write(chunk)) return void stream.once('drain', more)
      }
      stream.end()
    }
    more()
  })
  const proxy = await startTlsProxy(t, toHttp2(target.url))
  const stream = proxy.connect().request(get())
  await once(stream, 'response')
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
