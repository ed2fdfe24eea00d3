/** `Expect: 100-continue` (RFC 9110 section 10.1.1), from the client to the target and back, over real sockets. */
import t from 'tap'
import { ruleTo, startProxy } from '../helpers/proxy-app.ts'
import { startRawTarget, startTarget } from '../helpers/target.ts'

const expecting = 'POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n'
const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'

t.test("the target is asked, and its 100 is the client's", async t => {
  const target = await startRawTarget(t, async connection => {
    const head = await connection.head()
    t.match(head, /^POST \/ HTTP\/1\.1\r\nhost: a\r\ncontent-length: 5\r\n/)
    t.match(head, '\r\nexpect: 100-continue\r\n')
    asked.resolve()
    await mayGoOn.promise
    connection.send('HTTP/1.1 100 Continue\r\n\r\n')
    await connection.seen('hello')
    connection.send(ok)
    t.match(await connection.head(), '\r\nexpect: 100-continue\r\n')
    connection.send('HTTP/1.1 100 Continue\r\n\r\n')
    await connection.seen('again')
    connection.send(ok)
  })
  const asked = Promise.withResolvers<void>()
  const mayGoOn = Promise.withResolvers<void>()
  const client = await (await startProxy(t, ruleTo(target.url))).connect()
  client.send(expecting)
  await asked.promise
  t.equal(client.pending, '', 'nothing is made up')
  mayGoOn.resolve()
  t.equal((await client.response()).status, 100)
  const response = await client.send('hello').response()
  t.equal(response.status, 200)
  t.equal(response.header('connection'), 'keep-alive')
  t.equal((await client.request('POST /', ['Expect: 100-continue', 'Content-Length: 5'], 'again')).status, 100, 'a further one likewise')
  t.equal((await client.response()).body, 'ok')
  t.equal(target.connections, 1)
})

t.test('a final answer is passed on, the body is not asked for, the connection ends', async t => {
  for (const status of ['417 Expectation Failed', '401 Unauthorized', '413 Content Too Large', '200 OK']) {
    const target = await startRawTarget(t, async connection => {
      await connection.head()
      connection.send(`HTTP/1.1 ${status}\r\nContent-Length: 2\r\n\r\nno`)
    })
    const proxy = await startProxy(t, ruleTo(target.url))
    for (const connections of [1, 2]) {
      const client = await proxy.connect()
      const response = await client.send(expecting).response()
      t.equal(response.status, Number.parseInt(status, 10))
      t.equal(response.body, 'no')
      t.equal(response.header('connection'), 'close', 'where the body begins nobody knows')
      t.same(await client.closed(), { how: 'ended', rest: '' })
      t.equal(target.connections, connections)
    }
  }
})

t.test('a client that sends its body all the same sees the whole answer', async t => {
  const answer = 'x'.repeat(100_000)
  const target = await startRawTarget(t, async connection => {
    await connection.head()
    connection.send(`HTTP/1.1 403 Forbidden\r\nContent-Length: ${answer.length}\r\n\r\n${answer}`)
  })
  const client = await (await startProxy(t, ruleTo(target.url))).connect()
  const body = 'y'.repeat(3_000_000)
  client.send(`POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: ${body.length}\r\n\r\n`)
  const response = await client.response()
  t.equal(response.status, 403)
  t.equal(response.body, answer)
  client.send(body)
  t.same(await client.closed(), { how: 'ended', rest: '' }, 'what it sends is read until the end')
})

t.test('a target that says nothing gets the body after a second, and so does one of HTTP/1.0', async t => {
  for (const answer of [ok, 'HTTP/1.0 200 OK\r\n\r\nok']) {
    const target = await startRawTarget(t, async connection => {
      await connection.seen('\r\n\r\nhello')
      connection.send(answer).socket.end()
    })
    const client = await (await startProxy(t, ruleTo(target.url))).connect()
    t.equal((await client.send(expecting).response()).status, 100)
    t.equal((await client.send('hello').response()).body, 'ok')
  }
})

t.test('the expectation of HTTP/1.0 counts for nothing', async t => {
  const target = await startTarget(t, (request, response) => {
    request.resume().on('end', () => response.end(`expect: ${request.headers.expect}`))
  })
  const client = await (await startProxy(t, ruleTo(target.url))).connect()
  client.send('POST / HTTP/1.0\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n')
  const response = await client.send('hello').response()
  t.equal(response.status, 200)
  t.equal(response.body, 'expect: undefined')
})

t.test('without a body there is nothing to ask for', async t => {
  const target = await startTarget(t, (request, response) => response.end(`expect: ${request.headers.expect}`))
  const client = await (await startProxy(t, ruleTo(target.url))).connect()
  for (const line of ['GET /', 'POST /']) {
    const response = await client.request(
      line,
      line === 'POST /' ? ['Expect: 100-continue', 'Content-Length: 0'] : ['Expect: 100-continue']
    )
    t.equal(response.status, 200)
    t.equal(response.body, 'expect: undefined')
    if (response.header('connection') === 'close') return
  }
})

t.test("the gateway's own answers do not ask for the body", async t => {
  const target = await startTarget(t, () => t.fail('nothing may arrive'))
  const proxy = await startProxy(t, {
    rules: [
      { id: 'large', path: '/large', target: target.url, max_body_bytes: 4 },
      { id: 'say', path: '/say', respond: { status: 403, body: 'no' } },
      { id: 'go', path: '/go', redirect: { status: 307, location: 'https://example.com/' } },
      { id: 'gone', path: '/gone', target_service: 'empty' }
    ],
    services: [{ id: 'empty', targets: [] }]
  })
  for (const [path, status] of [
    ['/large', 413],
    ['/say', 403],
    ['/go', 307],
    ['/gone', 503],
    ['/nowhere', 404],
    ['/a%2fb', 400]
  ] as const) {
    const client = await proxy.connect()
    const response = await client.send(expecting.replace('/ ', `${path} `)).response()
    t.equal(response.status, status, path)
    t.equal(response.header('connection'), 'close')
    t.same(await client.closed(), { how: 'ended', rest: '' })
  }
})

t.test('a chunked body over max_body_bytes is 413 after it was asked for', async t => {
  const target = await startRawTarget(t, async connection => {
    await connection.head()
    connection.send('HTTP/1.1 100 Continue\r\n\r\n')
  })
  const client = await (await startProxy(t, ruleTo(target.url, { max_body_bytes: 4 }))).connect()
  client.send('POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n')
  t.equal((await client.response()).status, 100)
  t.equal((await client.send('5\r\nhello\r\n0\r\n\r\n').response()).status, 413)
})

t.test('a target that fails before it answers is 502, one that never does 504', async t => {
  for (const [fault, status] of [
    ['refused', 502],
    ['reset', 502],
    ['garbage', 502],
    ['silent', 504]
  ] as const) {
    const target = await startRawTarget(t, async connection => {
      await connection.head()
      if (fault === 'reset') connection.reset()
      if (fault === 'garbage') connection.send('SSH-2.0-OpenSSH_9.2\r\n')
    })
    if (fault === 'refused') await target.stop()
    const client = await (await startProxy(t, ruleTo(target.url, { timeout_ms: { read: 50 } }))).connect()
    client.send(expecting)
    let response = await client.response()
    if (fault === 'silent') {
      t.equal(response.status, 100)
      response = await client.send('hello').response()
    }
    t.equal(response.status, status, fault)
    t.equal(response.header('content-type'), 'application/problem+json')
  }
})

t.test('a client that leaves while the target thinks ends its request', async t => {
  const target = await startRawTarget(t, async connection => {
    await connection.head()
    arrived.resolve()
    await connection.closed()
    left.resolve()
  })
  const arrived = Promise.withResolvers<void>()
  const left = Promise.withResolvers<void>()
  const client = await (await startProxy(t, ruleTo(target.url))).connect()
  client.send(expecting)
  await arrived.promise
  client.socket.destroy()
  await left.promise
  t.equal(target.connections, 1)
})

t.test('pipelined expectations are answered in their order', async t => {
  const target = await startTarget(t, (request, response) => {
    request.resume().on('end', () => response.end(request.url))
  })
  const client = await (await startProxy(t, ruleTo(target.url))).connect()
  client.send(`GET /first HTTP/1.1\r\nHost: a\r\n\r\n${expecting.replace('/ ', '/second ')}`)
  t.equal((await client.response()).body, '/first')
  t.equal((await client.response()).status, 100)
  t.equal((await client.send('hello').response()).body, '/second')
})

t.test('a rule with retries asks the next target, as long as the client was not asked', async t => {
  let connections = 0
  const script = async (connection: Parameters<Parameters<typeof startRawTarget>[1]>[0]) => {
    const isFirst = connections++ === 0
    t.match(await connection.head(), '\r\nexpect: 100-continue\r\n')
    if (isFirst) return connection.send('HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n')
    connection.send('HTTP/1.1 100 Continue\r\n\r\n')
    await connection.seen('hello')
    return connection.send(ok)
  }
  const targets = [await startRawTarget(t, script), await startRawTarget(t, script)]
  const proxy = await startProxy(t, {
    services: [{ id: 's', targets: targets.map(({ url }) => ({ url })) }],
    rules: [{ id: 'r', target_service: 's', retry: { attempts: 1, backoff_ms: 1 } }]
  })
  const client = await proxy.connect()
  client.send(expecting.replace('POST', 'PUT'))
  t.equal((await client.response()).status, 100)
  t.equal((await client.send('hello').response()).body, 'ok')
  t.equal(connections, 2)
})

t.test('a large body arrives whole, and no faster than the target takes it', async t => {
  const size = 20_000_000
  const target = await startTarget(t, async (request, response) => {
    let received = 0
    let sum = 0
    for await (const chunk of request as AsyncIterable<Buffer>) {
      received += chunk.length
      for (const byte of chunk) sum = (sum + byte) % 65_521
      await new Promise(resolve => setImmediate(resolve))
    }
    response.end(`${received} ${sum}`)
  })
  const client = await (await startProxy(t, ruleTo(target.url))).connect()
  const body = Buffer.alloc(size, 'abcdefghijk')
  let expected = 0
  for (const byte of body) expected = (expected + byte) % 65_521
  client.send(`PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: ${size}\r\n\r\n`)
  t.equal((await client.response()).status, 100)
  t.equal((await client.send(body).response()).body, `${size} ${expected}`)
})
