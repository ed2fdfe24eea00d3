/** Max-Forwards (RFC 9110 section 7.6.2), over real sockets. */
import t from 'tap'
import { ruleTo, startProxy } from '../helpers/proxy-app.ts'
import { startTarget } from '../helpers/target.ts'

t.test('OPTIONS and TRACE travel one hop less with each hop', async t => {
  const target = await startTarget(t, (request, response) => {
    const sent = request.rawHeaders.filter((_value, at) => request.rawHeaders[at - 1]?.toLowerCase() === 'max-forwards')
    response.end(sent.join())
  })
  const client = await (await startProxy(t, ruleTo(target.url))).connect()
  for (const method of ['OPTIONS', 'TRACE']) {
    t.equal((await client.request(`${method} /`, ['Max-Forwards: 10'])).body, '9')
    t.equal((await client.request(`${method} /`, ['Max-Forwards: 1'])).body, '0')
    t.equal((await client.request(`${method} /`, ['Max-Forwards: 007'])).body, '6')
    t.equal((await client.request(`${method} /`, ['Max-Forwards: 99999999999999999999'])).body, '999999')
    t.equal((await client.request(`${method} /`, ['Max-Forwards: 3', 'Max-Forwards: 8'])).body, '2')
    t.equal((await client.request(`${method} /`)).body, '')
  }
})

t.test('other methods may ignore it', async t => {
  const target = await startTarget(t, (request, response) => response.end(String(request.headers['max-forwards'])))
  const client = await (await startProxy(t, ruleTo(target.url))).connect()
  t.equal((await client.request('GET /', ['Max-Forwards: 0'])).body, '0')
})

t.test('at 0 the gateway is the last recipient', async t => {
  const target = await startTarget(t, () => t.fail('nothing may arrive'))
  const proxy = await startProxy(t, {
    rules: [
      { id: 'all', path: '/', target: target.url },
      { id: 'some', path: '/some', target: target.url, methods: ['GET', 'OPTIONS', 'TRACE'] }
    ]
  })
  const client = await proxy.connect()
  const options = await client.request('OPTIONS /', ['Max-Forwards: 0'])
  t.equal(options.status, 200)
  t.equal(options.header('allow'), 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS')
  t.equal(options.header('content-length'), '0')
  t.equal((await client.request('OPTIONS /some', ['Max-Forwards: 0'])).header('allow'), 'GET, OPTIONS, TRACE')

  const trace = await client.request('TRACE /some', ['Max-Forwards: 0', 'Cookie: secret=1'])
  t.equal(trace.status, 405)
  t.equal(trace.json().code, 'method_not_allowed')
  t.equal(trace.header('allow'), 'GET, OPTIONS', 'it is not reflected')
  t.notMatch(trace.body, 'secret')
})

t.test('OPTIONS * is about the gateway, however far it may go', async t => {
  const target = await startTarget(t, () => t.fail('nothing may arrive'))
  const proxy = await startProxy(t, ruleTo(target.url))
  const client = await proxy.connect()
  for (const fields of [[], ['Max-Forwards: 5'], ['Max-Forwards: 0']]) {
    const response = await client.request('OPTIONS *', fields)
    t.equal(response.status, 200)
    t.equal(response.header('allow'), 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS')
    t.equal(response.header('content-length'), '0')
  }
  for (const fields of ['', 'Host: a\r\nHost: a\r\n'])
    t.equal((await (await proxy.connect()).send(`OPTIONS * HTTP/1.1\r\n${fields}\r\n`).response()).status, 400)
})

t.test('what is no number is refused', async t => {
  const target = await startTarget(t, () => t.fail('nothing may arrive'))
  const client = await (await startProxy(t, ruleTo(target.url))).connect()
  for (const value of ['-1', '1.5', 'x', '', '1, 2', '0x1']) {
    const response = await client.request('OPTIONS /', [`Max-Forwards: ${value}`])
    t.equal(response.status, 400, value)
    t.equal(response.json().code, 'bad_request')
  }
})
