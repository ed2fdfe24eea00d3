/** Interim answers of the target (RFC 9110 section 15.2), over real sockets. */
import t from 'tap'
import { ruleTo, startProxy } from '../helpers/proxy-app.ts'
import { startRawTarget } from '../helpers/target.ts'

const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'

t.test('interim answers arrive in their order, with their end-to-end fields', async t => {
  const target = await startRawTarget(t, async connection => {
    await connection.head()
    connection.send('HTTP/1.1 102 Processing\r\n\r\n')
    connection.send('HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\nLink: </b.js>; rel=preload\r\nX-Other: 1\r\n\r\n')
    connection.send('HTTP/1.1 110 Whatever\r\nX-Progress: 50%\r\nConnection: x-hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\n\r\n')
    connection.send(`HTTP/1.1 199 \r\n\r\n${ok}`)
  })
  const client = await (await startProxy(t, ruleTo(target.url))).connect()
  const processing = await client.request('GET /')
  t.equal(processing.status, 102)
  const hints = await client.response()
  t.equal(hints.status, 103)
  t.same(hints.headers, [
    ['link', '</a.css>; rel=preload, </b.js>; rel=preload'],
    ['x-other', '1'],
    ['via', '1.1 sluice']
  ])
  const unknown = await client.response()
  t.equal(unknown.status, 110)
  t.same(unknown.headers, [
    ['x-progress', '50%'],
    ['via', '1.1 sluice']
  ])
  t.equal((await client.response()).status, 199)
  const last = await client.response()
  t.equal(last.status, 200)
  t.equal(last.body, 'ok')
})

t.test('an interim answer is sent at once', async t => {
  const target = await startRawTarget(t, async connection => {
    await connection.head()
    connection.send('HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n')
    await seen.promise
    connection.send(ok)
  })
  const seen = Promise.withResolvers<void>()
  const client = await (await startProxy(t, ruleTo(target.url))).connect()
  t.equal((await client.request('GET /')).status, 103)
  seen.resolve()
  t.equal((await client.response()).body, 'ok')
})

t.test('a 100 that nobody asked for is passed on, and the connection to the target is kept', async t => {
  const target = await startRawTarget(t, async connection => {
    for (;;) {
      const head = await connection.head()
      if (head.startsWith('POST')) await connection.seen('hello')
      connection.send(`HTTP/1.1 100 Continue\r\nX-Why: not\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n${ok}`)
    }
  })
  const client = await (await startProxy(t, ruleTo(target.url))).connect()
  for (const [line, fields, body] of [
    ['GET /', [], ''],
    ['POST /', ['Content-Length: 5'], 'hello'],
    ['GET /', [], '']
  ] as const) {
    t.equal((await client.request(line, fields, body)).status, 100)
    t.equal((await client.response()).status, 103)
    t.equal((await client.response()).body, 'ok')
  }
  t.equal(target.connections, 1)
  const old = await client.send('GET / HTTP/1.0\r\nHost: a\r\n\r\n').response()
  t.equal(old.status, 200, 'HTTP/1.0 hears nothing of it')
})

t.test('what reads like a 100 within a body stays there', async t => {
  const body = 'HTTP/1.1 100 Continue\r\n\r\n'
  const target = await startRawTarget(t, async connection => {
    await connection.head()
    connection.send(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length * 2}\r\n\r\n`)
    await seen.promise
    connection.send(body)
    connection.send(body)
  })
  const seen = Promise.withResolvers<void>()
  const client = await (await startProxy(t, ruleTo(target.url))).connect()
  client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  await client.seen('\r\n\r\n')
  seen.resolve()
  t.equal((await client.response()).body, body + body)
})

t.test('HTTP/1.0 gets none', async t => {
  const target = await startRawTarget(t, async connection => {
    await connection.head()
    connection.send(`HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${ok}`)
  })
  const client = await (await startProxy(t, ruleTo(target.url))).connect()
  t.equal((await client.send('GET / HTTP/1.0\r\nHost: a\r\n\r\n').response()).status, 200)
})

t.test('interim answers to a request with a body come while it is sent', async t => {
  const target = await startRawTarget(t, async connection => {
    await connection.seen('one')
    connection.send('HTTP/1.1 102 Processing\r\n\r\n')
    await connection.seen('two')
    connection.send(ok)
  })
  const client = await (await startProxy(t, ruleTo(target.url))).connect()
  client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\none')
  t.equal((await client.response()).status, 102)
  t.equal((await client.send('two').response()).status, 200)
})

t.test('an error after an interim answer is answered', async t => {
  const target = await startRawTarget(t, async connection => {
    await connection.head()
    connection.send('HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\ngarbage\r\n\r\n')
  })
  const client = await (await startProxy(t, ruleTo(target.url))).connect()
  t.equal((await client.request('GET /')).status, 103)
  const response = await client.response()
  t.equal(response.status, 502)
  t.equal(response.json().code, 'bad_gateway')
})

t.test('a flood of interim answers is not kept for a client that does not read', async t => {
  const count = 5_000
  const hints = `HTTP/1.1 103 Early Hints\r\nX-Long: ${'x'.repeat(8_000)}\r\n\r\n`
  const target = await startRawTarget(t, async connection => {
    await connection.head()
    for (let index = 1; index < count; index++) connection.send(hints)
    connection.socket.write(hints, () => taken.resolve())
    await taken.promise
    connection.send(ok)
  })
  const taken = Promise.withResolvers<void>()
  const client = await (await startProxy(t, ruleTo(target.url))).connect()
  client.socket.pause()
  client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  await taken.promise
  client.socket.resume()
  let response = await client.response()
  let passed = 0
  for (; response.status === 103; passed++) response = await client.response()
  t.ok(passed < count, `${passed} of ${count} came through`)
  t.equal(response.body, 'ok')
})
