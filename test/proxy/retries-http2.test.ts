/** Further attempts, hedges and copies where the client or the targets speak HTTP/2. */
import { once } from 'node:events'
import { constants } from 'node:http2'
import t from 'tap'
import { startProxy } from '../helpers/proxy-app.ts'
import { startRawTarget, startTarget } from '../helpers/target.ts'
import { answerOf, ask, startHttp2Target, startTlsProxy } from '../helpers/tls-proxy.ts'

const head = (method: string) => ({ ':method': method, ':path': '/', ':authority': 'api.example.com' })

const itemsOf = (targets: readonly { url: string }[], rule: Record<string, unknown>, http2 = false) => ({
  services: [{ id: 's', http2, targets: targets.map(({ url }) => ({ url })) }],
  rules: [{ id: 'r', target_service: 's', ...rule }]
})

t.test('a client of HTTP/2 gets the answer of the second target, body and all', async t => {
  for (const fault of ['refused', 'reset', '503'] as const) {
    const bad = await startRawTarget(t, async connection => {
      await connection.seen('hello')
      if (fault === 'reset') connection.reset()
      else connection.send('HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n')
    })
    if (fault === 'refused') await bad.stop()
    const good = await startTarget(t, async (request, response) => {
      for await (const chunk of request) response.write(chunk)
      response.end()
    })
    const proxy = await startTlsProxy(t, itemsOf([bad, good], { retry: { backoff_ms: 0 } }))
    const line = proxy.nextLine()
    const answer = await ask(proxy.connect(), head(fault === 'refused' ? 'POST' : 'PUT'), 'hello')
    t.match(answer, { status: 200, body: 'hello', rstCode: 0 }, fault)
    t.match(await line, { attempts: 2, status: 200 })
  }
})

t.test('targets of HTTP/2 are tried in turn', async t => {
  for (const fault of ['refused', 'reset', '503'] as const) {
    const bad = await startHttp2Target(t, stream => {
      if (fault === 'reset') stream.close(constants.NGHTTP2_INTERNAL_ERROR)
      else stream.respond({ ':status': 503 }, { endStream: true })
    })
    if (fault === 'refused') {
      bad.server.close()
      await once(bad.server, 'close')
    }
    const good = await startHttp2Target(t, stream => {
      stream.respond({ ':status': 200 })
      stream.pipe(stream)
    })
    const proxy = await startProxy(t, itemsOf([bad, good], { retry: { backoff_ms: 0 } }, true))
    const method = fault === 'refused' ? 'POST' : 'PUT'
    const response = await (await proxy.connect()).request(`${method} /`, ['Content-Length: 5'], 'hello')
    t.match({ ...response }, { status: 200, body: 'hello' }, fault)
  }
})

t.test('a client of HTTP/2 that resets its stream cancels both requests of a hedge', async t => {
  const arrived = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const left = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const silent = (index: number) =>
    startRawTarget(t, async connection => {
      await connection.head()
      arrived[index]!.resolve()
      await connection.closed()
      left[index]!.resolve()
    })
  const proxy = await startTlsProxy(t, itemsOf([await silent(0), await silent(1)], { retry: { hedge_after_ms: 5 } }))
  const stream = proxy.connect().request(head('GET'))
  const over = answerOf(stream)
  await Promise.all(arrived.map(({ promise }) => promise))
  stream.close(constants.NGHTTP2_CANCEL)
  await Promise.all([over, ...left.map(({ promise }) => promise)])
})

t.test('requests of HTTP/2 are copied, over HTTP/2 as well, but not those that are broken off', async t => {
  const main = await startTarget(t, (request, response) => void request.on('end', () => response.end('main')).resume())
  const seen: unknown[] = []
  const copied = Promise.withResolvers<void>()
  const shadow = await startHttp2Target(t, async (stream, headers) => {
    let body = ''
    for await (const chunk of stream) body += String(chunk)
    seen.push([headers[':method'], headers['x-sluice-mirror'], body])
    stream.respond({ ':status': 200 }, { endStream: true })
    copied.resolve()
  })
  const items = itemsOf([main], { mirror: { target_service: 'shadow' } })
  const services = [...items.services, { id: 'shadow', http2: true, targets: [{ url: shadow.url }] }]
  const proxy = await startTlsProxy(t, { ...items, services })
  const session = proxy.connect()
  const arrived = main.next()
  const broken = session.request(head('POST'))
  broken.on('error', () => undefined).write('part')
  await arrived
  // `close` would end the body in good order first.
  broken.destroy()
  t.match(await ask(session, head('POST'), 'hello'), { status: 200, body: 'main' })
  await copied.promise
  t.same(seen, [['POST', 'true', 'hello']])
})
