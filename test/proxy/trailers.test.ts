/** Trailers, both ways (RFC 9110 section 6.5), over real sockets. */
import t from 'tap'
import { ruleTo, startProxy } from '../helpers/proxy-app.ts'
import { startRawTarget } from '../helpers/target.ts'

/** A target that answers with all that it got, once the body has ended. */
function startMirror(t: Parameters<typeof startRawTarget>[0]): ReturnType<typeof startRawTarget> {
  return startRawTarget(t, async connection => {
    for (;;) {
      const head = await connection.head()
      const all = head.includes('chunked') ? head + (await connection.seen('\r\n\r\n')) : head
      connection.send(`HTTP/1.1 200 OK\r\nContent-Length: ${all.length}\r\n\r\n${all}`)
    }
  })
}

const chunked = (trailers: string) => `5\r\nhello\r\n0\r\n${trailers}\r\n`

t.test('announced trailers reach the target', async t => {
  const target = await startMirror(t)
  const client = await (await startProxy(t, ruleTo(target.url))).connect()
  const fields = ['Transfer-Encoding: chunked', 'Trailer: X-Sum, X-Other']
  const { body } = await client.request('POST /', fields, chunked('X-Sum: 7\r\nX-Other: a\r\nX-Other: b\r\n'))
  t.match(body, '\r\ntrailer: x-sum, x-other\r\n')
  t.match(body, '\r\ntransfer-encoding: chunked\r\n')
  t.match(body, '\r\n0\r\nx-sum: 7\r\nx-other: a\r\nx-other: b\r\n\r\n')
})

t.test('what may be no trailer is neither announced nor sent', async t => {
  const target = await startMirror(t)
  const rule = { request_headers: { remove: ['X-Internal'], set: { 'X-User': 'nobody' } } }
  const client = await (await startProxy(t, ruleTo(target.url, rule))).connect()
  const names = ['Host', 'Authorization', 'Cookie', 'TE', 'Via', 'X-Forwarded-For', 'X-Internal', 'X-User', 'X-Hop', 'If-Match', 'Range']
  const fields = ['Transfer-Encoding: chunked', 'Connection: x-hop', `Trailer: ${names.join(',')}, X-Sum, bad name`]
  const trailers = [...names, 'X-Sum'].map(name => `${name}: evil\r\n`).join('')
  const { body } = await client.request('POST /', fields, chunked(trailers))
  t.match(body, '\r\ntrailer: x-sum\r\n')
  t.match(body, '\r\n0\r\nx-sum: evil\r\n\r\n')
  t.equal(body.split('evil').length, 2)
})

t.test('trailers that nobody announced are sent, too; those that cannot be sent are left out', async t => {
  const target = await startMirror(t)
  const client = await (await startProxy(t, ruleTo(target.url))).connect()
  const unannounced = await client.request('POST /', ['Transfer-Encoding: chunked'], chunked('X-Sum: 7\r\n'))
  t.match(unannounced.body, /\r\n0\r\nx-sum: 7\r\n\r\n$/)
  t.notMatch(unannounced.body, 'trailer')
  const forbidden = await client.request('POST /', ['Transfer-Encoding: chunked', 'Trailer: Host'], chunked('Host: evil\r\n'))
  t.notMatch(forbidden.body, /trailer|evil/)
  const withLength = await client.request('POST /', ['Content-Length: 5', 'Trailer: X-Sum'], 'hello')
  t.notMatch(withLength.body, /trailer/i)
  const withoutBody = await client.request('GET /', ['Trailer: X-Sum'])
  t.notMatch(withoutBody.body, /trailer/i)
})

t.test('trailers and an expectation go together', async t => {
  const target = await startRawTarget(t, async connection => {
    t.match(await connection.head(), /\r\ntrailer: x-sum\r\nexpect: 100-continue\r\n/)
    connection.send('HTTP/1.1 100 Continue\r\n\r\n')
    await connection.seen('\r\n0\r\nx-sum: 7\r\n\r\n')
    connection.send('HTTP/1.1 204 No Content\r\n\r\n')
  })
  const client = await (await startProxy(t, ruleTo(target.url))).connect()
  t.equal((await client.request('POST /', ['Transfer-Encoding: chunked', 'Trailer: X-Sum', 'Expect: 100-continue'])).status, 100)
  t.equal((await client.send(chunked('X-Sum: 7\r\n')).response()).status, 204)
})

t.test('trailers of the answer follow it, whether the client asked for them or not, without those that frame or route', async t => {
  const trailers = ['X-Sum: 7', 'X-Sum: 8', 'TE: gzip', 'Keep-Alive: timeout=1', 'Host: evil', 'Set-Cookie: a=1']
  const target = await startRawTarget(t, async connection => {
    for (;;) {
      await connection.head()
      connection.send(
        `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n2\r\nok\r\n0\r\n${trailers.join('\r\n')}\r\n\r\n`
      )
    }
  })
  const client = await (await startProxy(t, ruleTo(target.url))).connect()
  for (const fields of [[], ['TE: trailers', 'Connection: TE']]) {
    const response = await client.request('GET /', fields)
    t.equal(response.body, 'ok')
    t.equal(response.header('trailer'), 'X-Sum')
    t.same(response.trailers, [
      ['x-sum', '7'],
      ['x-sum', '8']
    ])
  }
  const old = await client.send('GET / HTTP/1.0\r\nHost: a\r\n\r\n').response()
  t.equal(old.header('trailer'), undefined)
  t.equal(old.body, 'ok')
})

t.test('trailers of the answer to a special request follow it, too', async t => {
  const target = await startRawTarget(t, async connection => {
    await connection.seen('\r\n0\r\nx-sum: 7\r\n\r\n')
    connection.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Back\r\n\r\n2\r\nok\r\n0\r\nX-Back: 8\r\n\r\n')
  })
  const client = await (await startProxy(t, ruleTo(target.url))).connect()
  const response = await client.request('POST /', ['Transfer-Encoding: chunked', 'Trailer: X-Sum'], chunked('X-Sum: 7\r\n'))
  t.same(response.trailers, [['x-back', '8']])
})
