/** What reaches the target, and what comes back, over real sockets. */
import t from 'tap'
import { ruleTo, startProxy } from '../helpers/proxy-app.ts'
import { startRawTarget } from '../helpers/target.ts'

/** A target that answers each request with its own header section as the body. */
function startMirror(t: Tap, extra = ''): ReturnType<typeof startRawTarget> {
  return startRawTarget(t, async connection => {
    for (;;) {
      const head = await connection.head()
      connection.send(`HTTP/1.1 200 OK\r\n${extra}Content-Length: ${head.length}\r\n\r\n${head}`)
    }
  })
}
type Tap = Parameters<typeof startRawTarget>[0]

/** The fields of a header section as `name: value`, names in lower case. */
function fieldsOf(head: string): string[] {
  const lines = head.trimEnd().split('\r\n').slice(1)
  return lines.map(line => line.replace(/^[^:]+/, name => name.toLowerCase()))
}

t.test('path and query arrive byte for byte', async t => {
  const target = await startMirror(t)
  const client = await (await startProxy(t, ruleTo(target.url))).connect()
  for (const path of ['/a/b%20c?x=%7e&y=a+b&&z', "/~u/$&'()*+,;=:@!-._", '/%e2%82%ac/%E2', '/p?', '/p?a=/../b?c', '/api//x/./y/../z/']) {
    const { status, body } = await client.request(`GET ${path}`)
    t.equal(status, 200)
    const expected = path === '/api//x/./y/../z/' ? '/api/x/z/' : path
    t.equal(body.split(' ')[1], expected)
  }
})

t.test('prefixes are stripped, paths rewritten, and the base path of the target comes first', async t => {
  const target = await startMirror(t)
  const rules = [
    { id: 'strip', path: '/strip', target: `${target.url}/base/`, strip_prefix: true },
    { id: 'rewrite', path: '/users/{id}', path_type: 'template', target: target.url, rewrite: '/v2/u/{id}' }
  ]
  const client = await (await startProxy(t, { rules })).connect()
  t.match((await client.request('GET /strip/a%2fb')).body, /bad_path/)
  t.match((await client.request('GET /strip/a/b?c=d')).body, /^GET \/base\/a\/b\?c=d /)
  t.match((await client.request('GET /strip')).body, /^GET \/base\/ /)
  t.match((await client.request('GET /users/7?q')).body, /^GET \/v2\/u\/7\?q /)
})

t.test('end-to-end fields arrive in order, repeated ones as often as they were sent', async t => {
  const target = await startMirror(t)
  const client = await (await startProxy(t, ruleTo(target.url))).connect()
  const headers = ['X-B: 1', 'Cookie: a=1', 'X-A: 2', 'x-b: 3', 'Cookie: b=2', 'Authorization: Basic Zm9v', 'X-Latin: caf\xe9']
  client.send(Buffer.from(`GET / HTTP/1.1\r\nHost: example.com\r\n${headers.join('\r\n')}\r\n\r\n`, 'latin1'))
  const fields = fieldsOf((await client.response()).body)
  t.same(
    fields.filter(field => /^(x-[abl]|cookie|authorization)/.test(field)),
    ['x-b: 1', 'cookie: a=1', 'x-a: 2', 'x-b: 3', 'cookie: b=2', 'authorization: Basic Zm9v', 'x-latin: caf\xe9']
  )
})

t.test('hop-by-hop fields and what Connection nominates end here, ours stay', async t => {
  const target = await startMirror(t)
  const client = await (await startProxy(t, ruleTo(target.url))).connect()
  const { body } = await client.request('GET /', [
    'Connection: X-Mine, keep-alive, X-Forwarded-For, Via, X-Request-Id, Host',
    'X-Mine: secret',
    'Keep-Alive: timeout=5',
    'Proxy-Connection: keep-alive',
    'Proxy-Authorization: Basic eA==',
    'Upgrade: h2c',
    'HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA',
    'Trailer: X-T',
    'TE: gzip;q=0.5, trailers',
    'Proxy: http://evil.example',
    'X-Kept: yes'
  ])
  const fields = fieldsOf(body)
  for (const name of ['x-mine', 'keep-alive', 'proxy-connection', 'proxy-authorization', 'upgrade', 'http2-settings', 'trailer', 'proxy'])
    t.notOk(
      fields.some(field => field.startsWith(`${name}:`)),
      name
    )
  for (const field of ['host: example.com', 'connection: keep-alive', 'te: trailers', 'x-kept: yes', 'x-forwarded-for: 127.0.0.1'])
    t.ok(fields.includes(field), field)
  t.ok(fields.some(field => field.startsWith('x-request-id: ')))
  t.ok(fields.includes('via: 1.1 sluice'))
})

t.test('an untrusted peer is taken at its connection, not at its word', async t => {
  const target = await startMirror(t)
  const client = await (await startProxy(t, ruleTo(target.url))).connect()
  const { body } = await client.request('GET /', [
    'X-Forwarded-For: 1.2.3.4',
    'X-Forwarded-Proto: https',
    'X-Forwarded-Host: evil.example',
    'X-Forwarded-Port: 99',
    'X-Real-IP: 1.2.3.4',
    'Forwarded: for=1.2.3.4',
    'Via: 1.0 before'
  ])
  t.same(
    fieldsOf(body).filter(field => /^(x-forwarded|x-real|forwarded|via)/.test(field)),
    [
      'x-forwarded-for: 127.0.0.1',
      'x-forwarded-proto: http',
      'x-forwarded-host: example.com',
      'x-real-ip: 127.0.0.1',
      'forwarded: for=127.0.0.1;host=example.com;proto=http',
      'via: 1.0 before, 1.1 sluice'
    ]
  )
})

t.test('what a trusted proxy says is continued', async t => {
  const target = await startMirror(t)
  const proxy = await startProxy(t, ruleTo(target.url), { trusted: ['127.0.0.0/8', '10.0.0.0/8'] })
  const client = await proxy.connect()
  const { body } = await client.request('GET /', [
    'Host: inner:8080',
    'X-Forwarded-For: 6.6.6.6, 203.0.113.9',
    'X-Forwarded-For: 10.0.0.2',
    'X-Forwarded-Proto: https',
    'X-Forwarded-Host: example.com',
    'X-Forwarded-Port: 443',
    'Forwarded: for=203.0.113.9'
  ])
  t.same(
    fieldsOf(body).filter(field => /^(x-forwarded|x-real|forwarded)/.test(field)),
    [
      'x-forwarded-for: 6.6.6.6, 203.0.113.9, 10.0.0.2, 127.0.0.1',
      'x-forwarded-proto: https',
      'x-forwarded-host: example.com',
      'x-real-ip: 203.0.113.9',
      'forwarded: for=203.0.113.9, for=127.0.0.1;host="inner:8080";proto=http',
      'x-forwarded-port: 443'
    ]
  )
})

t.test("Host is the client's, the target's or a literal, as the rule says", async t => {
  const target = await startMirror(t)
  const rules = [
    { id: 'a', path: '/preserve', target: target.url },
    { id: 'b', path: '/target', target: target.url, host_header: 'target' },
    { id: 'c', path: '/literal', target: target.url, host_header: 'internal.example:81' }
  ]
  const client = await (await startProxy(t, { rules })).connect()
  const hostOf = async (path: string, headers: string[] = []) =>
    fieldsOf((await client.request(`GET ${path}`, headers)).body).filter(field => field.startsWith('host:'))
  t.same(await hostOf('/preserve', ['Host: Example.COM:8080']), ['host: Example.COM:8080'])
  t.same(await hostOf('/target'), [`host: 127.0.0.1:${target.port}`])
  t.same(await hostOf('/literal'), ['host: internal.example:81'])
  t.same(await hostOf('http://other.example:99/preserve'), ['host: other.example:99'], 'an absolute-form target replaces Host')
})

t.test('header edits apply in the order remove, set, add, both ways', async t => {
  const target = await startMirror(t, 'X-Out: 1\r\nX-Gone: 1\r\nServer: secret\r\n')
  const rule = {
    request_headers: { remove: ['x-gone', 'X-Forwarded-For'], set: { 'X-Set': 'new', Via: 'hidden' }, add: { 'x-add': '2' } },
    response_headers: { remove: ['X-Gone', 'server'], set: { 'X-Out': '2' }, add: { 'Set-Cookie': 'sluice=1' } }
  }
  const client = await (await startProxy(t, ruleTo(target.url, rule))).connect()
  const response = await client.request('GET /', ['X-Gone: 1', 'X-Set: old', 'X-Add: 1'])
  t.same(
    fieldsOf(response.body).filter(field => /^(x-gone|x-forwarded-for|x-set|via|x-add)/.test(field)),
    ['x-add: 1', 'x-set: new', 'via: hidden', 'x-add: 2']
  )
  t.equal(response.header('x-out'), '2')
  t.equal(response.header('x-gone'), undefined)
  t.equal(response.header('server'), undefined)
  t.equal(response.header('set-cookie'), 'sluice=1')
})

t.test('the answer keeps what is end-to-end and loses what is hop-by-hop', async t => {
  const target = await startRawTarget(t, async connection => {
    await connection.head()
    connection.send(
      'HTTP/1.1 203 Fine By Me\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=9\r\nProxy-Authenticate: Basic\r\n' +
        'Upgrade: h2c\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nVia: 1.1 other\r\nX-Request-Id: theirs\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n' +
        'X-Bytes: caf\xe9\r\nContent-Length: 2\r\n\r\nok'
    )
  })
  const client = await (await startProxy(t, ruleTo(target.url))).connect()
  const response = await client.request('GET /', ['X-Request-Id: mine-1'])
  t.equal(response.status, 203)
  t.equal(response.reason, 'Fine By Me')
  t.same(
    response.headers.filter(([name]) => name !== 'keep-alive'),
    [
      ['set-cookie', 'a=1'],
      ['set-cookie', 'b=2'],
      ['date', 'Thu, 01 Jan 1970 00:00:00 GMT'],
      ['x-bytes', 'caf\xe9'],
      ['content-length', '2'],
      ['via', '1.1 other, 1.1 sluice'],
      ['x-request-id', 'mine-1'],
      ['connection', 'keep-alive']
    ]
  )
  t.equal(response.body, 'ok')
  t.equal(response.header('keep-alive'), 'timeout=75', 'the gateway keeps its own connection open')
})
