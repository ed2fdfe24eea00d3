/** Copies of requests: that they are made as the rule says, and that nobody else ever notices. */
import t from 'tap'
import { type ProxyApp, ruleTo, startProxy } from '../helpers/proxy-app.ts'
import { startRawTarget, startTarget } from '../helpers/target.ts'

const mirrored = (main: string, shadow: string, more: Record<string, unknown> = {}, mirror: Record<string, unknown> = {}) => ({
  services: [{ id: 'shadow', targets: [{ url: shadow }] }],
  ...ruleTo(main, { mirror: { target_service: 'shadow', ...mirror }, ...more })
})

async function outcomes({ metrics }: ProxyApp): Promise<Record<string, number>> {
  const text = await metrics.registry.metrics()
  return Object.fromEntries(
    [...text.matchAll(/^sluice_mirror_requests_total\{outcome="(\w+)"\} (\d+)$/gm)].map(([, key, value]) => [key!, Number(value)])
  )
}

/** Resolves when as many copies have ended in one way or another. */
async function ended(proxy: ProxyApp, count: number): Promise<Record<string, number>> {
  for (;;) {
    const now = await outcomes(proxy)
    if (Object.values(now).reduce((sum, value) => sum + value, 0) >= count) return now
    await new Promise(resolve => setTimeout(resolve, 5))
  }
}

t.test('a copy is the same request with a mark, and its answer is dropped', async t => {
  const main = await startTarget(t, (request, response) => {
    request.resume()
    response.end(`main ${request.headers['x-sluice-mirror']}`)
  })
  const shadow = await startTarget(t, async (request, response) => {
    let body = ''
    for await (const chunk of request) body += String(chunk)
    seen.push([
      request.method,
      request.url,
      body,
      request.headers['x-sluice-mirror'],
      request.headers['x-own'],
      request.headers['x-request-id']
    ])
    response.writeHead(500).end('x'.repeat(1_000_000))
  })
  const seen: unknown[][] = []
  const proxy = await startProxy(t, mirrored(main.url, `${shadow.url}/base`, { strip_prefix: 1 }))
  const client = await proxy.connect()
  const got = await client.request('GET /a/b?c=%41', ['X-Own: 1'])
  t.match({ ...got }, { status: 200, body: 'main undefined' })
  await ended(proxy, 1)
  const posted = await client.request('POST /a/b', ['Content-Length: 5'], 'hello')
  await ended(proxy, 2)
  const chunked = await client.request('PUT /a/b', ['Transfer-Encoding: chunked'], '2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n')
  t.same(await ended(proxy, 3), { answered: 3 })
  t.same(seen, [
    ['GET', '/base/b?c=%41', '', 'true', '1', got.header('x-request-id')],
    ['POST', '/base/b', 'hello', 'true', undefined, posted.header('x-request-id')],
    ['PUT', '/base/b', 'hello', 'true', undefined, chunked.header('x-request-id')]
  ])
})

t.test('percent is the share that is copied', async t => {
  const [main, shadow] = [await startTarget(t), await startTarget(t)]
  for (const [percent, expected] of [
    [0, 0],
    [0.5, 1],
    [25, 50],
    [100, 200],
    [undefined, 200]
  ] as const) {
    let turn = 0
    const random = () => (turn++ % 200) / 200
    const items = mirrored(main.url, shadow.url, {}, percent === undefined ? {} : { percent })
    const proxy = await startProxy(t, items, { limits: { random } })
    const client = await proxy.connect()
    for (let index = 0; index < 200; index++) await client.request('GET /')
    t.same(await ended(proxy, expected), expected === 0 ? {} : { answered: expected }, `${percent} %`)
  }
})

t.test('a mirror that is down, breaks off or never answers delays and fails nothing', async t => {
  const main = await startTarget(t, (request, response) => {
    request.resume()
    request.on('end', () => response.end('main'))
  })
  const down = await startRawTarget(t, () => undefined)
  await down.stop()
  const breaking = await startRawTarget(t, async connection => {
    await connection.head()
    connection.reset()
  })
  const silent = await startRawTarget(t, () => undefined)
  for (const [shadow, expected] of [
    [down, { failed: 20 }],
    [breaking, { failed: 20 }],
    [silent, {}]
  ] as const) {
    const proxy = await startProxy(t, mirrored(main.url, shadow.url))
    const client = await proxy.connect()
    for (let index = 0; index < 10; index++) {
      t.equal((await client.request('GET /')).body, 'main')
      t.equal((await client.request('POST /', ['Content-Length: 2'], 'hi')).body, 'main')
    }
    t.same(await ended(proxy, shadow === silent ? 0 : 20), expected)
    // Closing waits for no copy.
    await proxy.app.close()
    if (shadow === silent) t.same(await outcomes(proxy), { failed: 20 })
  }
})

t.test('a mirror without a target, or of another request, changes nothing', async t => {
  const main = await startTarget(t, (_request, response) => response.end('main'))
  const proxy = await startProxy(t, {
    services: [{ id: 'shadow', targets: [] }],
    ...ruleTo(main.url, { mirror: { target_service: 'shadow' } })
  })
  t.equal((await (await proxy.connect()).request('GET /')).body, 'main')
  t.same(await outcomes(proxy), { no_target: 1 })
})

t.test('longer bodies are not copied, and arrive in full', async t => {
  const main = await startTarget(t, async (request, response) => {
    let length = 0
    for await (const chunk of request) length += (chunk as Buffer).length
    response.end(String(length))
  })
  const shadow = await startTarget(t, async (request, response) => {
    for await (const chunk of request) copied += (chunk as Buffer).length
    response.end()
  })
  let copied = 0
  const proxy = await startProxy(t, mirrored(main.url, shadow.url))
  const client = await proxy.connect()
  const long = 'x'.repeat(65_537)
  t.equal((await client.request('POST /', [`Content-Length: ${long.length}`], long)).body, '65537')
  t.equal((await client.request('POST /', ['Transfer-Encoding: chunked'], `10001\r\n${long}\r\n0\r\n\r\n`)).body, '65537')
  t.same(await ended(proxy, 2), { too_large: 2 })
  t.equal((await client.request('POST /', ['Content-Length: 65536'], long.slice(1))).body, '65536')
  t.same(await ended(proxy, 3), { too_large: 2, answered: 1 })
  t.equal(copied, 65_536)
})

t.test('no more copies are under way than are allowed', async t => {
  const main = await startTarget(t, (_request, response) => response.end('main'))
  const silent = await startRawTarget(t, () => undefined)
  const proxy = await startProxy(t, mirrored(main.url, silent.url), { limits: { maxMirrored: 3 } })
  const client = await proxy.connect()
  for (let index = 0; index < 10; index++) t.equal((await client.request('GET /')).body, 'main')
  t.same(await outcomes(proxy), { dropped: 7 })
})

t.test('a copy may take no longer than the rule gives an exchange', async t => {
  const main = await startTarget(t, (_request, response) => response.end('main'))
  const silent = await startRawTarget(t, () => undefined)
  const proxy = await startProxy(t, mirrored(main.url, silent.url, { timeout_ms: { total: 1_000 } }))
  t.equal((await (await proxy.connect()).request('GET /')).body, 'main')
  t.same(await ended(proxy, 1), { failed: 1 })
})

t.test('a copy is not copied again', async t => {
  const main = await startTarget(t, (request, response) => response.end(String(request.headers['x-sluice-mirror'])))
  const shadow = await startTarget(t, () => t.fail('nothing may arrive'))
  const proxy = await startProxy(t, mirrored(main.url, shadow.url))
  t.equal((await (await proxy.connect()).request('GET /', ['X-Sluice-Mirror: true'])).body, 'true')
  t.same(await outcomes(proxy), {})
})

t.test('a client that leaves before the end of its body leaves no copy', async t => {
  const main = await startTarget(t, request => void request.resume().on('error', () => undefined))
  const shadow = await startTarget(t, () => t.fail('nothing may arrive'))
  const proxy = await startProxy(t, mirrored(main.url, shadow.url))
  const client = await proxy.connect()
  const arrived = main.next()
  client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\npart')
  await arrived
  client.socket.destroy()
  t.same(await ended(proxy, 1), { aborted: 1 })
})

t.test('an exchange that fails is copied all the same', async t => {
  const down = await startRawTarget(t, () => undefined)
  await down.stop()
  const shadow = await startTarget(t)
  const proxy = await startProxy(t, mirrored(down.url, shadow.url, { retry: {} }))
  t.equal((await (await proxy.connect()).request('POST /', ['Content-Length: 2'], 'hi')).status, 502)
  t.same(await ended(proxy, 1), { answered: 1 })
})

t.test('what is refused is not copied', async t => {
  const [main, shadow] = [await startTarget(t), await startTarget(t, () => t.fail('nothing may arrive'))]
  const proxy = await startProxy(t, mirrored(main.url, shadow.url, { max_body_bytes: 4 }))
  const client = await proxy.connect()
  t.equal((await client.request('POST /', ['Content-Length: 5'], 'hello')).status, 413)
  t.equal((await client.request('POST /', ['Transfer-Encoding: chunked'], '5\r\nhello\r\n0\r\n\r\n')).status, 413)
  t.same(await ended(proxy, 1), { too_large: 1 })
})
