/** What belongs to one connection: its framing, its life, its ends; over real sockets. */
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import t from 'tap'
import { type ProxyApp, ruleTo, startProxy } from '../helpers/proxy-app.ts'
import { connect, type RawClient } from '../helpers/raw-client.ts'
import { startRawTarget, startTarget, type TargetConnection } from '../helpers/target.ts'

type Tap = Parameters<typeof startRawTarget>[0]

/** A target that answers each request with `answer`, whatever it is. */
function startRepeating(t: Tap, answer: string, then?: (connection: TargetConnection) => void): ReturnType<typeof startRawTarget> {
  return startRawTarget(t, async connection => {
    for (;;) {
      await connection.head()
      connection.send(answer)
      then?.(connection)
    }
  })
}

/** A target that answers each request with its header section. */
function startMirror(t: Tap): ReturnType<typeof startRawTarget> {
  return startRawTarget(t, async connection => {
    for (;;) {
      const head = await connection.head()
      connection.send(`HTTP/1.1 200 OK\r\nContent-Length: ${head.length}\r\n\r\n${head}`)
    }
  })
}

function valuesOf(head: string, name: string): string[] {
  const lines = head.split('\r\n').map(line => line.split(': '))
  return lines.filter(([key]) => key?.toLowerCase() === name).map(([, value = '']) => value)
}

t.test('a connection to the target is kept after HEAD', async t => {
  const target = await startRepeating(t, 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n')
  const client = await (await startProxy(t, ruleTo(target.url))).connect()
  for (let index = 0; index < 3; index++) t.equal((await client.request('HEAD /')).header('content-length'), '9')
  t.equal(target.connections, 1)
})

t.test('a body where there can be none is dropped with its connection, and no other request gets it', async t => {
  const poison = 'HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\npoisoned'
  for (const [line, head] of [
    ['HEAD /', `HTTP/1.1 200 OK\r\nContent-Length: ${poison.length}`],
    ['GET /', `HTTP/1.1 204 No Content\r\nContent-Length: ${poison.length}`],
    ['GET /', `HTTP/1.1 304 Not Modified\r\nContent-Length: ${poison.length}`],
    ['GET /', 'HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked']
  ] as const) {
    const target = await startRawTarget(t, async (connection, index) => {
      await connection.head()
      connection.send(index === 0 ? `${head}\r\n\r\n${poison}` : 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood')
      if (index === 0) await connection.closed()
    })
    const client = await (await startProxy(t, ruleTo(target.url))).connect()
    const response = await client.request(line)
    t.equal(response.body, '')
    t.equal(response.header('transfer-encoding'), undefined)
    t.equal((await client.request('GET /')).body, 'good', head)
  }
})

t.test('HTTP/1.0 keeps its connection where the answer has a length', async t => {
  const target = await startRepeating(t, 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
  const client = await (await startProxy(t, ruleTo(target.url))).connect()
  for (let index = 0; index < 2; index++) {
    const response = await client.send('GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n').response()
    t.equal(response.header('connection'), 'keep-alive')
    t.equal(response.body, 'ok')
  }
  const last = await client.send('GET / HTTP/1.0\r\n\r\n').response()
  t.equal(last.header('connection'), 'close')
  t.equal((await client.closed()).how, 'ended')
})

t.test('HTTP/1.0 gets what is chunked up to the end of its connection', async t => {
  const target = await startRepeating(t, 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n')
  const client = await (await startProxy(t, ruleTo(target.url))).connect()
  const response = await client.send('GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n').response()
  t.equal(response.header('transfer-encoding'), undefined)
  t.equal(response.header('connection'), 'close')
  t.equal(response.body, 'ok')
})

t.test('targets of HTTP/1.0 are understood, and kept only when they say so', async t => {
  for (const [head, ends, connections] of [
    ['Connection: keep-alive\r\nContent-Length: 2', false, 1],
    ['Content-Length: 2', false, 2],
    ['X: 1', true, 2]
  ] as const) {
    const target = await startRepeating(t, `HTTP/1.0 200 OK\r\n${head}\r\n\r\nok`, ({ socket }) => void (ends && socket.end()))
    const client = await (await startProxy(t, ruleTo(target.url))).connect()
    for (let index = 0; index < 2; index++) {
      const response = await client.request('GET /')
      t.equal(response.body, 'ok')
      t.equal(response.header('connection'), 'keep-alive')
    }
    t.equal(target.connections, connections, head)
  }
})

t.test('a client that closes and still sends sees the whole of an early answer', async t => {
  const answer = 'x'.repeat(100_000)
  const target = await startRawTarget(t, async connection => {
    await connection.seen('begin')
    connection.send(`HTTP/1.1 403 Forbidden\r\nContent-Length: ${answer.length}\r\n\r\n${answer}`)
  })
  const client = await (await startProxy(t, ruleTo(target.url))).connect()
  const rest = Buffer.alloc(8_000_000)
  client.send(`POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: ${rest.length + 5}\r\n\r\nbegin`)
  client.send(rest)
  const response = await client.response()
  t.equal(response.status, 403)
  t.equal(response.header('connection'), 'close')
  t.equal(response.body, answer)
  t.same(await client.closed(), { how: 'ended', rest: '' })
})

t.test('a client that closes and never ends its request is let go', async t => {
  const target = await startRawTarget(t, async connection => {
    await connection.seen('begin')
    connection.send('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno')
  })
  const proxy = await startProxy(t, ruleTo(target.url), { limits: { lingerMs: 20 } })
  const client = await proxy.connect()
  client.send('POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 100\r\n\r\nbegin')
  t.equal((await client.response()).status, 403)
  await client.closed()
  while ((await promisedConnections(proxy)) > 0) await new Promise(resolve => setImmediate(resolve))
  t.pass('no connection is left')
})

function promisedConnections({ app }: ProxyApp): Promise<number> {
  return new Promise((resolve, reject) => app.server.getConnections((error, count) => (error === null ? resolve(count) : reject(error))))
}

t.test('pipelined requests are answered in their order, bodies included', async t => {
  const target = await startTarget(t, (request, response) => {
    const chunks: Buffer[] = []
    request.on('data', chunk => chunks.push(chunk)).on('end', () => response.end(`${request.url} ${Buffer.concat(chunks)}`))
  })
  const client = await (await startProxy(t, ruleTo(target.url))).connect()
  client.send('POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\noneGET /2 HTTP/1.1\r\nHost: a\r\n\r\n')
  client.send('POST /3 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nthree\r\n0\r\n\r\nHEAD /4 HTTP/1.1\r\nHost: a\r\n\r\n')
  client.send('GET /5 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
  for (const expected of ['/1 one', '/2 ', '/3 three', '', '/5 ']) t.equal((await client.response(expected === '')).body, expected)
  t.same(await client.closed(), { how: 'ended', rest: '' })
})

t.test('lists of transfer codings that are not just chunked are refused', async t => {
  const target = await startTarget(t, () => t.fail('nothing may arrive'))
  const proxy = await startProxy(t, ruleTo(target.url))
  for (const fields of [
    ['Transfer-Encoding: chunked, chunked'],
    ['Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'],
    ['Transfer-Encoding: gzip, chunked'],
    ['Transfer-Encoding: chunked, gzip'],
    ['Transfer-Encoding: identity'],
    ['Transfer-Encoding: xchunked'],
    ['Transfer-Encoding: chunked;q=1'],
    ['Transfer-Encoding:'],
    ['Transfer-Encoding : chunked']
  ]) {
    const client = await proxy.connect()
    const response = await client.request('POST /', fields, '0\r\n\r\n')
    t.equal(response.status, 400, fields.join())
    t.equal(response.json().code, 'bad_request')
  }
  const spelled = await startTarget(t)
  const client = await (await startProxy(t, ruleTo(spelled.url))).connect()
  t.equal((await client.request('POST /', ['Transfer-Encoding: Chunked'], '0\r\n\r\n')).status, 200, 'its case does not matter')
})

t.test('a request that names no host, two, or a malformed one is refused whatever would become of it', async t => {
  const target = await startTarget(t)
  const proxy = await startProxy(t, {
    rules: [
      { id: 'forward', path: '/forward', target: target.url },
      { id: 'say', path: '/say', respond: { status: 200 } },
      { id: 'go', path: '/go', redirect: { status: 308, location: 'https://example.com/' } }
    ]
  })
  for (const path of ['/forward', '/say', '/go', '/nowhere', 'http://example.com/forward']) {
    for (const fields of ['', 'Host: a\r\nHost: b\r\n', 'Host: a\r\nhost: a\r\n', 'Host: a/b\r\n', 'Host: a b\r\n', 'Host: a@b\r\n']) {
      const response = await (await proxy.connect()).send(`GET ${path} HTTP/1.1\r\n${fields}\r\n`).response()
      t.equal(response.status, 400, `${path} ${fields}`)
      t.equal(response.json().code, 'bad_request')
    }
  }
  const old = await (await proxy.connect()).send('GET /say HTTP/1.0\r\n\r\n').response()
  t.equal(old.status, 200, 'HTTP/1.0 need not name it')
  const both = await (await proxy.connect()).send('GET /say HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n').response()
  t.equal(both.status, 400, 'but not twice')
})

t.test('the authority of an absolute-form target decides: for the rule, and for the target', async t => {
  const target = await startMirror(t)
  const rules = [
    { id: 'inner', host: 'inner.example', path: '/', respond: { status: 403 } },
    { id: 'outer', host: 'outer.example', path: '/', target: target.url }
  ]
  const client = await (await startProxy(t, { rules })).connect()
  const { body } = await client.request('GET http://outer.example:81/x?y', ['Host: inner.example'])
  t.match(body, /^GET \/x\?y HTTP\/1\.1\r\n/)
  t.same(valuesOf(body, 'host'), ['outer.example:81'])
  t.same(valuesOf(body, 'x-forwarded-host'), ['outer.example:81'])
  t.same(valuesOf(body, 'forwarded'), ['for=127.0.0.1;host="outer.example:81";proto=http'])
  t.equal((await client.request('GET http://inner.example/', ['Host: outer.example'])).status, 403)
})

t.test('Via names the protocol in which the request came', async t => {
  const target = await startMirror(t)
  const client = await (await startProxy(t, ruleTo(target.url))).connect()
  t.same(valuesOf((await client.request('GET /', ['Via: 1.0 a, 1.1 b', 'Via: 1.1 c'])).body, 'via'), ['1.0 a, 1.1 b, 1.1 c, 1.1 sluice'])
  const old = await client.send('GET / HTTP/1.0\r\nVia: 1.1 a\r\n\r\n').response()
  t.same(valuesOf(old.body, 'via'), ['1.1 a, 1.0 sluice'])
})

t.test('Proxy-Connection and TE say nothing to the target, but that trailers are taken', async t => {
  const target = await startMirror(t)
  const client = await (await startProxy(t, ruleTo(target.url))).connect()
  for (const [te, expected] of [
    ['trailers', ['trailers']],
    ['gzip, Trailers', ['trailers']],
    ['gzip', []],
    ['xtrailers', []]
  ] as const) {
    const { body } = await client.request('GET /', ['Proxy-Connection: keep-alive', 'Connection: TE', `TE: ${te}`])
    t.same(valuesOf(body, 'te'), expected, te)
    t.same(valuesOf(body, 'proxy-connection'), [])
  }
})

t.test('peers by IPv6 are named as RFC 7239 wants it, v4-mapped ones as v4', async t => {
  const target = await startMirror(t)
  const proxy = await startProxy(t, ruleTo(target.url))
  const listener = createServer({ allowHalfOpen: true }, socket => proxy.app.server.emit('connection', socket))
  t.teardown(() => listener.close())
  await once(listener.listen(0, '::'), 'listening')
  const { port } = listener.address() as AddressInfo
  const fieldsOf = async (client: RawClient) => {
    const { body } = await client.request('GET /', ['Host: [::1]:80', 'Connection: close'])
    return ['forwarded', 'x-forwarded-for', 'x-real-ip'].map(name => valuesOf(body, name))
  }
  t.same(await fieldsOf(await connect(t, port, '::1')), [['for="[::1]";host="[::1]:80";proto=http'], ['::1'], ['::1']])
  t.same(await fieldsOf(await connect(t, port, '127.0.0.1')), [['for=127.0.0.1;host="[::1]:80";proto=http'], ['127.0.0.1'], ['127.0.0.1']])
})

t.test('an answer loses what its Connection field nominates, but neither its length nor our fields', async t => {
  const nominated = 'X-Hop, Content-Length, Via, X-Request-Id, Date'
  const target = await startRepeating(
    t,
    `HTTP/1.1 200 OK\r\nConnection: ${nominated}\r\nConnection: x-second\r\nX-Hop: 1\r\nX-Second: 1\r\nContent-Length: 2\r\n\r\nok`
  )
  const client = await (await startProxy(t, ruleTo(target.url))).connect()
  for (let index = 0; index < 2; index++) {
    const response = await client.request('GET /')
    t.equal(response.body, 'ok')
    t.equal(response.header('content-length'), '2')
    t.equal(response.header('via'), '1.1 sluice')
    t.equal(response.header('x-hop'), undefined)
    t.equal(response.header('x-second'), undefined)
  }
})

t.test('a client of HTTP/1.0 whose target breaks off just as the client leaves harms nobody', async t => {
  const target = await startRawTarget(t, async connection => {
    await connection.head()
    connection.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n')
    await left.promise
    connection.reset()
  })
  const left = Promise.withResolvers<void>()
  const proxy = await startProxy(t, ruleTo(target.url))
  const client = await proxy.connect()
  const line = proxy.nextLine()
  client.send('GET / HTTP/1.0\r\nHost: a\r\n\r\n')
  await client.seen('part')
  client.socket.end()
  left.resolve()
  t.match(await line, { status: 200, aborted: true })
})
