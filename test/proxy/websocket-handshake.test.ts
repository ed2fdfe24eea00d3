/** How a WebSocket is asked for: what the target sees, what the client is answered, and what becomes of requests that cannot have one. */
import { once } from 'node:events'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { WebSocketServer } from 'ws'
import { certificate, privateKey } from '../helpers/certificate.ts'
import { type ProxyApp, ruleTo, startProxy } from '../helpers/proxy-app.ts'
import { startRawTarget, startTarget } from '../helpers/target.ts'
import { startTlsProxy } from '../helpers/tls-proxy.ts'
import { closeOf, nextMessage, openWebSocket, refusal, startWebSocketTarget } from '../helpers/websocket.ts'

/** The fields of a handshake, but for Host. */
const handshake = ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==']

/** The access line with this status, past or to come. */
async function lineOf(proxy: ProxyApp, status: number): Promise<Record<string, unknown>> {
  for (;;) {
    const line = proxy.log.find(line => line.status === status)
    if (line !== undefined) return line
    await proxy.nextLine()
  }
}

t.test('the target sees the path, the query and the fields that it shall', async t => {
  const target = await startWebSocketTarget(t)
  const proxy = await startProxy(
    t,
    ruleTo(`${target.url}/base`, {
      path: '/chat',
      strip_prefix: true,
      host_header: 'target',
      request_headers: { set: { 'x-team': 'blue' }, remove: ['x-secret'] }
    })
  )
  const arrived = target.next()
  const headers = { cookie: 'a=1; b=2', authorization: 'Bearer x', 'x-secret': '1', 'x-request-id': 'mine-1', 'x-forwarded-for': '6.6.6.6' }
  await openWebSocket(t, `http://127.0.0.1:${proxy.port}/chat/room%201?to=%41&x`, [], { headers, origin: 'http://page.example' })
  const { request } = await arrived
  t.equal(request.url, '/base/room%201?to=%41&x', 'in the encoding of the client')
  t.match(request.headers, {
    host: `127.0.0.1:${target.port}`,
    cookie: 'a=1; b=2',
    authorization: 'Bearer x',
    origin: 'http://page.example',
    'x-team': 'blue',
    'x-secret': undefined,
    'x-request-id': 'mine-1',
    'x-forwarded-for': '127.0.0.1',
    'x-forwarded-host': `127.0.0.1:${proxy.port}`,
    'x-forwarded-proto': 'http',
    via: '1.1 sluice',
    'sec-websocket-extensions': undefined
  })
})

t.test('the client sees the fields of the target’s 101 and the edits of the rule', async t => {
  const target = await startRawTarget(t, async connection => {
    const key = /sec-websocket-key: (.*)\r/i.exec(await connection.head())![1]!
    const { createHash } = await import('node:crypto')
    const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
    connection.send(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n` +
        'Set-Cookie: a=1\r\nSet-Cookie: b=2\r\nX-Inside: 1\r\n\r\n'
    )
  })
  const proxy = await startProxy(t, ruleTo(target.url, { response_headers: { set: { 'x-edge': 'yes' }, remove: ['x-inside'] } }))
  const client = await proxy.connect()
  const answer = await client.request('GET /', [...handshake, 'X-Request-Id: mine-2'])
  t.equal(answer.status, 101)
  t.equal(answer.header('sec-websocket-accept'), 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=', 'for the key of the client (RFC 6455 section 1.3)')
  t.equal(answer.header('set-cookie'), 'a=1, b=2')
  t.equal(answer.header('x-edge'), 'yes')
  t.equal(answer.header('x-inside'), undefined)
  t.equal(answer.header('x-request-id'), 'mine-2')
  t.equal(answer.header('via'), '1.1 sluice')
})

t.test('the target chooses the sub-protocol among those of the client, or none', async t => {
  const choosing = await startWebSocketTarget(t, undefined, { handleProtocols: () => 'v2' })
  const one = await startProxy(t, ruleTo(choosing.url))
  const arrived = choosing.next()
  const client = await openWebSocket(t, `http://127.0.0.1:${one.port}/`, ['v1', 'v2'])
  t.equal(client.protocol, 'v2')
  t.equal((await arrived).request.headers['sec-websocket-protocol'], 'v1, v2')
  const choosy = await startWebSocketTarget(t, undefined, { handleProtocols: () => false })
  const other = await startProxy(t, ruleTo(choosy.url))
  const answer = await (await other.connect()).request('GET /', [...handshake, 'Sec-WebSocket-Protocol: v1'])
  t.same([answer.status, answer.header('sec-websocket-protocol')], [101, undefined], 'that is for the client to judge')
})

t.test('a target that chooses what was not offered is 502', async t => {
  const target = await startWebSocketTarget(t, undefined, { handleProtocols: () => 'v9' })
  const proxy = await startProxy(t, ruleTo(target.url))
  t.equal((await refusal(t, `http://127.0.0.1:${proxy.port}/`, ['v1'])).code, 'bad_gateway')
})

t.test('what the client sends with its request is not lost', async t => {
  const target = await startWebSocketTarget(t)
  const proxy = await startProxy(t, ruleTo(target.url))
  const client = await proxy.connect()
  // A masked text frame "hi" with a mask of zeros.
  client.send(
    Buffer.concat([
      Buffer.from(`GET / HTTP/1.1\r\nHost: a\r\n${handshake.join('\r\n')}\r\n\r\n`),
      Buffer.from('818200000000', 'hex'),
      Buffer.from('hi')
    ])
  )
  t.equal((await client.response()).status, 101)
  await client.seen('hi')
  t.equal(client.pending, '\x81\x02hi')
})

t.test('whoever cannot have one is told why', async t => {
  const target = await startTarget(t)
  const rules = [
    { id: 'dead', path: '/dead', target: 'http://127.0.0.1:1' },
    { id: 'empty', path: '/empty', target_service: 'empty' },
    { id: 'none', path: '/none', target: target.url, weight: 0 }
  ]
  const proxy = await startProxy(t, { rules, services: [{ id: 'empty', targets: [] }] })
  for (const [path, status, code] of [
    ['/nowhere', 404, 'no_rule'],
    ['/dead', 502, 'bad_gateway'],
    ['/empty', 503, 'no_target'],
    ['/none', 503, 'no_target']
  ] as const) {
    const refused = await refusal(t, `http://127.0.0.1:${proxy.port}${path}`)
    t.same([refused.status, refused.code], [status, code], path)
    t.equal(refused.headers.connection, 'close')
    t.ok(refused.headers['x-request-id'])
    t.notMatch(refused.body, /127\.0\.0\.1/, 'nothing of the inside')
  }
  const unready = await startProxy(t, undefined)
  t.equal((await refusal(t, `http://127.0.0.1:${unready.port}/`)).code, 'not_ready')
})

t.test('the access line of a refusal names what happened', async t => {
  const proxy = await startProxy(t, ruleTo('http://127.0.0.1:1'))
  const line = proxy.nextLine()
  await refusal(t, `http://127.0.0.1:${proxy.port}/x`)
  t.match(await line, { status: 502, path: '/x', rule: 'r1', error: 'bad_gateway', upstream_error: 'ECONNREFUSED' })
})

t.test('a target that does not answer is 504', async t => {
  const target = await startRawTarget(t, () => undefined)
  const proxy = await startProxy(t, ruleTo(target.url, { timeout_ms: { read: 200 } }))
  t.equal((await refusal(t, `http://127.0.0.1:${proxy.port}/`)).code, 'upstream_timeout')
})

t.test('a target that answers with anything but a right 101 is 502', async t => {
  for (const head of [
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: wrong\r\n\r\n',
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n',
    'rubbish\r\n\r\n',
    ''
  ]) {
    const target = await startRawTarget(t, async connection => {
      await connection.head()
      connection.send(head).socket.end()
    })
    const proxy = await startProxy(t, ruleTo(target.url))
    t.equal((await refusal(t, `http://127.0.0.1:${proxy.port}/`)).code, 'bad_gateway', JSON.stringify(head))
  }
})

t.test('a plain answer of the target is passed on as it is', async t => {
  const target = await startTarget(t, (request, response) => {
    if (request.url === '/401') response.writeHead(401, { 'www-authenticate': 'Bearer' }).end('who are you')
    else response.writeHead(404, { 'content-length': 4 }).end('gone')
  })
  const proxy = await startProxy(t, ruleTo(target.url))
  const refused = await refusal(t, `http://127.0.0.1:${proxy.port}/401`)
  t.match(refused, { status: 401, body: 'who are you', headers: { 'www-authenticate': 'Bearer', connection: 'close', via: '1.1 sluice' } })
  t.match(await refusal(t, `http://127.0.0.1:${proxy.port}/404`), { status: 404, body: 'gone' })
  t.match(await lineOf(proxy, 404), { status: 404, bytes_sent: 4, error: undefined })
})

t.test('a connection on which a target refused is not used for the next handshake', async t => {
  const target = await startRawTarget(t, async connection => {
    for (;;) {
      await connection.head()
      connection.send('HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n')
    }
  })
  const proxy = await startProxy(t, ruleTo(target.url))
  for (const count of [1, 2, 3]) {
    t.equal((await refusal(t, `http://127.0.0.1:${proxy.port}/`)).status, 401)
    t.equal(target.connections, count)
  }
})

t.test('rules that redirect or respond do so', async t => {
  const proxy = await startProxy(t, {
    rules: [
      { id: 'there', path: '/there', redirect: { location: 'https://a.example{path}' } },
      { id: 'here', path: '/here', respond: { status: 403, body: 'no' } }
    ]
  })
  t.match(await refusal(t, `http://127.0.0.1:${proxy.port}/there`), { status: 308, headers: { location: 'https://a.example/there' } })
  t.match(await refusal(t, `http://127.0.0.1:${proxy.port}/here`), { status: 403, body: 'no' })
})

t.test('a malformed handshake is refused before the target is asked', async t => {
  const target = await startRawTarget(t, () => undefined)
  const proxy = await startProxy(t, ruleTo(target.url))
  const without = (name: string): string[] => handshake.filter(field => !field.startsWith(name))
  for (const [fields, status, code] of [
    [[...without('Sec-WebSocket-Version'), 'Sec-WebSocket-Version: 8'], 426, 'upgrade_required'],
    [without('Sec-WebSocket-Version'), 426, 'upgrade_required'],
    [without('Sec-WebSocket-Key'), 400, 'bad_request'],
    [[...without('Sec-WebSocket-Key'), 'Sec-WebSocket-Key: short'], 400, 'bad_request'],
    [[...handshake, 'Sec-WebSocket-Protocol: a, a'], 400, 'bad_request']
  ] as const) {
    const answer = await (await proxy.connect()).request('GET /', fields)
    t.same([answer.status, answer.json().code], [status, code], String(fields))
    if (status === 426) t.same([answer.header('sec-websocket-version'), answer.header('upgrade')], ['13', 'websocket'])
  }
  t.equal(target.connections, 0)
})

t.test('an upgrade to anything else is a plain request with its body', async t => {
  const target = await startTarget(t, (request, response) => {
    t.equal(request.headers.upgrade, undefined)
    request.pipe(response)
  })
  const proxy = await startProxy(t, ruleTo(target.url))
  const client = await proxy.connect()
  const h2c = ['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABk']
  t.equal((await client.request('GET /', h2c)).status, 200)
  t.equal((await client.request('POST /', [...h2c, 'Content-Length: 5'], 'hello')).body, 'hello')
  t.equal((await client.request('POST /', [...handshake, 'Content-Length: 5'], 'hello')).body, 'hello', 'a WebSocket takes GET')
  t.equal((await client.request('GET /', [...handshake, 'Content-Length: 5'], 'hello')).body, 'hello', 'without a body')
  client.send(`GET / HTTP/1.0\r\nHost: a\r\n${handshake.join('\r\n')}\r\n\r\n`)
  t.equal((await client.response()).status, 200, 'by HTTP/1.1 (RFC 9110 section 7.8)')
})

t.test('an upgrade behind a request that is not answered yet harms neither', async t => {
  const target = await startTarget(t, (_request, response) => setImmediate(() => response.end('plain')))
  const proxy = await startProxy(t, ruleTo(target.url))
  const client = await proxy.connect()
  client.send(`GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n${handshake.join('\r\n')}\r\n\r\n`)
  t.equal((await client.response()).body, 'plain')
  t.equal((await client.response()).body, 'plain', 'the second is answered without an upgrade')
  t.equal((await client.request('GET /')).body, 'plain')
})

t.test('a client that leaves during the handshake takes the target’s connection with it', async t => {
  const target = await startRawTarget(t, async (connection, index) => {
    await connection.head()
    if (index > 0) return connection.send('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
    asked.resolve()
    left.resolve(await connection.closed())
  })
  const asked = Promise.withResolvers<void>()
  const left = Promise.withResolvers<void>()
  const proxy = await startProxy(t, ruleTo(target.url))
  const line = proxy.nextLine()
  const client = await proxy.connect()
  client.send(`GET / HTTP/1.1\r\nHost: a\r\n${handshake.join('\r\n')}\r\n\r\n`)
  await asked.promise
  client.socket.resetAndDestroy()
  await left.promise
  t.match(await line, { status: 499 })
  t.equal((await (await proxy.connect()).request('GET /')).status, 200)
})

t.test('no more are open than the rule allows', async t => {
  const target = await startWebSocketTarget(t)
  const proxy = await startProxy(t, ruleTo(target.url, { websocket: { max_connections: 2 } }))
  const url = `http://127.0.0.1:${proxy.port}/`
  const [first] = await Promise.all([openWebSocket(t, url), openWebSocket(t, url)])
  const refused = await refusal(t, url)
  t.same([refused.status, refused.code, refused.headers['retry-after']], [503, 'overloaded', '1'])
  first.close()
  await lineOf(proxy, 101)
  t.ok(await openWebSocket(t, url), 'one place is free again')
})

t.test('a service’s balancer shares WebSockets among its targets', async t => {
  const targets = [await startWebSocketTarget(t, socket => socket.send('0')), await startWebSocketTarget(t, socket => socket.send('1'))]
  const proxy = await startProxy(t, {
    services: [{ id: 'pair', targets: targets.map(({ url }) => ({ url })) }],
    rules: [{ id: 'r1', path: '/', target_service: 'pair' }]
  })
  const names: string[] = []
  for (let index = 0; index < 4; index++) {
    const client = await proxy.connect()
    t.equal((await client.request('GET /', handshake)).status, 101)
    await client.seen('\x81\x01')
    names.push(client.pending.slice(2))
  }
  t.same(names.sort(), ['0', '0', '1', '1'])
})

t.test('a target behind TLS is verified, with what its service says', async t => {
  const server = createServer({ cert: certificate, key: privateKey })
  const sockets = new WebSocketServer({ server })
  sockets.on('connection', socket => socket.on('message', data => socket.send(data)))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    for (const socket of sockets.clients) socket.terminate()
    server.close()
    server.closeAllConnections()
  })
  const targets = [{ url: `https://127.0.0.1:${(server.address() as AddressInfo).port}` }]
  const proxy = await startProxy(t, {
    services: [
      { id: 'known', targets, tls: { ca: certificate } },
      { id: 'unknown', targets }
    ],
    rules: [
      { id: 'known', path: '/known', target_service: 'known' },
      { id: 'unknown', path: '/unknown', target_service: 'unknown' }
    ]
  })
  t.equal((await refusal(t, `http://127.0.0.1:${proxy.port}/unknown`)).code, 'bad_gateway')
  const client = await openWebSocket(t, `http://127.0.0.1:${proxy.port}/known`)
  client.send('secret')
  t.equal(await nextMessage(client), 'secret')
})

t.test('a TLS listener takes WebSockets by HTTP/1.1', async t => {
  const target = await startWebSocketTarget(t)
  const proxy = await startTlsProxy(t, ruleTo(target.url))
  const arrived = target.next()
  const client = await openWebSocket(t, `https://127.0.0.1:${proxy.port}/`, [], { rejectUnauthorized: false })
  t.equal((await arrived).request.headers['x-forwarded-proto'], 'https')
  client.send('over TLS')
  t.equal(await nextMessage(client), 'over TLS')
  const closed = closeOf(client)
  await proxy.app.close()
  t.same(await closed, [1001, 'going away'])
})
