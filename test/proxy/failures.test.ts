/** What a client sees when a target fails, and that it learns nothing of the inside. */
import t from 'tap'
import { ruleTo, startProxy } from '../helpers/proxy-app.ts'
import type { RawResponse } from '../helpers/raw-client.ts'
import { startSilentListener } from '../helpers/silent-listener.ts'
import { startRawTarget, startTarget } from '../helpers/target.ts'

type Tap = typeof t

function isProblem(
  t: Pick<Tap, 'match' | 'notMatch' | 'equal'>,
  response: RawResponse,
  status: number,
  code: string,
  secrets: readonly string[] = []
) {
  t.equal(response.status, status)
  t.equal(response.header('content-type'), 'application/problem+json')
  const problem = response.json()
  t.match(problem, { status, code, type: /^urn:/, title: /^[A-Z]/, detail: /./, request_id: response.header('x-request-id')! })
  t.match(problem.timestamp, /^\d{4}-\d\d-\d\dT/)
  for (const secret of ['127.0.0.1', 'ECONN', 'undici', 'node:', ...secrets]) t.notMatch(response.body, secret)
}

t.test('a target that refuses connections is 502', async t => {
  const target = await startRawTarget(t, () => undefined)
  await target.stop()
  const proxy = await startProxy(t, ruleTo(target.url))
  const line = proxy.nextLine()
  const response = await (await proxy.connect()).request('GET /')
  isProblem(t, response, 502, 'bad_gateway', [String(target.port)])
  t.match(await line, { status: 502, error: 'bad_gateway', upstream_error: 'ECONNREFUSED', target: target.url })
})

t.test('a target that resets before it answers is 502, and not asked twice on a new connection', async t => {
  const target = await startRawTarget(t, async connection => {
    await connection.head()
    connection.reset()
  })
  const client = await (await startProxy(t, ruleTo(target.url))).connect()
  isProblem(t, await client.request('GET /'), 502, 'bad_gateway', [String(target.port)])
  t.equal(target.connections, 1)
})

t.test('a target that closes before it answers is 502', async t => {
  const target = await startRawTarget(t, async connection => {
    await connection.head()
    connection.socket.end()
  })
  const client = await (await startProxy(t, ruleTo(target.url))).connect()
  isProblem(t, await client.request('POST /', ['Content-Length: 5'], 'hello'), 502, 'bad_gateway')
})

t.test('an answer that is not HTTP is 502', async t => {
  for (const garbage of [
    'SSH-2.0-OpenSSH_9.2\r\n',
    'HTTP/1.1 200 OK\r\nBad Name: 1\r\n\r\n',
    'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello',
    'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n',
    'HTTP/1.1 042 What\r\nContent-Length: 0\r\n\r\n',
    `HTTP/1.1 200 OK\r\nX-Long: ${'x'.repeat(70_000)}\r\n\r\n`
  ]) {
    const target = await startRawTarget(t, async connection => {
      await connection.head()
      connection.send(garbage)
    })
    const client = await (await startProxy(t, ruleTo(target.url))).connect()
    isProblem(t, await client.request('GET /'), 502, 'bad_gateway', ['SSH', 'Bad Name'])
  }
})

t.test("a target that breaks off in the middle of a body breaks the client's connection", async t => {
  for (const head of ['Content-Length: 100\r\n\r\npart', 'Transfer-Encoding: chunked\r\n\r\n4\r\npart\r\n']) {
    for (const how of ['reset', 'end'] as const) {
      const target = await startRawTarget(t, async connection => {
        await connection.head()
        connection.send(`HTTP/1.1 200 OK\r\n${head}`)
        await connected.promise
        if (how === 'reset') connection.reset()
        else connection.socket.end()
      })
      const connected = Promise.withResolvers<void>()
      const proxy = await startProxy(t, ruleTo(target.url))
      const client = await proxy.connect()
      const line = proxy.nextLine()
      client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
      await client.seen('part')
      connected.resolve()
      const { rest } = await client.closed()
      t.notMatch(rest, '0\r\n\r\n', 'no end of the body is made up')
      t.match(await line, { status: 200, aborted: true, error: 'bad_gateway' })
    }
  }
})

t.test('a client of HTTP/1.0, for whom the end of the connection ends the body, sees a reset', async t => {
  const target = await startRawTarget(t, async connection => {
    await connection.head()
    connection.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n')
    await connection.seen('never').catch(() => undefined)
  })
  const proxy = await startProxy(t, ruleTo(target.url))
  const client = await proxy.connect()
  client.send('GET / HTTP/1.0\r\nHost: a\r\n\r\n')
  await client.seen('part')
  await target.stop()
  t.equal((await client.closed()).how, 'reset')
})

t.test('a body that ends with the connection of the target ends well', async t => {
  const target = await startRawTarget(t, async connection => {
    await connection.head()
    connection.send('HTTP/1.0 200 OK\r\n\r\nall of it').socket.end()
  })
  const client = await (await startProxy(t, ruleTo(target.url))).connect()
  t.equal((await client.request('GET /')).body, 'all of it')
})

t.test('a target that does not answer within timeout_ms.read is 504', async t => {
  const target = await startTarget(t, () => undefined)
  const client = await (await startProxy(t, ruleTo(target.url, { timeout_ms: { read: 50 } }))).connect()
  isProblem(t, await client.request('GET /'), 504, 'upstream_timeout')
})

t.test('a target that pauses in its body for longer than timeout_ms.read breaks the connection', async t => {
  const target = await startTarget(t, (_request, response) => void response.write('part'))
  const proxy = await startProxy(t, ruleTo(target.url, { timeout_ms: { read: 50 } }))
  const line = proxy.nextLine()
  const client = await proxy.connect()
  client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  await client.closed()
  t.match(await line, { status: 200, aborted: true, error: 'upstream_timeout' })
})

t.test('an exchange that takes longer than timeout_ms.total is 504, and cancelled', async t => {
  const target = await startRawTarget(t, async connection => {
    await connection.closed()
    cancelled.resolve()
  })
  const cancelled = Promise.withResolvers<void>()
  const client = await (await startProxy(t, ruleTo(target.url, { timeout_ms: { total: 50 } }))).connect()
  isProblem(t, await client.request('GET /'), 504, 'upstream_timeout')
  await cancelled.promise
})

t.test('a target that takes no connection within timeout_ms.connect is 504', async t => {
  const port = await startSilentListener(t)
  const client = await (await startProxy(t, ruleTo(`http://127.0.0.1:${port}`, { timeout_ms: { connect: 50 } }))).connect()
  isProblem(t, await client.request('GET /'), 504, 'upstream_timeout', [String(port)])
})

t.test('a target that breaks off in the middle of an upload is 502, and the connection of the client lives', async t => {
  const target = await startRawTarget(t, async connection => {
    await connection.seen('begin')
    connection.reset()
  })
  const client = await (await startProxy(t, ruleTo(target.url))).connect()
  for (let index = 0; index < 2; index++) {
    client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\nbegin')
    isProblem(t, await client.response(), 502, 'bad_gateway')
    client.send('x'.repeat(199_995))
  }
})

t.test('a target that takes no more of the body for timeout_ms.send is 504', async t => {
  const target = await startRawTarget(t, ({ socket }) => void socket.pause())
  const client = await (await startProxy(t, ruleTo(target.url, { timeout_ms: { send: 50 } }))).connect()
  client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 50000000\r\n\r\n')
  client.socket.write(Buffer.alloc(50_000_000))
  isProblem(t, await client.response(), 504, 'upstream_timeout')
})

t.test('a client that stops in the middle of its body is 408', async t => {
  const target = await startTarget(t, request => void request.resume())
  const client = await (await startProxy(t, ruleTo(target.url), { limits: { clientStallMs: 50 } })).connect()
  client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\npart')
  isProblem(t, await client.response(), 408, 'request_timeout')
})

t.test('a client that keeps its body open while it takes its answer may do so', async t => {
  const target = await startRawTarget(t, async connection => {
    await connection.seen('part')
    connection.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n')
    await answered.promise
    connection.send('4\r\nlate\r\n0\r\n\r\n')
  })
  const answered = Promise.withResolvers<void>()
  const client = await (await startProxy(t, ruleTo(target.url), { limits: { clientStallMs: 20 } })).connect()
  client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\npart')
  await client.seen('chunked')
  // Longer than clientStallMs; a timer that is due later than the one under test.
  setTimeout(() => answered.resolve(), 60)
  t.equal((await client.response()).body, 'late')
})

t.test('a client that takes nothing of its answer is let go', async t => {
  const target = await startTarget(t, (_request, response) => void response.end(Buffer.alloc(50_000_000)))
  const proxy = await startProxy(t, ruleTo(target.url), { limits: { clientStallMs: 50 } })
  const line = proxy.nextLine()
  const client = await proxy.connect()
  client.socket.pause()
  client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  t.match(await line, { status: 200, aborted: true, error: 'request_timeout' })
})

t.test('an idle connection that the target closes just then costs a safe request nothing', async t => {
  for (const [method, expected] of [
    ['GET', 200],
    ['DELETE', 200],
    ['POST', 502]
  ] as const) {
    const target = await startRawTarget(t, async (connection, index) => {
      await connection.head()
      connection.send('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
      if (index > 0) return
      await connection.head()
      connection.reset()
    })
    const client = await (await startProxy(t, ruleTo(target.url))).connect()
    t.equal((await client.request('GET /')).status, 200)
    t.equal((await client.request(`${method} /`)).status, expected, method)
    t.equal(target.connections, expected === 200 ? 2 : 1)
  }
})

t.test('without a target that may take it a request is 503', async t => {
  const target = 'http://127.0.0.1:9'
  const proxy = await startProxy(t, {
    services: [
      { id: 'zero', targets: [{ url: target, weight: 0 }] },
      { id: 'empty', targets: [] }
    ],
    rules: [
      { id: 'a', path: '/zero', target_service: 'zero' },
      { id: 'b', path: '/empty', target_service: 'empty' },
      { id: 'c', path: '/drained', target, weight: 0 },
      { id: 'd', path: '/drained', target, weight: 0 }
    ]
  })
  const client = await proxy.connect()
  for (const path of ['/zero', '/empty', '/drained']) {
    const response = await client.request(`GET ${path}`)
    isProblem(t, response, 503, 'no_target')
    t.equal(response.header('retry-after'), '1')
  }
  isProblem(t, await client.request('GET /nowhere?x'), 404, 'no_rule')
  const unloaded = await (await (await startProxy(t, undefined)).connect()).request('GET /')
  isProblem(t, unloaded, 503, 'not_ready')
  t.equal(unloaded.header('retry-after'), '1')
})
