/** Streaming with back-pressure, and who hears of it when somebody leaves. */
import { once } from 'node:events'
import t from 'tap'
import { ruleTo, startProxy } from '../helpers/proxy-app.ts'
import { startRawTarget, startTarget } from '../helpers/target.ts'

const chunk = Buffer.alloc(65_536, 'x')
const total = 64 * 1024 * 1024
/** What sockets may hold: kernel buffers of two connections, and a few chunks of ours. */
const buffered = 16 * 1024 * 1024

t.test('a slow client slows the target down', async t => {
  let sent = 0
  const stuck = Promise.withResolvers<void>()
  const target = await startTarget(t, async (_request, response) => {
    while (sent < total) {
      sent += chunk.length
      if (response.write(chunk)) continue
      const timer = setTimeout(() => stuck.resolve(), 200)
      await once(response, 'drain')
      clearTimeout(timer)
    }
    response.end()
  })
  const client = await (await startProxy(t, ruleTo(target.url))).connect()
  client.socket.pause()
  client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  await stuck.promise
  t.ok(sent < buffered, `${sent} bytes sent`)
  let received = 0
  client.socket.removeAllListeners('data').on('data', data => {
    received += data.length
  })
  client.socket.resume()
  while (received < total) await once(client.socket, 'data')
  t.equal(sent, total)
})

t.test('a slow target slows the client down', async t => {
  const target = await startRawTarget(t, ({ socket }) => void socket.pause())
  const client = await (await startProxy(t, ruleTo(target.url))).connect()
  client.send(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${total}\r\n\r\n`)
  let sent = 0
  const { promise, resolve } = Promise.withResolvers<void>()
  const fill = (): void => {
    while (sent < total) {
      sent += chunk.length
      if (client.socket.write(chunk)) continue
      const timer = setTimeout(resolve, 200)
      client.socket.once('drain', () => {
        clearTimeout(timer)
        fill()
      })
      return
    }
    resolve()
  }
  fill()
  await promise
  t.ok(sent < buffered, `${sent} bytes taken`)
})

t.test('the head of an answer is passed on before its body comes', async t => {
  const target = await startRawTarget(t, async connection => {
    await connection.head()
    connection.send('HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n')
    await connection.seen('more')
  })
  const client = await (await startProxy(t, ruleTo(target.url))).connect()
  client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  await client.seen('text/event-stream')
  t.match(client.pending, '\r\n\r\n')
})

t.test('a client that leaves before the answer cancels the upstream request', async t => {
  const target = await startTarget(t, () => undefined)
  const proxy = await startProxy(t, ruleTo(target.url))
  const client = await proxy.connect()
  const arrived = target.next()
  client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  const { response } = await arrived
  const line = proxy.nextLine()
  client.socket.destroy()
  await once(response, 'close')
  const { status, aborted, error } = await line
  t.same({ status, aborted, error }, { status: 499, aborted: true, error: undefined })
})

t.test('a client that leaves during the answer cancels the upstream request', async t => {
  const target = await startTarget(t, (_request, response) => void response.write('begin'))
  const proxy = await startProxy(t, ruleTo(target.url))
  const client = await proxy.connect()
  const arrived = target.next()
  client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  const { response } = await arrived
  await client.seen('begin')
  const line = proxy.nextLine()
  client.socket.destroy()
  await once(response, 'close')
  const { status, aborted, bytes_sent } = await line
  t.same({ status, aborted, bytes_sent }, { status: 200, aborted: true, bytes_sent: 5 })
})

t.test('a client that leaves in the middle of its body cancels the upstream request', async t => {
  const target = await startRawTarget(t, () => undefined)
  const gone = Promise.withResolvers<void>()
  const slow = await startRawTarget(t, async connection => {
    await connection.seen('begin')
    client.socket.destroy()
    await connection.closed()
    gone.resolve()
  })
  t.ok(target.url)
  const client = await (await startProxy(t, ruleTo(slow.url))).connect()
  client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nbegin')
  await gone.promise
})

t.test('pipelined requests are answered in order, and all are cancelled when the client leaves', async t => {
  const held: (() => void)[] = []
  const target = await startTarget(t, (request, response) => {
    if (request.url === '/slow') held.push(() => response.end('slow'))
    else if (request.url === '/fast') response.end('fast')
  })
  const proxy = await startProxy(t, ruleTo(target.url))
  const client = await proxy.connect()
  const fast = target.next().then(() => target.next())
  client.send('GET /slow HTTP/1.1\r\nHost: a\r\n\r\nGET /fast HTTP/1.1\r\nHost: a\r\n\r\n')
  await fast
  held[0]!()
  t.equal((await client.response()).body, 'slow')
  t.equal((await client.response()).body, 'fast')

  const second = target.next().then(() => target.next())
  client.send('GET /never HTTP/1.1\r\nHost: a\r\n\r\nGET /never HTTP/1.1\r\nHost: a\r\n\r\n')
  const { response } = await second
  const lines = proxy.nextLine().then(() => proxy.log.length)
  client.socket.destroy()
  await once(response, 'close')
  await lines
  while (proxy.log.length < 4) await proxy.nextLine()
  t.equal(proxy.log.filter(line => line.status === 499).length, 2)
  t.match(await proxy.metrics.registry.metrics(), 'sluice_http_requests_in_flight 0')
})
