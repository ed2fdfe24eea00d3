/** Connections, request lines and what HTTP leaves to proxies, over real sockets. */
import t from 'tap'
import { ruleTo, startProxy, toSnapshot } from '../helpers/proxy-app.ts'
import { startRawTarget, startTarget } from '../helpers/target.ts'

t.test('a client connection is kept although the target closes its own', async t => {
  const target = await startRawTarget(t, async connection => {
    await connection.head()
    connection.send('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok').socket.end()
  })
  const client = await (await startProxy(t, ruleTo(target.url))).connect()
  for (let index = 0; index < 3; index++) t.equal((await client.request('GET /')).body, 'ok')
  t.equal(target.connections, 3)
})

t.test('connections to the target are used again', async t => {
  const target = await startRawTarget(t, async connection => {
    for (;;) {
      await connection.head()
      connection.send('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
    }
  })
  const proxy = await startProxy(t, ruleTo(target.url))
  for (let index = 0; index < 3; index++) t.equal((await (await proxy.connect()).request('GET /')).body, 'ok')
  t.equal(target.connections, 1)
})

t.test('a client that asks for it gets its connection closed', async t => {
  const target = await startTarget(t)
  const client = await (await startProxy(t, ruleTo(target.url))).connect()
  const response = await client.request('GET /', ['Connection: close'])
  t.equal(response.header('connection'), 'close')
  t.equal((await client.closed()).rest, '')
})

t.test('a client of HTTP/1.0 gets an answer that it can read', async t => {
  const target = await startTarget(t, (request, response) => {
    response.write(`${request.headers.host} ${request.headers.via} `)
    response.end('done')
  })
  const client = await (await startProxy(t, ruleTo(target.url))).connect()
  client.send('GET / HTTP/1.0\r\n\r\n')
  const response = await client.response()
  t.equal(response.header('transfer-encoding'), undefined)
  t.equal(response.header('connection'), 'close')
  t.equal(response.body, `127.0.0.1:${target.port} 1.0 sluice done`)
})

t.test('trailers follow a chunked answer', async t => {
  const target = await startRawTarget(t, async connection => {
    await connection.head()
    connection.send(
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 7\r\nSet-Cookie: a=1\r\nConnection: close\r\n\r\n'
    )
  })
  const client = await (await startProxy(t, ruleTo(target.url))).connect()
  const response = await client.request('GET /')
  t.equal(response.header('trailer'), 'X-Sum')
  t.same(response.trailers, [['x-sum', '7']])
})

t.test('a Trailer field where there can be no trailers ends nothing', async t => {
  const target = await startRawTarget(t, async connection => {
    for (;;) {
      const [, path] = /^\S+ \/(\S*)/.exec(await connection.head()) ?? []
      const status = path === '204' ? '204 No Content' : path === '304' ? '304 Not Modified' : '200 OK'
      const chunked = 'Transfer-Encoding: chunked\r\n\r\n0\r\nX-T: 1\r\n\r\n'
      const framing = path === 'length' ? 'Content-Length: 2\r\n\r\nok' : path === '10' ? chunked : '\r\n'
      connection.send(`HTTP/1.1 ${status}\r\nTrailer: X-T\r\n${framing}`)
    }
  })
  const proxy = await startProxy(t, ruleTo(target.url))
  for (const request of ['GET /204', 'GET /304', 'GET /length', 'HEAD /head']) {
    const response = await (await proxy.connect()).request(request)
    t.ok(response.status < 400, request)
    t.equal(response.header('trailer'), undefined)
  }
  const old = await (await proxy.connect()).send('GET /10 HTTP/1.0\r\n\r\n').response()
  t.equal(old.status, 200)
  t.equal(old.header('trailer'), undefined)
})

t.test('ambiguous and malformed paths are refused before any rule', async t => {
  const target = await startTarget(t, () => t.fail('nothing may arrive'))
  const client = await (await startProxy(t, ruleTo(target.url))).connect()
  for (const path of ['/a%2fb', '/a%5Cb', '/a\\b', '/a%00', '/a%zz', '/a%', '/a#b', '/x?#y', '*', 'ftp://a/b', 'http://', 'http://u@h/']) {
    const response = await client.request(`GET ${path}`)
    t.equal(response.status, 400, path)
    t.match(response.json().code, path === 'http://u@h/' ? 'bad_request' : 'bad_path')
  }
})

t.test('dot segments cannot slip past a rule', async t => {
  const target = await startTarget(t, (request, response) => response.end(request.url))
  const rules = [
    { id: 'public', path: '/public', target: target.url },
    { id: 'private', path: '/private', respond: { status: 403 } }
  ]
  const client = await (await startProxy(t, { rules })).connect()
  for (const path of ['/public/../private', '/public/%2e%2e/private/x', '/public//../../private', '/%70rivate'])
    t.equal((await client.request(`GET ${path}`)).status, 403, path)
  t.equal((await client.request('GET /private/../public/%70')).body, '/public/%70')
})

t.test('CONNECT and unknown expectations are refused', async t => {
  const target = await startTarget(t, () => t.fail('nothing may arrive'))
  const proxy = await startProxy(t, ruleTo(target.url))
  for (const request of ['CONNECT example.com:443 HTTP/1.1\r\nHost: a\r\n\r\n', 'GET / HTTP/1.1\r\nHost: a\r\nExpect: coffee\r\n\r\n']) {
    const client = await proxy.connect()
    const response = await client.send(request).response()
    t.equal(response.status, 400)
    t.equal(response.json().code, 'bad_request')
    t.equal((await client.closed()).rest, '')
  }
})

t.test('an upgrade that was asked for is not made, the request is answered', async t => {
  const target = await startTarget(t, (request, response) => response.end(String(request.headers.upgrade)))
  const client = await (await startProxy(t, ruleTo(target.url))).connect()
  const response = await client.request('GET /', ['Connection: upgrade', 'Upgrade: h2c'])
  t.equal(response.body, 'undefined')
})

t.test('a request keeps the rules it started with', async t => {
  const target = await startTarget(t)
  const proxy = await startProxy(t, ruleTo(target.url, { response_headers: { set: { 'x-rule': 'old' } } }))
  const held = await startTarget(t, () => undefined)
  proxy.live.snapshot = toSnapshot(ruleTo(held.url, { response_headers: { set: { 'x-rule': 'held' } } }))
  const client = await proxy.connect()
  const arrived = held.next()
  client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  const { response } = await arrived
  proxy.live.snapshot = toSnapshot(ruleTo(target.url, { response_headers: { set: { 'x-rule': 'new' } } }))
  t.equal((await (await proxy.connect()).request('GET /')).header('x-rule'), 'new')
  response.end('still here')
  const late = await client.response()
  t.equal(late.header('x-rule'), 'held')
  t.equal(late.body, 'still here')
})

t.test('a service shares its requests over its targets, across changes of other things', async t => {
  const a = await startTarget(t, (_request, response) => response.end('a'))
  const b = await startTarget(t, (_request, response) => response.end('b'))
  const items = (description: string) => ({
    services: [{ id: 's', description, targets: [{ url: a.url }, { url: b.url }] }],
    rules: [{ id: 'r', target_service: 's' }]
  })
  const proxy = await startProxy(t, items('one'))
  const client = await proxy.connect()
  t.equal((await client.request('GET /')).body, 'a')
  proxy.live.snapshot = toSnapshot(items('two'))
  t.equal((await client.request('GET /')).body, 'b')
  const line = proxy.nextLine()
  t.equal((await client.request('GET /')).body, 'a')
  t.match(await line, { service: 's', target: a.url, rule: 'r' })
})

t.test('closing lets the requests under way end, whether their answers had begun or not', async t => {
  const target = await startTarget(t, (request, response) => void (request.url === '/begun' && response.write('begun, ')))
  const proxy = await startProxy(t, ruleTo(target.url))
  const begun = await proxy.connect()
  const waiting = await proxy.connect()
  const first = target.next()
  begun.send('GET /begun HTTP/1.1\r\nHost: a\r\n\r\n')
  await begun.seen('begun, ')
  const second = target.next()
  waiting.send('GET /waiting HTTP/1.1\r\nHost: a\r\n\r\n')
  const answers = [(await first).response, (await second).response]
  const closed = proxy.app.close()
  for (const answer of answers) answer.end('whole')
  t.equal((await begun.response()).body, 'begun, whole')
  const late = await waiting.response()
  t.equal(late.body, 'whole')
  t.equal(late.header('connection'), 'close')
  await Promise.all([begun.closed(), waiting.closed(), closed])
})
