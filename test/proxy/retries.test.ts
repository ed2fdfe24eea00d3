/** Further attempts: when there are some, where they go, and that nothing is ever done twice that must not be. */
import { once } from 'node:events'
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http'
import t from 'tap'
import type { Teardown } from '../helpers/gateway.ts'
import { type ProxyApp, ruleTo, startProxy } from '../helpers/proxy-app.ts'
import { type RawTarget, startRawTarget, startTarget, type TargetConnection } from '../helpers/target.ts'

const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
const unavailable = 'HTTP/1.1 503 Busy\r\nX-From: target\r\nContent-Length: 4\r\n\r\nbusy'

/** A target that answers every request with what `answer` says. Counts them. */
async function startAnswering(
  t: Teardown,
  answer: (connection: TargetConnection, index: number) => unknown
): Promise<RawTarget & { readonly requests: number }> {
  let requests = 0
  const target = await startRawTarget(t, async connection => {
    for (;;) {
      await connection.head()
      await answer(connection, requests++)
    }
  })
  return Object.defineProperty(target, 'requests', { get: () => requests }) as RawTarget & { readonly requests: number }
}

const serviceOf = (
  targets: readonly { url: string }[],
  retry: Record<string, unknown> | undefined,
  more: Record<string, unknown> = {}
) => ({
  services: [{ id: 's', targets: targets.map(({ url }) => ({ url })) }],
  rules: [{ id: 'r', target_service: 's', ...(retry === undefined ? {} : { retry: { backoff_ms: 0, ...retry } }), ...more }]
})

/** The values of a metric by what is between its braces. */
async function counted({ metrics }: ProxyApp, name: string): Promise<Record<string, number>> {
  const text = await metrics.registry.metrics()
  return Object.fromEntries(
    [...text.matchAll(new RegExp(`^${name}\\{([^}]*)\\} (\\d+)$`, 'gm'))].map(([, labels, value]) => [labels!, Number(value)])
  )
}

/** Sends requests over `width` connections at once; resolves with how often each status came. */
async function load(port: number, count: number, width: number, method = 'GET', body?: string): Promise<Record<string, number>> {
  const agent = new Agent({ keepAlive: true, maxSockets: width })
  const statuses: Record<string, number> = {}
  let sent = 0
  const work = async () => {
    while (sent++ < count) {
      const status = await send(agent, port, method, body)
      statuses[status] = (statuses[status] ?? 0) + 1
    }
  }
  await Promise.all(Array.from({ length: width }, work))
  agent.destroy()
  return statuses
}

async function send(agent: Agent, port: number, method: string, body: string | undefined): Promise<string> {
  const outgoing = httpRequest({ agent, port, method, host: '127.0.0.1' })
  outgoing.end(body)
  try {
    const [response] = (await once(outgoing, 'response')) as [IncomingMessage]
    response.resume()
    await once(response, 'end')
    return String(response.statusCode)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'error'
  }
}

t.test('with a target among three that takes no connections no request fails, whatever its method', async t => {
  const targets = [await startTarget(t), await startRawTarget(t, () => undefined), await startTarget(t)]
  await (targets[1] as RawTarget).stop()
  const proxy = await startProxy(t, serviceOf(targets, {}))
  t.same(await load(proxy.port, 300, 8), { 200: 300 })
  t.same(await load(proxy.port, 300, 8, 'POST', 'x'.repeat(10_000)), { 200: 300 })
  const { [`service="s",reason="connect_error"`]: retries } = await counted(proxy, 'sluice_retries_total')
  t.ok(retries! >= 150, `${retries} were tried again`)
  t.same(await counted(proxy, 'sluice_retries_refused_total'), {}, 'where nothing was sent no budget is spent')
})

t.test('a target among three that is killed under load fails no request', async t => {
  let killed: RawTarget | undefined
  const victim = await startAnswering(t, (connection, index) => {
    if (index === 100) void killed!.stop()
    connection.send(ok)
  })
  killed = victim
  const proxy = await startProxy(t, serviceOf([victim, await startTarget(t), await startTarget(t)], { attempts: 2 }))
  t.same(await load(proxy.port, 2_000, 16), { 200: 2_000 })
})

t.test('a storm of 503 is repeated by a fifth at most, and the clients get what the target says', async t => {
  const target = await startAnswering(t, connection => connection.send(unavailable))
  const proxy = await startProxy(t, serviceOf([target], { attempts: 3 }))
  t.same(await load(proxy.port, 1_000, 16), { 503: 1_000 })
  t.comment(`the target got ${target.requests} requests over ${target.connections} connections`)
  t.ok(target.requests > 1_050 && target.requests <= 1_200)
  t.ok(target.connections <= 64, 'answers that nobody wants do not cost their connections')
  const refused = await counted(proxy, 'sluice_retries_refused_total')
  t.ok(refused['service="s"']! > 500)
})

t.test('a request that failed goes to another target, and the access line counts', async t => {
  for (const fault of ['reset', 'timeout', '503'] as const) {
    const bad = await startAnswering(t, connection => {
      if (fault === 'reset') connection.reset()
      if (fault === '503') connection.send(unavailable)
    })
    const good = await startAnswering(t, connection => connection.send(ok))
    const proxy = await startProxy(t, serviceOf([bad, good], {}, { timeout_ms: { read: fault === 'timeout' ? 500 : 30_000 } }))
    const line = proxy.nextLine()
    t.equal((await (await proxy.connect()).request('GET /')).body, 'ok', fault)
    t.match(await line, { status: 200, attempts: 2, target: good.url, error: undefined, upstream_error: undefined })
    t.same(await counted(proxy, 'sluice_retries_total'), { [`service="s",reason="${fault}"`]: 1 })
  }
})

t.test('one attempt is not counted in the access line', async t => {
  const proxy = await startProxy(t, serviceOf([await startTarget(t)], {}))
  const line = proxy.nextLine()
  await (await proxy.connect()).request('GET /')
  t.notOk('attempts' in (await line))
})

t.test('only what `on` names is tried again', async t => {
  for (const [on, status, expected] of [
    [undefined, '500', 1],
    [undefined, '429', 1],
    [['500'], '500', 2],
    [['429'], '429', 2],
    [['500'], '503', 1],
    [[], '503', 1]
  ] as const) {
    const target = await startAnswering(t, connection => connection.send(`HTTP/1.1 ${status} No\r\nContent-Length: 0\r\n\r\n`))
    const proxy = await startProxy(t, serviceOf([target], on === undefined ? {} : { on }))
    t.equal((await (await proxy.connect()).request('GET /')).status, Number(status))
    t.equal(target.requests, expected, `${status} with ${on}`)
  }
})

t.test('when all attempts are used up the last answer is passed on as it is', async t => {
  const target = await startAnswering(t, (connection, index) => connection.send(unavailable.replace('busy', `no ${index}`)))
  const proxy = await startProxy(t, serviceOf([target], { attempts: 2 }))
  const response = await (await proxy.connect()).request('GET /')
  t.match({ ...response }, { status: 503, reason: 'Busy', body: 'no 2' })
  t.equal(response.header('x-from'), 'target')
  t.equal(target.requests, 3)
})

t.test('when all attempts found no connection the answer is 502, as without them', async t => {
  const target = await startRawTarget(t, () => undefined)
  await target.stop()
  const proxy = await startProxy(t, ruleTo(target.url, { retry: { attempts: 2, backoff_ms: 1 } }))
  const line = proxy.nextLine()
  const response = await (await proxy.connect()).request('POST /', ['Content-Length: 2'], 'hi')
  t.match(response.json(), { status: 502, code: 'bad_gateway' })
  t.match(await line, { attempts: 3, upstream_error: 'ECONNREFUSED', error: 'bad_gateway' })
})

t.test('what a target may have taken is not sent to it again', async t => {
  for (const fault of ['reset', 'timeout', '503'] as const)
    for (const [method, body] of [
      ['POST', 'pay 100'],
      ['POST', ''],
      ['PATCH', 'add 1']
    ] as const) {
      const target = await startAnswering(t, connection => {
        if (fault === 'reset') connection.reset()
        if (fault === '503') connection.send(unavailable)
      })
      const proxy = await startProxy(t, serviceOf([target], { attempts: 3 }, { timeout_ms: { read: fault === 'timeout' ? 200 : 30_000 } }))
      const response = await (await proxy.connect()).request(`${method} /`, [`Content-Length: ${body.length}`], body)
      t.equal(response.status, { reset: 502, timeout: 504, 503: 503 }[fault])
      t.equal(target.requests, 1, `${method} ${body}, ${fault}`)
    }
})

t.test('a method that the rule names is sent again with its whole body', async t => {
  const bodies: string[] = []
  const target = await startTarget(t, async (request, response) => {
    let body = ''
    for await (const chunk of request) body += String(chunk)
    bodies.push(body)
    response.writeHead(bodies.length === 1 ? 503 : 200).end()
  })
  const proxy = await startProxy(t, serviceOf([target], { methods: ['post'] }))
  t.equal((await (await proxy.connect()).request('POST /', ['Content-Length: 5'], 'hello')).status, 200)
  t.same(bodies, ['hello', 'hello'])
  t.equal((await (await proxy.connect()).request('GET /')).status, 200)
})

t.test('a body that is still coming is sent again from its beginning, and the rest follows', async t => {
  const bad = await startRawTarget(t, async connection => {
    await connection.seen('first')
    connection.send(unavailable)
  })
  const good = await startRawTarget(t, async connection => {
    await connection.seen('first')
    arrived.resolve()
    await connection.seen('second')
    connection.send(ok)
  })
  const arrived = Promise.withResolvers<void>()
  const client = await (await startProxy(t, serviceOf([bad, good], {}))).connect()
  client.send('PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\nfirst')
  await arrived.promise
  client.send('second')
  t.equal((await client.response()).body, 'ok')
})

t.test('a chunked body is sent again chunked', async t => {
  const bodies: string[] = []
  const target = await startTarget(t, async (request, response) => {
    let body = `${request.headers['transfer-encoding']} `
    for await (const chunk of request) body += String(chunk)
    bodies.push(body)
    response.writeHead(bodies.length < 3 ? 502 : 200).end()
  })
  const client = await (await startProxy(t, serviceOf([target], { attempts: 2 }))).connect()
  const response = await client.request('PUT /', ['Transfer-Encoding: chunked'], '3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n')
  t.equal(response.status, 200)
  t.same(bodies, ['chunked abcde', 'chunked abcde', 'chunked abcde'])
  t.equal((await client.request('PUT /', ['Content-Length: 1'], 'x')).status, 200, 'the connection lives')
})

t.test('wherever the first attempt breaks off, the second one gets the whole body', async t => {
  const pieces = Array.from({ length: 16 }, (_, index) => String.fromCharCode(97 + index).repeat(4_000))
  for (const breakAt of [0, 1, 7, 15]) {
    const bad = await startRawTarget(t, async (connection, index) => {
      await connection.seen(index === 0 ? pieces[breakAt]! : 'ok')
      connection.reset()
    })
    const good = await startTarget(t, async (request, response) => {
      let body = ''
      for await (const chunk of request) body += String(chunk)
      response.end(body)
    })
    const client = await (await startProxy(t, serviceOf([bad, good], {}))).connect()
    client.send('PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 64000\r\n\r\n')
    for (const piece of pieces) {
      client.send(piece)
      await new Promise(resolve => setImmediate(resolve))
    }
    t.ok((await client.response()).body === pieces.join(''), `broken off at piece ${breakAt}`)
    t.equal((await client.request('PUT /', ['Content-Length: 2'], 'ok')).body, 'ok', 'the connection lives')
  }
})

t.test('a body longer than what is kept is streamed all the same, but not sent again', async t => {
  const target = await startTarget(t, async (request, response) => {
    let length = 0
    for await (const chunk of request) length += (chunk as Buffer).length
    response.writeHead(503, { 'x-length': length }).end()
    served++
  })
  let served = 0
  const proxy = await startProxy(t, serviceOf([target], { attempts: 3 }))
  for (const [length, expected] of [
    [65_536, 4],
    [65_537, 1],
    [3_000_000, 1]
  ] as const) {
    served = 0
    const response = await (await proxy.connect()).request('PUT /', [`Content-Length: ${length}`], 'x'.repeat(length))
    t.equal(response.header('x-length'), String(length))
    t.equal(served, expected)
  }
})

t.test('a short Retry-After is waited for, a long one ends the attempts', async t => {
  const waited: number[] = []
  const answer = (seconds: number) => (connection: TargetConnection) => {
    waited.push(performance.now())
    connection.send(`HTTP/1.1 503 Busy\r\nRetry-After: ${seconds}\r\nContent-Length: 0\r\n\r\n`)
  }
  const short = await startAnswering(t, answer(1))
  t.equal((await (await (await startProxy(t, serviceOf([short], {}))).connect()).request('GET /')).status, 503)
  t.equal(short.requests, 2)
  t.ok(waited[1]! - waited[0]! >= 990)
  const long = await startAnswering(t, answer(2))
  t.equal((await (await (await startProxy(t, serviceOf([long], {}))).connect()).request('GET /')).header('retry-after'), '2')
  t.equal(long.requests, 1)
})

t.test('timeout_ms.total is over all attempts', async t => {
  const target = await startAnswering(t, () => undefined)
  const proxy = await startProxy(t, serviceOf([target], { attempts: 10 }, { timeout_ms: { read: 400, total: 1_000 } }))
  const line = proxy.nextLine()
  const began = performance.now()
  t.equal((await (await proxy.connect()).request('GET /')).json().code, 'upstream_timeout')
  t.ok(performance.now() - began >= 990)
  const { attempts = 1 } = await line
  t.ok(attempts >= 2 && attempts <= 3, `${attempts} attempts`)
})

t.test('once the client has a byte of an answer there is no other attempt', async t => {
  const target = await startAnswering(t, connection => {
    connection.send('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart')
    void begun.promise.then(() => connection.reset())
  })
  const begun = Promise.withResolvers<void>()
  const client = await (await startProxy(t, serviceOf([target], { attempts: 5 }))).connect()
  client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  await client.seen('part')
  begun.resolve()
  t.match((await client.closed()).rest, /part$/)
  t.equal(target.requests, 1)
})

t.test('a client that was told of early hints gets the answer that belongs to them', async t => {
  const target = await startAnswering(t, connection =>
    connection.send(`HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n${unavailable}`)
  )
  const client = await (await startProxy(t, serviceOf([target], { attempts: 5 }))).connect()
  t.equal((await client.request('GET /')).status, 103)
  t.equal((await client.response()).status, 503)
  t.equal(target.requests, 1)
})

t.test('a client that leaves cancels the attempt that is under way', async t => {
  const bad = await startAnswering(t, connection => connection.send(unavailable))
  const slow = await startRawTarget(t, async connection => {
    await connection.head()
    arrived.resolve()
    await connection.closed()
    cancelled.resolve(performance.now())
  })
  const [arrived, cancelled] = [Promise.withResolvers<void>(), Promise.withResolvers<number>()]
  const client = await (await startProxy(t, serviceOf([bad, slow], {}))).connect()
  client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  await arrived.promise
  const left = performance.now()
  client.socket.destroy()
  t.comment(`cancelled after ${(await cancelled.promise) - left} ms`)
})

t.test('a client that leaves while the gateway waits before the next attempt ends the exchange', async t => {
  const target = await startRawTarget(t, async connection => {
    await connection.head()
    // Of this answer, which is thrown away, there is more to come.
    connection.send('HTTP/1.1 503 Busy\r\nContent-Length: 10\r\n\r\nbusy')
    answered.resolve()
    await connection.closed()
    cancelled.resolve(performance.now())
  })
  const [answered, cancelled] = [Promise.withResolvers<void>(), Promise.withResolvers<number>()]
  const random = () => {
    waiting.resolve()
    return 0.9
  }
  const waiting = Promise.withResolvers<void>()
  const proxy = await startProxy(t, serviceOf([target], { attempts: 10, backoff_ms: 60_000 }), { limits: { random } })
  const line = proxy.nextLine()
  const client = await proxy.connect()
  client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  await Promise.all([answered.promise, waiting.promise])
  const left = performance.now()
  client.socket.destroy()
  t.comment(`cancelled after ${(await cancelled.promise) - left} ms`)
  t.match(await line, { status: 499, aborted: true })
  t.equal(target.connections, 1)
})

t.test('the reset of an idle connection costs no attempt', async t => {
  const target = await startRawTarget(t, async (connection, index) => {
    await connection.head()
    connection.send(ok)
    if (index > 0) return
    await connection.head()
    connection.reset()
  })
  const client = await (await startProxy(t, serviceOf([target], { attempts: 0 }))).connect()
  t.equal((await client.request('GET /')).status, 200)
  t.equal((await client.request('GET /')).status, 200)
  t.equal(target.connections, 2)
})

t.test('a body over max_body_bytes is 413, whether kept or not', async t => {
  const target = await startTarget(t)
  const proxy = await startProxy(t, serviceOf([target], { attempts: 3 }, { max_body_bytes: 10 }))
  const client = await proxy.connect()
  t.equal((await client.request('PUT /', ['Transfer-Encoding: chunked'], 'b\r\nhello world\r\n0\r\n\r\n')).status, 413)
  t.equal((await client.request('PUT /', ['Content-Length: 5'], 'hello')).status, 200)
})
