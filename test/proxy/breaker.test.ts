/** Circuit breakers end to end: real targets, each transition, what the client sees. */
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { type BreakerChange, Breakers } from '../../src/upstream/breakers.ts'
import type { Teardown } from '../helpers/gateway.ts'
import { type Items, startProxy, toSnapshot } from '../helpers/proxy-app.ts'
import type { RawResponse } from '../helpers/raw-client.ts'
import { startTarget } from '../helpers/target.ts'

/** A target that answers with `status` until it is told otherwise; 0 leaves the connection without an answer. Counts requests. */
async function startFlaky(t: Teardown, status = 200) {
  const state = { status, requests: 0, hanging: [] as (() => void)[] }
  const { url } = await startTarget(t, (_request, response) => {
    state.requests++
    if (state.status === 0) return void state.hanging.push(() => response.end())
    response.writeHead(state.status).end(`from ${url}`)
  })
  return Object.assign(state, { url })
}

async function start(t: Teardown, items: Items) {
  const clock = { nowMs: 1_000 }
  const changes: string[] = []
  const onChange = ({ service, rule, target, from, to, reason }: BreakerChange) =>
    changes.push([service, rule, target === '' ? '' : 'target', `${from}>${to}`, reason].filter(Boolean).join(' '))
  const breakers = new Breakers({ now: () => clock.nowMs, onChange })
  const proxy = await startProxy(t, items, { limits: { breakers } })
  const client = await proxy.connect()
  const get = (path = '/') => client.request(`GET ${path}`)
  const statuses = async (count: number, path = '/') => {
    const list: number[] = []
    for (let sent = 0; sent < count; sent++) list.push((await get(path)).status)
    return list
  }
  return { proxy, clock, changes, breakers, get, statuses }
}

const header = ({ headers }: RawResponse, name: string) => headers.find(([key]) => key.toLowerCase() === name)?.[1]

function guarded(urls: readonly string[], breaker: Record<string, unknown> = {}, more: Record<string, unknown> = {}) {
  return {
    services: [{ id: 's', targets: urls.map(url => ({ url })), breaker: { ready_to_trip: { consecutive_failures: 3 }, ...breaker } }],
    rules: [{ id: 'r', target_service: 's', ...more }]
  }
}

t.test('it opens after failures in a row, refuses with Retry-After, tries, and closes', async t => {
  const target = await startFlaky(t, 500)
  const { clock, changes, get, statuses } = await start(t, guarded([target.url], { max_requests: 2 }))
  t.same(await statuses(3), [500, 500, 500])
  clock.nowMs += 500
  const refused = await get()
  t.equal(refused.status, 503)
  t.equal(JSON.parse(refused.body).code, 'breaker_open')
  t.equal(header(refused, 'retry-after'), '60')
  t.notMatch(refused.body, /127\.0\.0\.1/)
  clock.nowMs += 58_000
  t.equal(header(await get(), 'retry-after'), '2')
  t.equal(target.requests, 3, 'nothing was sent meanwhile')
  clock.nowMs += 1_500
  t.same(await statuses(1), [500], 'a probe that fails')
  t.equal(header(await get(), 'retry-after'), '60')
  target.status = 200
  clock.nowMs += 60_000
  t.same(await statuses(4), [200, 200, 200, 200])
  t.same(changes, [
    's closed>open consecutive_failures',
    's open>half_open timeout',
    's half_open>open probe_failed',
    's open>half_open timeout',
    's half_open>closed probes_succeeded'
  ])
})

t.test('a gateway error counts as a failure; an answer that is not in failure_status does not', async t => {
  const target = await startFlaky(t, 503)
  const { changes, statuses } = await start(t, guarded([target.url], { failure_status: [500, '520-529'] }))
  t.same(await statuses(4), [503, 503, 503, 503])
  target.status = 524
  t.same(await statuses(4), [524, 524, 524, 503])
  t.same(changes, ['s closed>open consecutive_failures'])
  const gone = await start(t, guarded(['http://127.0.0.1:1']))
  t.same(await gone.statuses(4), [502, 502, 502, 503])
})

t.test('a client that leaves says nothing, and its probe gives its place back', async t => {
  const target = await startFlaky(t, 0)
  const { proxy, clock, changes, breakers, statuses } = await start(
    t,
    guarded([target.url], { max_requests: 1, ready_to_trip: { consecutive_failures: 1 } })
  )
  const leave = async () => {
    const before = target.hanging.length
    const client = await proxy.connect()
    const line = proxy.nextLine()
    client.socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
    while (target.hanging.length === before) await delay(5)
    client.socket.destroy()
    await line
  }
  await leave()
  t.same(changes, [])
  target.status = 500
  t.same(await statuses(2), [500, 503])
  clock.nowMs += 60_000
  target.status = 0
  await leave()
  t.same(breakers.read()[0]?.state, 'half_open')
  target.status = 200
  t.same(await statuses(2), [200, 200])
  t.equal(changes.at(-1), 's half_open>closed probes_succeeded')
})

t.test('half-open, more than it lets through are refused; probes that hang cannot wedge it', async t => {
  const target = await startFlaky(t, 500)
  const { proxy, clock, get, statuses } = await start(t, guarded([target.url], { max_requests: 1 }))
  await statuses(3)
  clock.nowMs += 60_000
  target.status = 0
  const hanging = await proxy.connect()
  hanging.socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
  while (target.hanging.length === 0) await delay(5)
  const refused = await get()
  t.equal(refused.status, 503)
  t.equal(header(refused, 'retry-after'), '60')
  clock.nowMs += 60_000
  target.status = 200
  t.same(await statuses(2), [200, 200])
})

t.test('a fallback answers instead; a HEAD gets no body', async t => {
  const target = await startFlaky(t, 500)
  const respond = { status: 200, headers: { 'X-Stale': 'yes' }, body: 'try later' }
  const { proxy, get, statuses } = await start(t, guarded([target.url], { fallback: { respond } }))
  await statuses(3)
  const answer = await get()
  t.same([answer.status, answer.body, header(answer, 'x-stale')], [200, 'try later', 'yes'])
  const line = proxy.nextLine()
  const head = await (await proxy.connect()).request('HEAD /')
  t.same([head.status, head.body, header(head, 'content-length')], [200, '', '9'])
  t.equal((await line).status, 200)
})

t.test('a fallback service takes the requests; when its own breaker is open, nobody does', async t => {
  const [target, other] = [await startFlaky(t, 500), await startFlaky(t)]
  const items = guarded([target.url], { fallback: { target_service: 'b' } })
  const standIn = { ready_to_trip: { consecutive_failures: 1 }, fallback: { target_service: 's' } }
  const b = { id: 'b', targets: [{ url: other.url }], breaker: standIn }
  const { get, statuses } = await start(t, { ...items, services: [...items.services, b] })
  await statuses(3)
  t.equal((await get()).body, `from ${other.url}`)
  other.status = 500
  t.same(await statuses(2), [500, 503])
  t.equal(JSON.parse((await get()).body).code, 'breaker_open')
  t.equal(target.requests, 3)
})

t.test('by target, the others go on; when all are open, the answer is breaker_open', async t => {
  const [bad, good] = [await startFlaky(t, 500), await startFlaky(t)]
  const trip = { ready_to_trip: { consecutive_failures: 1 } }
  const { breakers, proxy, get, statuses } = await start(t, guarded([bad.url, good.url], { scope: 'target', ...trip }))
  t.same((await statuses(6)).sort(), [200, 200, 200, 200, 200, 500])
  t.equal(bad.requests, 1)
  good.status = 500
  t.same(await statuses(2), [500, 503])
  const refused = await get()
  t.equal(JSON.parse(refused.body).code, 'breaker_open')
  t.equal(header(refused, 'retry-after'), '60')
  good.status = 200
  breakers.force(proxy.live.snapshot!.service('s')!, 'closed', good.url)
  t.same(await statuses(2), [200, 200])
})

t.test('by target, one that was open is tried again when its time is over', async t => {
  const [bad, good] = [await startFlaky(t, 500), await startFlaky(t)]
  const breaker = { scope: 'target', timeout_ms: 50, max_requests: 1, ready_to_trip: { consecutive_failures: 1 } }
  const changes: string[] = []
  const breakers = new Breakers({ onChange: ({ to }) => changes.push(to) })
  const proxy = await startProxy(t, guarded([bad.url, good.url], breaker), { limits: { breakers } })
  const client = await proxy.connect()
  await client.request('GET /')
  await client.request('GET /')
  bad.status = 200
  while (!changes.includes('closed')) await client.request('GET /')
  t.same(changes, ['open', 'half_open', 'closed'])
})

t.test("a breaker of a rule takes the place of its service's, and other rules do not feel it", async t => {
  const target = await startFlaky(t, 500)
  const own = { id: 'own', path: '/own', target_service: 's', breaker: { ready_to_trip: { consecutive_failures: 1 } } }
  const items = guarded([target.url])
  const { changes, statuses } = await start(t, { ...items, rules: [...items.rules, own] })
  t.same(await statuses(3, '/own'), [500, 503, 503])
  t.same(await statuses(2), [500, 500], 'the service has counted nothing of it')
  t.same(await statuses(2), [500, 503])
  t.same(changes, ['s own closed>open consecutive_failures', 's closed>open consecutive_failures'])
})

t.test('a rule with a target of its own may have a breaker; by target, it leaves out open ones for its rule only', async t => {
  const target = await startFlaky(t, 500)
  const breaker = { ready_to_trip: { consecutive_failures: 1 } }
  const plain = await start(t, { rules: [{ id: 'r', target: target.url, breaker }] })
  t.same(await plain.statuses(2), [500, 503])
  const good = await startFlaky(t)
  const services = [{ id: 's', targets: [{ url: target.url }, { url: good.url }] }]
  const rules = [
    { id: 'own', path: '/own', target_service: 's', breaker: { scope: 'target', ...breaker } },
    { id: 'r', target_service: 's' }
  ]
  const { statuses } = await start(t, { services, rules })
  const own = await statuses(6, '/own')
  t.equal(own.filter(status => status === 500).length, 1)
  const others = await statuses(4)
  t.equal(others.filter(status => status === 500).length, 2)
})

t.test('retries leave an open breaker alone', async t => {
  const target = await startFlaky(t, 502)
  const retry = { attempts: 10, on: ['502'], backoff_ms: 0 }
  const { get } = await start(t, guarded([target.url], {}, { retry }))
  const answer = await get()
  t.equal(target.requests, 3)
  t.equal(answer.status, 503)
  t.equal(JSON.parse(answer.body).code, 'breaker_open')
  t.equal(header(answer, 'retry-after'), '60')
})

t.test('a retry goes on to a target whose breaker is closed', async t => {
  const [bad, good] = [await startFlaky(t, 502), await startFlaky(t)]
  const breaker = { scope: 'target', ready_to_trip: { consecutive_failures: 1 } }
  const retry = { attempts: 2, on: ['502'], backoff_ms: 0 }
  const { statuses } = await start(t, guarded([bad.url, good.url], breaker, { retry }))
  t.same(await statuses(6), [200, 200, 200, 200, 200, 200])
  t.equal(bad.requests, 1)
})

t.test('slow answers open it', async t => {
  const { url } = await startTarget(t, (_request, response) => void setTimeout(() => response.end(), 20))
  const trip = { consecutive_failures: null, slow_rate: 1, slow_ms: 10, min_requests: 2 }
  const { changes, statuses } = await start(t, guarded([url], { ready_to_trip: trip }))
  t.same(await statuses(3), [200, 200, 503])
  t.same(changes, ['s closed>open slow_rate'])
})

t.test('a changed service keeps the state of its breaker; one without it has none', async t => {
  const target = await startFlaky(t, 500)
  const { proxy, clock, get, statuses } = await start(t, guarded([target.url]))
  await statuses(3)
  proxy.live.snapshot = toSnapshot(guarded([target.url], { timeout_ms: 10_000 }))
  t.equal(header(await get(), 'retry-after'), '10')
  clock.nowMs += 10_000
  t.same(await statuses(2), [500, 503])
  const { breaker: _none, ...bare } = guarded([target.url]).services[0]!
  proxy.live.snapshot = toSnapshot({ ...guarded([]), services: [bare] })
  t.same(await statuses(2), [500, 500])
})

t.test('taken from a service, breakers by target give its targets back', async t => {
  const target = await startFlaky(t, 500)
  const breaker = { scope: 'target', ready_to_trip: { consecutive_failures: 1 } }
  const { proxy, statuses } = await start(t, guarded([target.url], breaker))
  t.same(await statuses(2), [500, 503])
  const { breaker: _none, ...bare } = guarded([target.url]).services[0]!
  proxy.live.snapshot = toSnapshot({ ...guarded([]), services: [bare] })
  t.same(await statuses(2), [500, 500])
})

t.test('forced, it is as an operator says', async t => {
  const target = await startFlaky(t)
  const { proxy, breakers, get, statuses } = await start(t, guarded([target.url]))
  const service = proxy.live.snapshot!.service('s')!
  breakers.force(service, 'open')
  const refused = await get()
  t.same([refused.status, header(refused, 'retry-after')], [503, '60'])
  breakers.force(service, 'closed')
  target.status = 500
  t.same(await statuses(5), [500, 500, 500, 500, 500])
  breakers.force(service, 'auto')
  t.same(await statuses(4), [500, 500, 500, 503])
})

t.test('a WebSocket is refused by an open breaker, and its handshake counts', async t => {
  const target = await startFlaky(t, 500)
  const { proxy, changes } = await start(t, guarded([target.url], { ready_to_trip: { consecutive_failures: 1 } }))
  const fields = ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==']
  const ask = async () => (await proxy.connect()).request('GET /', fields)
  t.equal((await ask()).status, 500)
  t.equal((await ask()).status, 503)
  t.same(changes, ['s closed>open consecutive_failures'])
})

t.test('a target that its rule’s breaker refuses does not stand in for a full one', async t => {
  const [full, broken] = [await startFlaky(t), await startFlaky(t, 500)]
  const services = [{ id: 's', max_connections: 1, targets: [{ url: full.url }, { url: broken.url }] }]
  const breaker = { scope: 'target', ready_to_trip: { consecutive_failures: 1 } }
  const { proxy, get, statuses } = await start(t, { services, rules: [{ id: 'r', target_service: 's', breaker }] })
  t.same((await statuses(2)).sort(), [200, 500])
  full.status = 0
  const hanging = (await proxy.connect()).request('GET /')
  while (full.hanging.length === 0) await delay(5)
  const refused = await get()
  t.equal(refused.status, 503)
  t.equal(JSON.parse(refused.body).code, 'overloaded')
  t.equal(broken.requests, 1)
  full.hanging[0]!()
  t.equal((await hanging).status, 200)
})
