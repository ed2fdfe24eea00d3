import { EventEmitter, once } from 'node:events'
import t from 'tap'
import { Limiter } from '../../src/limits/limiter.ts'
import type { LiveLimit } from '../../src/limits/live-limit.ts'
import { startProxy, toSnapshot } from '../helpers/proxy-app.ts'
import { startTarget } from '../helpers/target.ts'

const minute = 60_000

/** A proxy with one rule that responds by itself, and a clock that stands still until it is moved. */
async function start(test: Parameters<typeof startProxy>[0], rate_limit: unknown, more: Record<string, unknown> = {}) {
  const clock = { nowMs: 1_000_000 }
  const limiter = new Limiter({ now: () => clock.nowMs })
  const items = { rules: [{ id: 'r1', path: '/', respond: { body: 'in' }, rate_limit, ...more }] }
  const proxy = await startProxy(test, items, { limiter })
  const get = (path = '/', init: RequestInit = {}) => fetch(`http://127.0.0.1:${proxy.port}${path}`, init)
  return { proxy, limiter, clock, get }
}

t.test('who is within the limit gets an answer that says what is left, who is above gets 429 that says when to come', async t => {
  const { get, clock } = await start(t, { limit: 2, window_ms: minute })
  const first = await get()
  t.equal(first.status, 200)
  t.equal(first.headers.get('x-ratelimit-limit'), '2')
  t.equal(first.headers.get('x-ratelimit-remaining'), '1')
  t.equal(first.headers.get('x-ratelimit-reset'), '30')
  t.equal((await get()).headers.get('x-ratelimit-remaining'), '0')
  const refused = await get()
  t.equal(refused.status, 429)
  t.equal(refused.headers.get('retry-after'), '30')
  t.equal(refused.headers.get('x-ratelimit-remaining'), '0')
  t.equal(refused.headers.get('content-type'), 'application/problem+json')
  t.match(await refused.json(), { code: 'rate_limited', status: 429, title: 'Rate limited' })
  clock.nowMs += 30_000
  t.equal((await get()).status, 200, 'when it comes then, it goes')
})

t.test('what a target says of its own limits gives way to ours, on errors, too', async t => {
  const target = await startTarget(t, (_request, response) => {
    response.writeHead(200, { 'x-ratelimit-limit': '7', 'x-ratelimit-reset': '8', 'x-other': 'kept' }).end()
  })
  const { get, proxy } = await start(t, { limit: 10, window_ms: minute }, { respond: undefined, target: target.url })
  const answered = await get()
  t.equal(answered.headers.get('x-ratelimit-limit'), '10')
  t.equal(answered.headers.get('x-ratelimit-reset'), '6')
  t.equal(answered.headers.get('x-other'), 'kept')
  proxy.live.snapshot = toSnapshot({
    rules: [{ id: 'r1', path: '/', target: 'http://127.0.0.1:1', rate_limit: { limit: 10, window_ms: minute } }]
  })
  const failed = await get()
  t.equal(failed.status, 502)
  t.equal(failed.headers.get('x-ratelimit-remaining'), '8', 'the counter outlives the version of the rule')
})

t.test('of several limits all must pass, a request that one refuses counts under none, and the nearest one is told', async t => {
  const { get } = await start(t, [
    { limit: 3, window_ms: minute, key: 'rule' },
    { limit: 1, window_ms: minute, key: 'header:x-id', algorithm: 'fixed_window' }
  ])
  const as = (id: string) => get('/', { headers: { 'x-id': id } })
  t.equal((await as('a')).headers.get('x-ratelimit-remaining'), '0')
  for (let left = 5; left > 0; left--) t.equal((await as('a')).status, 429)
  t.equal((await as('b')).status, 200)
  t.equal((await as('c')).status, 200)
  const last = await as('d')
  t.equal(last.status, 429, 'now the limit for all is used up')
  t.equal(last.headers.get('x-ratelimit-limit'), '3')
})

t.test('a limit in shadow counts and tells, and refuses nothing', async t => {
  const { get, limiter } = await start(t, { limit: 1, window_ms: minute, shadow: true })
  for (let left = 3; left > 0; left--) {
    const answered = await get()
    t.equal(answered.status, 200)
    t.notOk(answered.headers.has('x-ratelimit-limit'))
  }
  const [{ tallies }] = [...limiter.live] as [LiveLimit]
  t.match([...tallies], [{ rule: 'r1', tier: '', allowed: 3, refused: 0, shadowed: 2 }])
})

t.test('a leaky bucket holds requests back', async t => {
  const items = { rules: [{ id: 'r1', path: '/', respond: {}, rate_limit: { algorithm: 'leaky_bucket', limit: 20, max_delay_ms: 5_000 } }] }
  const proxy = await startProxy(t, items)
  const startedMs = performance.now()
  const answers = await Promise.all(Array.from({ length: 5 }, () => fetch(`http://127.0.0.1:${proxy.port}/`)))
  t.same(
    answers.map(({ status }) => status),
    [200, 200, 200, 200, 200]
  )
  t.ok(performance.now() - startedMs > 190, 'four of them waited for their turns of 50 ms')
})

t.test('a client that leaves while it is held back does not reach the target', async t => {
  let requests = 0
  const target = await startTarget(t, (_request, response) => {
    requests++
    response.end()
  })
  const rate_limit = { algorithm: 'leaky_bucket', limit: 10, max_delay_ms: 5_000, key: 'rule' }
  const proxy = await startProxy(t, { rules: [{ id: 'r1', path: '/', target: target.url, rate_limit }] })
  const get = (init: RequestInit = {}) => fetch(`http://127.0.0.1:${proxy.port}/`, init)
  await get()
  const leaving = new AbortController()
  const line = proxy.nextLine()
  const left = get({ signal: leaving.signal }).catch(() => 'left')
  const after = get()
  setTimeout(() => leaving.abort(), 20)
  t.equal(await left, 'left')
  t.match(await line, { status: 499 })
  t.equal((await after).status, 200)
  t.equal(requests, 2)
})

t.test('concurrency counts what is in flight, and gives back at every end', async t => {
  const held = new EventEmitter<{ request: [end: () => void] }>()
  const target = await startTarget(t, (_request, response) => void held.emit('request', () => response.end()))
  const rate_limit = { algorithm: 'concurrency', limit: 1, key: 'rule' }
  const proxy = await startProxy(t, { rules: [{ id: 'r1', path: '/', target: target.url, rate_limit }] })
  const get = (init: RequestInit = {}) => fetch(`http://127.0.0.1:${proxy.port}/`, init)
  const arrived = once(held, 'request')
  const leaving = new AbortController()
  const first = get({ signal: leaving.signal }).catch(() => undefined)
  await arrived
  const refused = await get()
  t.equal(refused.status, 429)
  t.equal(refused.headers.get('retry-after'), '1')
  const line = proxy.nextLine()
  leaving.abort()
  await first
  await line
  const again = once(held, 'request')
  const second = get()
  const [end] = await again
  end()
  t.equal((await second).status, 200, 'the place of one that left is free')
})

t.test('IPv6 clients are counted by their /64, and a forged X-Forwarded-For of an untrusted peer changes nothing', async t => {
  const limiter = new Limiter({ now: () => 1_000_000 })
  const items = { rules: [{ id: 'r1', path: '/', respond: {}, rate_limit: { limit: 1, window_ms: minute } }] }
  const statuses = async (port: number, addresses: readonly string[]) => {
    const list: number[] = []
    for (const address of addresses)
      list.push((await fetch(`http://127.0.0.1:${port}/`, { headers: { 'x-forwarded-for': address } })).status)
    return list
  }
  const open = await startProxy(t, items, { limiter, trusted: ['127.0.0.1'] })
  t.same(
    await statuses(open.port, ['2001:db8::1', '2001:db8::2', '2001:db8:0:1::1', '::ffff:10.0.0.1', '10.0.0.1']),
    [200, 429, 200, 200, 429]
  )
  const shut = await startProxy(t, items)
  t.same(await statuses(shut.port, ['10.0.0.1', '10.0.0.2', '10.0.0.3']), [200, 429, 429])
})

t.test('a value that looks like an address is not counted as that one', async t => {
  const { get } = await start(t, { limit: 1, window_ms: minute, key: 'header:x-client-id' })
  t.equal((await get('/', { headers: { 'x-client-id': '127.0.0.1' } })).status, 200)
  t.equal((await get()).status, 200, 'the address has a counter of its own')
  t.equal((await get()).status, 429)
})

t.test('parameters of the path, queries and cookies are keys', async t => {
  for (const [key, one, same, other] of [
    ['param:id', '/users/a', '/users/%61', '/users/b'],
    ['query:k', '/users/1?k=a', '/users/2?k=%61&k=b', '/users/1?k=b']
  ] as const) {
    const { get } = await start(t, { limit: 1, window_ms: minute, key }, { path: '/users/{id}', path_type: 'template' })
    t.same([(await get(one)).status, (await get(same)).status, (await get(other)).status], [200, 429, 200], key)
  }
  const { get } = await start(t, { limit: 1, window_ms: minute, key: ['cookie:sid', 'ip'] })
  const as = async (cookie: string) => (await get('/', { headers: { cookie } })).status
  t.same([await as('sid=a'), await as('x=1; sid=a'), await as('sid=b')], [200, 429, 200])
})

t.test('rules count apart, unless their key says global', async t => {
  const limiter = new Limiter({ now: () => 1_000_000 })
  const rules = (key: string) =>
    ['a', 'b'].map(id => ({ id, path: `/${id}`, respond: {}, rate_limit: { limit: 1, window_ms: minute, key } }))
  for (const [key, expected] of [
    ['rule', 200],
    ['global', 429]
  ] as const) {
    const { port } = await startProxy(t, { rules: rules(key) }, { limiter })
    t.equal((await fetch(`http://127.0.0.1:${port}/a`)).status, 200)
    t.equal((await fetch(`http://127.0.0.1:${port}/b`)).status, expected, key)
  }
})
