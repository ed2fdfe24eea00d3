/** Clients that take their time, in each direction, on real sockets. */
import t from 'tap'
import { ruleTo, startProxy } from '../helpers/proxy-app.ts'
import { startRawTarget, startTarget } from '../helpers/target.ts'

t.test('a header section that trickles in is cut off at its time limit, however lively the client is', async t => {
  const target = await startTarget(t, () => t.fail('nothing may arrive'))
  const proxy = await startProxy(t, ruleTo(target.url), { clientHeaderTimeoutMs: 200 })
  const client = await proxy.connect()
  const line = proxy.nextLine()
  client.send('GET / HTTP/1.1\r\nHost: a\r\n')
  const trickle = setInterval(() => client.send('X-A: b\r\n'), 20)
  t.teardown(() => clearInterval(trickle))
  const response = await client.response()
  t.equal(response.status, 408)
  t.equal(response.json().code, 'request_timeout')
  t.match(await line, { status: 408, error: 'request_timeout' })
  await client.closed()
})

t.test('the time limit holds for later requests of a connection, and not while it is idle', async t => {
  const target = await startTarget(t)
  const proxy = await startProxy(t, ruleTo(target.url), { clientHeaderTimeoutMs: 100 })
  const client = await proxy.connect()
  t.equal((await client.request('GET /')).status, 200)
  const other = await proxy.connect()
  // Closed because nothing came on it: the first one has been idle for longer than that.
  const idle = other.closed()
  await idle
  t.equal((await client.request('GET /')).status, 200)
  t.equal((await client.send('GET / HTTP/1.1\r\nHo').response()).status, 408)
})

t.test('a body that trickles in is cut off, and the target sees it broken off', async t => {
  const target = await startTarget(t, request => void request.resume())
  const proxy = await startProxy(t, ruleTo(target.url), { limits: { clientRate: { minBytesPerSecond: 10_000, afterMs: 100 } } })
  const client = await proxy.connect()
  const [line, arrived] = [proxy.nextLine(), target.next()]
  client.send('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n')
  const trickle = setInterval(() => client.send('1\r\na\r\n'), 10)
  t.teardown(() => clearInterval(trickle))
  const { request } = await arrived
  const broken = new Promise(resolve => request.once('aborted', resolve))
  const response = await client.response()
  t.equal(response.status, 408)
  t.equal(response.json().code, 'request_timeout')
  t.match(await line, { status: 408, error: 'request_timeout', rule: 'r1' })
  await broken
})

t.test('a body that comes fast enough is taken, and so is one that the target takes slowly', async t => {
  const target = await startTarget(t, (request, response) => {
    let bytes = 0
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      request.pause()
      setTimeout(() => request.resume(), 2)
    })
    request.on('end', () => response.end(String(bytes)))
  })
  const proxy = await startProxy(t, ruleTo(target.url), { limits: { clientRate: { minBytesPerSecond: 1_000, afterMs: 1 } } })
  const client = await proxy.connect()
  const body = 'x'.repeat(4_000_000)
  t.equal((await client.request('POST /', [`Content-Length: ${body.length}`], body)).body, '4000000')
})

t.test('a client that takes nothing of the end of its answer is not waited for', async t => {
  const target = await startRawTarget(t, async connection => {
    await connection.head()
    connection.send(`HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 12000000\r\n\r\n${'x'.repeat(12_000_000)}`).socket.end()
  })
  const proxy = await startProxy(t, ruleTo(target.url), { limits: { clientStallMs: 100 } })
  const client = await proxy.connect()
  client.socket.pause()
  const line = proxy.nextLine()
  client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  t.match(await line, { status: 200, aborted: true })
})
