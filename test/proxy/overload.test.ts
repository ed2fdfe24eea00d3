/** What is too much is refused early and cheaply; what was taken goes on. */
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { connect as connectTls } from 'node:tls'
import t, { type Test } from 'tap'
import { Overload, type OverloadLimits } from '../../src/control/overload.ts'
import { certificate } from '../helpers/certificate.ts'
import { type ProxyApp, ruleTo, startProxy } from '../helpers/proxy-app.ts'
import { RawClient, type RawResponse } from '../helpers/raw-client.ts'
import { startTarget } from '../helpers/target.ts'
import { ask, startTlsProxy } from '../helpers/tls-proxy.ts'

const calm = { eventLoopDelayMs: 0, heapPercent: 10 }

function startOverload(t: Test, limits: Partial<OverloadLimits>): { overload: Overload; told: (string | undefined)[] } {
  const told: (string | undefined)[] = []
  const listener = { onReading: () => undefined, onStrain: (strain: string | undefined) => void told.push(strain) }
  const overload = new Overload({ maxConnections: 0, maxRequests: 0, maxEventLoopDelayMs: 0, maxHeapPercent: 0, ...limits }, listener)
  t.teardown(() => overload.close())
  return { overload, told }
}

function isRefused(t: Test, response: RawResponse): void {
  t.equal(response.status, 503)
  t.equal(response.header('retry-after'), '1')
  t.equal(response.json().code, 'overloaded')
}

async function refusals({ metrics }: ProxyApp, reason: string): Promise<string | undefined> {
  const text = await metrics.registry.metrics()
  return new RegExp(`sluice_overload_refused_total\\{reason="${reason}"\\} (\\d+)`).exec(text)?.[1]
}

t.test('requests above the limit are refused until one of those before is over', async t => {
  const held: ServerResponse[] = []
  const target = await startTarget(t, (request, response) => (request.url === '/hold' ? void held.push(response) : void response.end()))
  const { overload } = startOverload(t, { maxRequests: 2 })
  const proxy = await startProxy(t, ruleTo(target.url), { overload, readyPath: '/-/ready' })
  const holding = [await proxy.connect(), await proxy.connect()]
  for (const client of holding) {
    const arrived = target.next()
    client.send('GET /hold HTTP/1.1\r\nHost: a\r\n\r\n')
    await arrived
  }
  const other = await proxy.connect()
  const line = proxy.nextLine()
  isRefused(t, await other.request('GET /'))
  t.match(await line, { status: 503, error: 'overloaded', rule: undefined })
  t.equal((await other.request('GET /-/ready')).status, 200, 'readiness is told all the same')
  t.same(overload.report().reasons, ['requests'])
  held[0]!.end()
  await holding[0]!.response()
  t.equal((await other.request('GET /')).status, 200, 'on the same connection')
  held[1]!.end()
  await holding[1]!.response()
  t.match(overload.report(), { status: 'UP', reasons: [], requests_in_flight: 0 })
  t.equal(await refusals(proxy, 'requests'), '1')
})

t.test('a connection above the limit is answered and closed, one that ends makes room', async t => {
  const target = await startTarget(t)
  const { overload } = startOverload(t, { maxConnections: 2 })
  const proxy = await startProxy(t, ruleTo(target.url), { overload, readyPath: '/-/ready' })
  const [first, second] = [await proxy.connect(), await proxy.connect()]
  t.equal((await first.request('GET /')).status, 200)
  t.equal((await second.request('GET /')).status, 200)
  const third = await proxy.connect()
  t.equal((await third.request('GET /-/ready')).status, 200, 'readiness is told all the same')
  const refused = await third.request('GET /')
  isRefused(t, refused)
  t.equal(refused.header('connection'), 'close')
  await third.closed()
  t.equal((await first.request('GET /')).status, 200, 'those before are served on')
  const left = once(proxy.app.server, 'connection').then(([socket]) => once(socket, 'close'))
  const fourth = await proxy.connect()
  isRefused(t, await fourth.request('GET /'))
  await left
  first.socket.destroy()
  await gone(overload, 1)
  t.equal((await (await proxy.connect()).request('GET /')).status, 200)
  t.equal(await refusals(proxy, 'connections'), '2')
})

t.test('connections far above the limit are closed at once', async t => {
  const { overload } = startOverload(t, { maxConnections: 1 })
  const proxy = await startProxy(t, { rules: [] }, { overload })
  const clients = await Promise.all(Array.from({ length: 1_010 }, () => proxy.connect()))
  await gone(overload, 1_001)
  t.same(overload.report().reasons, ['connections'])
  for (const { socket } of clients) socket.destroy()
  await gone(overload, 0)
  t.equal(overload.report().status, 'UP')
})

t.test('connections with TLS count as well: HTTP/1.1 is answered, HTTP/2 closed', async t => {
  const { overload } = startOverload(t, { maxConnections: 1 })
  const proxy = await startTlsProxy(t, { rules: [{ id: 'r', respond: { status: 200 } }] }, { overload })
  const first = proxy.connect()
  t.equal((await ask(first, { ':path': '/' })).status, 200)
  const refused = proxy.connect()
  await new Promise(resolve => refused.once('close', resolve))
  t.equal((await ask(first, { ':path': '/' })).status, 200, 'the one before is served on')
  await until(() => overload.report().connections === 1)
  const socket = connectTls({ port: proxy.port, host: '127.0.0.1', ca: certificate, servername: 'localhost' })
  t.teardown(() => socket.destroy())
  isRefused(t, await new RawClient(socket).request('GET /'))
  t.same(overload.report().reasons, ['connections'])
})

t.test('out of breath, new requests are refused until it is over; those under way end', async t => {
  const target = await startTarget(t, (request, response) => (request.url === '/hold' ? undefined : void response.end()))
  const { overload, told } = startOverload(t, { maxEventLoopDelayMs: 100, maxHeapPercent: 90 })
  const proxy = await startProxy(t, ruleTo(target.url), { overload })
  const [holding, client] = [await proxy.connect(), await proxy.connect()]
  const arrived = target.next()
  holding.send('GET /hold HTTP/1.1\r\nHost: a\r\n\r\n')
  const { response } = await arrived
  // Later than any reading of its own.
  const laterMs = performance.now() + 1e9
  for (const [reason, reading] of [
    ['event_loop', { ...calm, eventLoopDelayMs: 101 }],
    ['heap', { ...calm, heapPercent: 91 }]
  ] as const) {
    overload.record(reading, laterMs)
    overload.record(reading, laterMs + 500)
    isRefused(t, await client.request('GET /'))
    t.match(overload.report(), { status: 'DEGRADED', reasons: [reason] })
    t.equal(await refusals(proxy, reason), '1')
    overload.record(calm, laterMs + 2_000)
    t.equal((await client.request('GET /')).status, 200)
  }
  response.end('whole')
  t.equal((await holding.response()).body, 'whole')
  t.same(told, ['event_loop', undefined, 'heap', undefined])
})

t.test('the process is measured: work that holds the event loop again and again is an overload, until it is done', async t => {
  const told: (string | undefined)[] = []
  const overload = new Overload(
    { maxConnections: 0, maxRequests: 0, maxEventLoopDelayMs: 100, maxHeapPercent: 0 },
    { onReading: () => undefined, onStrain: strain => void told.push(strain) }
  )
  t.teardown(() => overload.close())
  await until(() => {
    const endMs = performance.now() + 200
    while (performance.now() < endMs);
    return told.length > 0
  })
  t.same(told, ['event_loop'])
  await until(() => told.length > 1)
  t.same(told, ['event_loop', undefined])
  const { event_loop_delay_ms: delay, heap_percent: heap } = overload.report()
  t.ok(delay <= 80 && heap > 0 && heap < 100, `${delay} ms, ${heap} %`)
})

t.test('a target that is full is passed over, and when all are full the answer is 503', async t => {
  const hold = (_request: unknown, response: ServerResponse): void => void held.push(response)
  const held: ServerResponse[] = []
  const [a, b] = [await startTarget(t, hold), await startTarget(t, hold)]
  const services = [{ id: 's', max_connections: 1, targets: [{ url: a.url }, { url: b.url }] }]
  const { overload } = startOverload(t, {})
  const proxy = await startProxy(t, { services, rules: [{ id: 'r', target_service: 's' }] }, { overload })
  const clients = [await proxy.connect(), await proxy.connect(), await proxy.connect()] as const
  const arrivedAtA = a.next()
  clients[0].send('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
  await arrivedAtA
  const arrivedAtB = b.next()
  clients[1].send('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
  await arrivedAtB
  const line = proxy.nextLine()
  isRefused(t, await clients[2].request('GET /'))
  t.match(await line, { error: 'overloaded', rule: 'r', service: 's', target: undefined })
  t.equal(await refusals(proxy, 'target'), '1')
  for (let round = 0; round < 4; round++) {
    held[1]!.end()
    await clients[1].response()
    const again = b.next()
    clients[1].send('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
    held[1] = (await again).response
  }
  t.pass('whoever has the turn, the free target gets the request')
  clients[0].socket.destroy()
  const back = a.next()
  await until(() => overload.report().requests_in_flight === 1)
  clients[2].send('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
  await back
  t.pass('a client that left has given its place back')
})

t.test('a retry passes over a full target as well, and counts at the one it goes to', async t => {
  const held: ServerResponse[] = []
  const full = await startTarget(t, (_request, response) => void held.push(response))
  const services = [{ id: 's', max_connections: 1, targets: [{ url: full.url }, { url: 'http://127.0.0.1:1' }] }]
  const proxy = await startProxy(t, { services, rules: [{ id: 'r', target_service: 's', retry: { attempts: 2 } }] })
  const first = await proxy.connect()
  const arrived = full.next()
  first.send('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
  await arrived
  const second = await proxy.connect()
  t.equal((await second.request('GET /')).status, 502, 'the other target refuses, and there is nowhere else')
  held[0]!.end()
  await first.response()
  for (let round = 0; round < 3; round++) {
    // At once or by a retry, whoever has the turn.
    const again = full.next()
    first.send('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
    const { response } = await again
    t.equal((await second.request('GET /')).status, 502, 'full again')
    response.end()
    await first.response()
  }
})

function gone(overload: Overload, left: number): Promise<void> {
  return until(() => overload.report().connections === left)
}

/** Resolves as soon as it holds; the test's own time limit is the limit. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise(resolve => setTimeout(resolve, 5))
}
