/** A second request when the first one is slow: the better answer counts, the other request is cancelled. */
import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import t from 'tap'
import { startProxy } from '../helpers/proxy-app.ts'
import { startRawTarget, startTarget } from '../helpers/target.ts'

const ok = (text: string) => `HTTP/1.1 200 OK\r\nContent-Length: ${text.length}\r\n\r\n${text}`

const hedged = (targets: readonly { url: string }[], retry: Record<string, unknown> = {}) => ({
  services: [{ id: 's', targets: targets.map(({ url }) => ({ url })) }],
  rules: [{ id: 'r', target_service: 's', retry: { attempts: 0, backoff_ms: 0, hedge_after_ms: 20, ...retry } }]
})

/** A target that takes requests and never answers; `left` resolves when the gateway has closed such a connection. */
async function startSilent(t: Parameters<typeof startRawTarget>[0]) {
  const left = Promise.withResolvers<number>()
  const arrived = Promise.withResolvers<void>()
  const target = await startRawTarget(t, async connection => {
    await connection.head()
    arrived.resolve()
    await connection.closed()
    left.resolve(performance.now())
  })
  return { url: target.url, arrived: arrived.promise, left: left.promise }
}

t.test('the answer of the second target counts when the first one is slow, whose request is cancelled', async t => {
  const [slow, fast] = [await startSilent(t), await startTarget(t, (_request, response) => response.end('fast'))]
  const proxy = await startProxy(t, hedged([slow, fast]))
  const line = proxy.nextLine()
  t.equal((await (await proxy.connect()).request('GET /')).body, 'fast')
  await slow.left
  t.match(await line, { attempts: 2, target: fast.url, status: 200 })
  t.match(await proxy.metrics.registry.metrics(), 'sluice_retries_total{service="s",reason="hedge"} 1')
})

t.test('the answer of the first target counts when it comes first after all', async t => {
  const asked = Promise.withResolvers<void>()
  const first = await startRawTarget(t, async connection => {
    await connection.head()
    await asked.promise
    connection.send(ok('first'))
  })
  const second = await startRawTarget(t, async connection => {
    await connection.head()
    asked.resolve()
    await connection.closed()
    cancelled.resolve()
  })
  const cancelled = Promise.withResolvers<void>()
  const proxy = await startProxy(t, hedged([first, second]))
  const line = proxy.nextLine()
  t.equal((await (await proxy.connect()).request('GET /')).body, 'first')
  await cancelled.promise
  t.match(await line, { attempts: 2, target: first.url })
})

t.test('an answer in time needs no second request', async t => {
  const targets = [await startTarget(t, (_request, response) => response.end('a')), await startTarget(t, () => t.fail('nothing may come'))]
  const proxy = await startProxy(t, hedged(targets, { hedge_after_ms: 60_000 }))
  const line = proxy.nextLine()
  t.equal((await (await proxy.connect()).request('GET /')).body, 'a')
  t.notOk('attempts' in (await line))
})

t.test('an answer that would be tried again does not win over one that is still to come', async t => {
  const asked = Promise.withResolvers<void>()
  const bad = await startRawTarget(t, async connection => {
    await connection.head()
    await asked.promise
    connection.send('HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n')
    // The gateway has read it when it takes the next request on this connection, or has nothing more to say.
    refused.resolve()
  })
  const good = await startRawTarget(t, async connection => {
    await connection.head()
    asked.resolve()
    await refused.promise
    setTimeout(() => connection.send(ok('good')), 50)
  })
  const refused = Promise.withResolvers<void>()
  t.equal((await (await (await startProxy(t, hedged([bad, good]))).connect()).request('GET /')).body, 'good')
})

t.test('a target that breaks off leaves the other one its chance', async t => {
  const asked = Promise.withResolvers<void>()
  const bad = await startRawTarget(t, async connection => {
    await connection.head()
    await asked.promise
    connection.reset()
    refused.resolve()
  })
  const good = await startRawTarget(t, async connection => {
    await connection.head()
    asked.resolve()
    await refused.promise
    setTimeout(() => connection.send(ok('good')), 50)
  })
  const refused = Promise.withResolvers<void>()
  t.equal((await (await (await startProxy(t, hedged([bad, good]))).connect()).request('GET /')).body, 'good')
})

t.test('a client that was told of early hints waits for the answer that belongs to them', async t => {
  const first = await startRawTarget(t, async connection => {
    await connection.head()
    connection.send('HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n')
    // Well after the second request would have been sent.
    setTimeout(() => connection.send(ok('first')), 300)
  })
  const second = await startTarget(t, () => t.fail('nothing may come'))
  const client = await (await startProxy(t, hedged([first, second], { hedge_after_ms: 150 }))).connect()
  t.equal((await client.request('GET /')).status, 103)
  t.equal((await client.response()).body, 'first')
})

t.test('only idempotent requests without a body, and only to another target, are sent twice', async t => {
  for (const [line, headers, body, count] of [
    ['POST /', ['Content-Length: 0'], '', 2],
    ['PUT /', ['Content-Length: 2'], 'hi', 2],
    ['GET /', [], '', 1]
  ] as const) {
    let requests = 0
    const slow = () =>
      startTarget(t, (_request, response) => {
        requests++
        setTimeout(() => response.end('slow'), 100)
      })
    const targets = count === 1 ? [await slow()] : [await slow(), await slow()]
    const proxy = await startProxy(t, hedged(targets))
    t.equal((await (await proxy.connect()).request(line, headers, body)).body, 'slow')
    t.equal(requests, 1, line)
  }
})

t.test('a client that leaves cancels both requests', async t => {
  const [one, two] = [await startSilent(t), await startSilent(t)]
  const client = await (await startProxy(t, hedged([one, two]))).connect()
  client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  await Promise.all([one.arrived, two.arrived])
  const began = performance.now()
  client.socket.destroy()
  t.comment(`cancelled after ${Math.max(await one.left, await two.left) - began} ms`)
})

t.test('timeout_ms.total ends both requests', async t => {
  const [one, two] = [await startSilent(t), await startSilent(t)]
  const items = hedged([one, two])
  const rules = items.rules.map(rule => ({ ...rule, timeout_ms: { total: 500 } }))
  const response = await (await (await startProxy(t, { ...items, rules })).connect()).request('GET /')
  t.equal(response.status, 504)
  await Promise.all([one.left, two.left])
})

t.test('second requests are on the budget: slow targets get a fifth more at most', async t => {
  let requests = 0
  const slow = () =>
    startTarget(t, (_request, response) => {
      requests++
      setTimeout(() => response.end(), 60)
    })
  const proxy = await startProxy(t, hedged([await slow(), await slow()], { hedge_after_ms: 1 }))
  const ask = async () => {
    const [response] = (await once(get({ port: proxy.port, host: '127.0.0.1' }), 'response')) as [IncomingMessage]
    response.resume()
    await once(response, 'end')
    return response.statusCode
  }
  const statuses = await Promise.all(Array.from({ length: 400 }, ask))
  t.ok(statuses.every(status => status === 200))
  t.ok(requests > 410 && requests <= 480, `${requests} requests`)
})
