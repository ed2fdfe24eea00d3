/** Errors as problems: of handlers, of Fastify, of the HTTP parser. */
import type { AddressInfo } from 'node:net'
import fastify, { type FastifyInstance } from 'fastify'
import t from 'tap'
import problem, { onClientError, onFrameworkError } from '../../plugins/problem.ts'
import requestId from '../../plugins/request-id.ts'
import { NotReadyError, ValidationError, withFaults } from '../../src/errors.ts'
import { ruleTo, startProxy } from '../helpers/proxy-app.ts'
import { connect } from '../helpers/raw-client.ts'
import { startTarget } from '../helpers/target.ts'

async function startApp(t: Tap, routes: (app: FastifyInstance) => void): Promise<{ app: FastifyInstance; logged: object[] }> {
  const logged: object[] = []
  const app = fastify({ logger: false, clientErrorHandler: onClientError, frameworkErrors: onFrameworkError, bodyLimit: 10 })
  app.register(requestId)
  app.register(problem, { logger: { error: fields => void logged.push(fields) } })
  app.after(() => routes(app))
  t.teardown(() => app.close())
  await app.ready()
  return { app, logged }
}
type Tap = Parameters<typeof connect>[0]

t.test('what a handler throws becomes a problem, with the faults that it names', async t => {
  const faults = [{ pointer: '/path', detail: 'must be string' }]
  const { app } = await startApp(t, app => {
    app.get('/faults', () => {
      throw withFaults(new ValidationError('/path must be string'), faults)
    })
    app.get('/busy', (_request, reply) => reply.send(new NotReadyError()))
  })
  const response = await app.inject('/faults')
  t.equal(response.statusCode, 400)
  t.equal(response.headers['content-type'], 'application/problem+json')
  const { timestamp, request_id, ...body } = response.json()
  t.same(body, {
    type: 'urn:problem-type:sluice:validation_failed',
    title: 'Validation failed',
    status: 400,
    code: 'validation_failed',
    detail: '/path must be string',
    errors: faults
  })
  t.equal(request_id, response.headers['x-request-id'])
  t.ok(Date.now() - Date.parse(timestamp) < 60_000)
  const busy = await app.inject('/busy')
  t.equal(busy.statusCode, 503)
  t.equal(busy.headers['retry-after'], '1')
})

t.test('an unknown error says nothing of itself, and is logged in full', async t => {
  const secret = new TypeError('password of /etc/secret at 10.0.0.7')
  const { app, logged } = await startApp(t, app => {
    app.get('/', () => {
      throw secret
    })
    app.get('/text', () => {
      throw 'a text'
    })
  })
  const response = await app.inject('/')
  t.equal(response.statusCode, 500)
  t.equal(response.json().code, 'internal_error')
  t.notMatch(response.body, /secret|10\.0\.0\.7|TypeError/)
  t.same(logged, [{ err: secret, request_id: response.json().request_id }])
  t.equal((await app.inject('/text')).json().code, 'internal_error')
})

t.test('what Fastify refuses has codes of ours', async t => {
  const { app } = await startApp(t, app => {
    app.post('/', { schema: { body: { type: 'object', required: ['a'] } } }, () => ({}))
    app.get('/:id', () => ({}))
  })
  const json = { 'content-type': 'application/json' }
  const cases: [object, number, string][] = [
    [{ url: '/nowhere/at?all=1' }, 404, 'not_found'],
    [{ url: '/%zz' }, 400, 'bad_path'],
    [{ method: 'POST', url: '/', headers: json, payload: '{' }, 400, 'invalid_body'],
    [{ method: 'POST', url: '/', headers: json, payload: '' }, 400, 'invalid_body'],
    [{ method: 'POST', url: '/', headers: json, payload: '{}' }, 400, 'validation_failed'],
    [{ method: 'POST', url: '/', headers: json, payload: `{"a":"${'x'.repeat(20)}"}` }, 413, 'body_too_large'],
    [{ method: 'POST', url: '/', headers: { 'content-type': 'image/png' }, payload: 'x' }, 415, 'unsupported_media_type'],
    [{ url: `/${'x'.repeat(200)}` }, 400, 'bad_request']
  ]
  for (const [request, status, code] of cases) {
    const response = await app.inject(request)
    t.equal(response.statusCode, status, code)
    t.equal(response.json().code, code)
    t.equal(response.headers['content-type'], 'application/problem+json')
    t.equal(response.headers['x-request-id'], response.json().request_id)
  }
  t.match((await app.inject('/nowhere/at?all=1')).json().detail, 'There is no GET /nowhere/at')
})

t.test('what is no HTTP is answered as a problem, and the connection closed', async t => {
  const target = await startTarget(t, () => t.fail('nothing may arrive'))
  const proxy = await startProxy(t, ruleTo(target.url))
  for (const [text, status, code] of [
    ['GET / HTTP/1.1\r\nHost: a\r\nBad Header: 1\r\n\r\n', 400, 'bad_request'],
    ['HELO there\r\n\r\n', 400, 'bad_request'],
    ['GET /a b HTTP/1.1\r\nHost: a\r\n\r\n', 400, 'bad_request'],
    ['SPLICE / HTTP/1.1\r\nHost: a\r\n\r\n', 400, 'bad_request'],
    [`GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, 431, 'headers_too_large']
  ] as const) {
    const client = await proxy.connect()
    const response = await client.send(text).response()
    t.equal(response.status, status, code)
    t.equal(response.header('content-type'), 'application/problem+json')
    t.equal(response.header('connection'), 'close')
    t.match(response.json(), { status, code, request_id: response.header('x-request-id')! })
    t.equal((await client.closed()).rest, '')
  }
})

t.test('a header section that does not come is 408', async t => {
  const app = fastify({
    logger: false,
    clientErrorHandler: onClientError,
    http: { headersTimeout: 30, requestTimeout: 30, connectionsCheckingInterval: 10 },
    requestTimeout: 30
  })
  t.teardown(() => app.close())
  await app.listen({ port: 0, host: '127.0.0.1' })
  const client = await connect(t, (app.server.address() as AddressInfo).port)
  const response = await client.send('GET / HTTP/1.1\r\nHost:').response()
  t.equal(response.status, 408)
  t.equal(response.json().code, 'request_timeout')
})

t.test('garbage behind a request under way is answered behind its whole answer', async t => {
  let finish = (): void => undefined
  const target = await startTarget(t, (_request, response) => {
    response.writeHead(200, { 'content-length': 8 }).write('part')
    finish = () => response.end('rest')
  })
  const proxy = await startProxy(t, ruleTo(target.url))
  const client = await proxy.connect()
  client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  await client.seen('part')
  client.send('garbage\r\n\r\nmore of it')
  // Whoever comes later is served, so the garbage has been read.
  await (await proxy.connect()).send('GET /a b HTTP/1.1\r\n\r\n').response()
  finish()
  t.equal((await client.response()).body, 'partrest')
  t.equal((await client.response()).status, 400)
  t.equal((await client.closed()).rest, '', 'one answer for all of it')
})

t.test('a body that cannot be read breaks off an answer that has begun, and is answered before', async t => {
  const target = await startTarget(t, (request, response) => void (request.url === '/begun' && response.write('part')))
  const proxy = await startProxy(t, ruleTo(target.url))
  const post = (path: string): string => `POST ${path} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n`
  const begun = await proxy.connect()
  begun.send(post('/begun'))
  await begun.seen('part')
  begun.send('nonsense\r\n')
  t.notMatch((await begun.closed()).rest, 'bad_request')

  const waiting = await proxy.connect()
  const [line, arrived] = [proxy.nextLine(), target.next()]
  waiting.send(post('/waiting'))
  await arrived
  const response = await waiting.send('nonsense\r\n').response()
  t.equal(response.status, 400)
  t.match(await line, { path: '/waiting', status: 400, error: 'bad_request', rule: 'r1' })
  t.equal((await waiting.closed()).rest, '')
})

t.test('what is no HTTP is logged and counted as any request', async t => {
  const proxy = await startProxy(t, ruleTo('http://127.0.0.1:1'))
  const cases: [text: string, status: number, error: string][] = [
    ['HELO there\r\n\r\n', 400, 'bad_request'],
    [`GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, 431, 'headers_too_large'],
    [`GET /${'x'.repeat(20_000)} HTTP/1.1\r\nHost: a\r\n\r\n`, 431, 'headers_too_large'],
    ['CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n', 400, 'bad_request'],
    ['GET / HTTP/1.1\r\nHost: a\r\nExpect: coffee\r\n\r\n', 400, 'bad_request']
  ]
  for (const [text, status, error] of cases) {
    const [client, line] = [await proxy.connect(), proxy.nextLine()]
    const response = await client.send(text).response()
    t.match(await line, {
      status,
      error,
      client_ip: '127.0.0.1',
      request_id: response.header('x-request-id')!,
      bytes_sent: response.body.length
    })
  }
  const text = await proxy.metrics.registry.metrics()
  t.match(text, /sluice_http_requests_total\{rule="",code="400"\} 3/)
  t.match(text, /sluice_http_requests_total\{rule="",code="431"\} 2/)
  t.match(text, /sluice_http_requests_in_flight 0/)
})

t.test('a client that floods the header section sees its answer', async t => {
  const proxy = await startProxy(t, ruleTo('http://127.0.0.1:1'))
  const client = await proxy.connect()
  client.send(`GET / HTTP/1.1\r\nHost: a\r\n${'X-Flood: 0123456789\r\n'.repeat(100_000)}\r\n`)
  t.equal((await client.response()).status, 431)
  await client.closed()
})

t.test('a connection on which nothing came is closed without a word', async t => {
  const proxy = await startProxy(t, ruleTo('http://127.0.0.1:1'), { clientHeaderTimeoutMs: 40 })
  const idle = await proxy.connect()
  t.same(await idle.closed(), { how: 'ended', rest: '' })
  const slow = await proxy.connect()
  const line = proxy.nextLine()
  t.equal((await slow.send('GET / HTTP/1.1\r\nHost: ').response()).status, 408)
  t.match(await line, { status: 408, error: 'request_timeout' })
  t.equal(proxy.log.length, 1)
})
