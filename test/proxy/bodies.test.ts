/** Bodies both ways: framing, limits, early answers, over real sockets. */
import t from 'tap'
import { ruleTo, startProxy } from '../helpers/proxy-app.ts'
import { startRawTarget, startTarget } from '../helpers/target.ts'

t.test('a body of known length arrives with its length', async t => {
  const target = await startRawTarget(t, async connection => {
    const received = await connection.seen('hello')
    connection.send(`HTTP/1.1 200 OK\r\nContent-Length: ${received.length}\r\n\r\n${received}`)
  })
  for (const method of ['POST', 'GET', 'DELETE', 'PATCH', 'PROPFIND']) {
    const client = await (await startProxy(t, ruleTo(target.url))).connect()
    const { body } = await client.request(`${method} /`, ['Content-Length: 5', 'Content-Type: not / valid'], 'hello')
    t.match(body, new RegExp(`^${method} / HTTP/1.1\r\n[\\s\\S]*\r\ncontent-length: 5\r\n\r\nhello$`))
    t.match(body, 'content-type: not / valid')
  }
})

t.test('a chunked body arrives chunked, as it comes', async t => {
  const target = await startRawTarget(t, async connection => {
    await connection.seen('\r\n3\r\none')
    connection.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n')
    const all = await connection.seen('0\r\nx-trailer: kept\r\n\r\n')
    connection.send(`${all.length.toString(16)}\r\n${all}\r\n0\r\n\r\n`)
  })
  const client = await (await startProxy(t, ruleTo(target.url))).connect()
  client.send('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;ext=1\r\none\r\n')
  await client.seen('first')
  client.send('3\r\ntwo\r\n0\r\nX-Trailer: kept\r\n\r\n')
  const { body, header } = await client.response()
  t.match(body, /^first[\s\S]*transfer-encoding: chunked\r\n[\s\S]*\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\nx-trailer: kept\r\n\r\n$/)
  t.equal(header('transfer-encoding'), 'chunked')
})

t.test('the header section of a chunked request arrives before its body does', async t => {
  const target = await startRawTarget(t, async connection => {
    await connection.head()
    connection.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nready\r\n')
    await connection.seen('0\r\n\r\n')
    connection.send('4\r\ndone\r\n0\r\n\r\n')
  })
  const client = await (await startProxy(t, ruleTo(target.url))).connect()
  client.send('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n')
  await client.seen('ready')
  t.equal((await client.send('2\r\ngo\r\n0\r\n\r\n').response()).body, 'readydone')
})

t.test('a request without a body is sent without one', async t => {
  const target = await startTarget(t)
  const client = await (await startProxy(t, ruleTo(target.url))).connect()
  for (const [method, length] of [
    ['GET', undefined],
    ['OPTIONS', undefined],
    ['DELETE', undefined],
    ['POST', '0'],
    ['QUERY', '0']
  ]) {
    const next = target.next()
    t.equal((await client.request(`${method} /`)).status, 200)
    const { request } = await next
    t.equal(request.headers['content-length'], length, `${method} has no length`)
    t.equal(request.headers['transfer-encoding'], undefined, `${method} is not chunked`)
  }
})

t.test('HEAD, 204 and 304 have no body, whatever their fields say', async t => {
  const target = await startRawTarget(t, async connection => {
    for (;;) {
      const [, method, path] = /^(\S+) \/(\S+)/.exec(await connection.head()) ?? []
      const status = path === 'head' ? '200 OK' : path === '204' ? '204 No Content' : '304 Not Modified'
      connection.send(`HTTP/1.1 ${status}\r\nETag: "x"\r\n${method === 'HEAD' ? 'Content-Length: 99\r\n' : ''}\r\n`)
    }
  })
  const client = await (await startProxy(t, ruleTo(target.url))).connect()
  const head = await client.request('HEAD /head')
  t.equal(head.status, 200)
  t.equal(head.header('content-length'), '99')
  const none = await client.request('GET /204')
  t.equal(none.status, 204)
  t.equal(none.header('content-length'), undefined)
  const same = await client.request('GET /304')
  t.equal(same.status, 304)
  t.equal(same.header('etag'), '"x"')
  t.equal(client.pending, '')
})

t.test('an answer that comes while the body is still arriving is passed on, and the connection lives', async t => {
  const target = await startRawTarget(t, async connection => {
    await connection.seen('begin')
    connection.send('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno')
  })
  const client = await (await startProxy(t, ruleTo(target.url))).connect()
  client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\nbegin')
  const early = await client.response()
  t.equal(early.status, 403)
  t.equal(early.body, 'no')
  client.send(`${'x'.repeat(199_995)}POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nbegin`)
  t.equal((await client.response()).status, 403, 'the rest is dropped and the next request is taken')
})

t.test('a client that never ends its request after an early answer is let go', async t => {
  const target = await startRawTarget(t, async connection => {
    await connection.seen('begin')
    connection.send('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno')
  })
  const client = await (await startProxy(t, ruleTo(target.url), { limits: { lingerMs: 20 } })).connect()
  client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\nbegin')
  t.equal((await client.response()).status, 200)
  t.equal((await client.closed()).rest, '')
})

t.test('a body over max_body_bytes is 413: by its length at once, chunked while it is counted', async t => {
  let requests = 0
  const target = await startTarget(t, request => {
    requests++
    request.resume()
  })
  const client = await (await startProxy(t, ruleTo(target.url, { max_body_bytes: 10 }))).connect()
  const byLength = await client.request('POST /', ['Content-Length: 11'], 'x'.repeat(11))
  t.equal(byLength.status, 413)
  t.equal(byLength.json().code, 'body_too_large')
  t.equal(requests, 0)

  const arrived = target.next()
  client.send('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n12345678\r\n')
  const { request } = await arrived
  const cancelled = new Promise(resolve => request.on('error', resolve))
  client.send('8\r\n12345678\r\n0\r\n\r\n')
  t.equal((await client.response()).status, 413)
  t.match(await cancelled, { code: 'ECONNRESET' }, 'the upstream request is cancelled')
  t.equal((await client.request('POST /', ['Content-Length: 11'], 'x'.repeat(11))).status, 413, 'the connection is still good')
})

t.test('a body of just max_body_bytes passes', async t => {
  const target = await startTarget(t)
  const client = await (await startProxy(t, ruleTo(target.url, { max_body_bytes: 5 }))).connect()
  t.equal((await client.request('POST /', ['Content-Length: 5'], 'hello')).status, 200)
  t.equal((await client.request('POST /', ['Transfer-Encoding: chunked'], '5\r\nhello\r\n0\r\n\r\n')).status, 200)
})

t.test('framing that could be read in two ways is refused', async t => {
  let connections = 0
  const target = await startRawTarget(t, () => {
    connections++
  })
  const proxy = await startProxy(t, ruleTo(target.url))
  const both = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'
  const twice = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello'
  const gzip = 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n'
  const old = 'POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'
  const hosts = 'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n'
  const noHost = 'GET / HTTP/1.1\r\n\r\n'
  const badHost = 'GET / HTTP/1.1\r\nHost: a/b\r\n\r\n'
  for (const request of [both, twice, gzip, old, hosts, noHost, badHost]) {
    const response = await (await proxy.connect()).send(request).response()
    t.equal(response.status, 400, request)
    t.equal(response.json().code, 'bad_request')
  }
  t.equal(connections, 0)
})
