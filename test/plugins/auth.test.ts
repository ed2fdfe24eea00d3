import t from 'tap'
import { Limiter } from '../../src/limits/limiter.ts'
import { startProxy, toSnapshot } from '../helpers/proxy-app.ts'
import { startTarget } from '../helpers/target.ts'

const keyOf = (name: string) => `the-key-of-client-${name}`
const client = (id: string, more: Record<string, unknown> = {}, expires_at: string | null = null) => ({
  id,
  api_keys: [{ id: 'k1', key: keyOf(id), expires_at }],
  ...more
})
const auth = { any_of: [{ type: 'api_key' }] }

t.test('who shows a key of a client gets in; anybody else is told 401 and nothing more', async t => {
  const clients = [client('acme'), client('off', { enabled: false }), client('late', {}, '2020-01-01T00:00:00Z')]
  const proxy = await startProxy(t, { clients, rules: [{ id: 'r1', path: '/', respond: { body: 'in' }, auth }] })
  const get = (headers: Record<string, string> = {}) => fetch(`http://127.0.0.1:${proxy.port}/`, { headers })
  t.equal((await get({ 'x-api-key': keyOf('acme') })).status, 200)
  const refusals: unknown[] = []
  for (const headers of [{}, { 'x-api-key': 'wrong' }, { 'x-api-key': keyOf('off') }, { 'x-api-key': keyOf('late') }]) {
    const refused = await get(headers as Record<string, string>)
    t.equal(refused.status, 401)
    t.equal(refused.headers.get('www-authenticate'), 'ApiKey realm="api"')
    const { request_id: _id, timestamp: _at, ...body } = (await refused.json()) as Record<string, unknown>
    refusals.push(body)
  }
  for (const body of refusals) t.same(body, refusals[0], 'all refusals are alike')
  t.match(refusals[0], { code: 'unauthorized' })
  const text = await proxy.metrics.registry.metrics()
  for (const reason of ['missing', 'invalid', 'disabled', 'expired']) t.match(text, `sluice_auth_refusals_total{reason="${reason}"} 1`)
})

t.test('the target does not get the key unless the rule says so, and the log has the client', async t => {
  const seen: unknown[] = []
  const target = await startTarget(t, (request, response) => {
    seen.push(request.headers['x-api-key'])
    response.end()
  })
  const ways = [{ type: 'api_key', hide_credentials: false, in: 'header:X-API-Key' }]
  const rules = [
    { id: 'hidden', path: '/hidden', target: target.url, auth },
    { id: 'shown', path: '/shown', target: target.url, auth: { any_of: ways } },
    { id: 'own', path: '/own', target: target.url, auth, request_headers: { set: { 'x-api-key': 'ours' } } }
  ]
  const proxy = await startProxy(t, { clients: [client('acme')], rules })
  for (const path of ['/hidden', '/shown', '/own']) {
    const line = proxy.nextLine()
    await fetch(`http://127.0.0.1:${proxy.port}${path}`, { headers: { 'X-API-KEY': keyOf('acme') } })
    t.match(await line, { client: 'acme' })
  }
  t.same(seen, [undefined, keyOf('acme'), 'ours'])
  t.notOk(JSON.stringify(proxy.log).includes(keyOf('acme')))
})

t.test('anonymous lets in who shows nothing, and nobody who shows something wrong', async t => {
  const ways = [{ type: 'api_key', in: 'header:x-key' }, { type: 'anonymous' }]
  const proxy = await startProxy(t, { clients: [client('acme')], rules: [{ id: 'r1', path: '/', respond: {}, auth: { any_of: ways } }] })
  const get = async (headers: Record<string, string>) => (await fetch(`http://127.0.0.1:${proxy.port}/`, { headers })).status
  t.same([await get({}), await get({ 'x-key': keyOf('acme') }), await get({ 'x-key': 'wrong' })], [200, 200, 401])
})

t.test('VIP, normal and free clients have the limits of the table, nobody the least, and a change holds at once', async t => {
  // The table of the articles: base and peak in requests per second.
  const table = { vip: [100, 200], normal: [10, 50], free: [1, 5] } as const
  const tiers = Object.entries(table).map(([id, [limit, burst]]) => ({
    id,
    limits: [{ algorithm: 'token_bucket', limit, burst, window_ms: 1_000 }]
  }))
  const clients = Object.keys(table).map(tier => client(tier, { tier }))
  const rule = {
    id: 'r1',
    path: '/',
    respond: {},
    auth: { any_of: [{ type: 'api_key' }, { type: 'anonymous' }] },
    rate_limit: {
      limit: 1_000,
      burst: 2,
      key: 'client',
      by_tier: Object.fromEntries(Object.keys(table).map(tier => [tier, { limit: 1_000 }]))
    }
  }
  const clock = { nowMs: 1_000_000 }
  const proxy = await startProxy(t, { tiers, clients, rules: [rule] }, { limiter: new Limiter({ now: () => clock.nowMs }) })
  const passed = async (headers: Record<string, string>, requests: number) => {
    const answers = await Promise.all(Array.from({ length: requests }, () => fetch(`http://127.0.0.1:${proxy.port}/`, { headers })))
    return answers.filter(({ status }) => status === 200).length
  }
  for (const [tier, [limit, burst]] of Object.entries(table)) {
    t.equal(await passed({ 'x-api-key': keyOf(tier) }, burst + 20), burst, `${tier}: the peak`)
    clock.nowMs += 1_000
    t.equal(await passed({ 'x-api-key': keyOf(tier) }, limit + 20), limit, `${tier}: the base, a second later`)
  }
  t.equal(await passed({}, 20), 2, 'nobody')
  proxy.live.snapshot = toSnapshot({ tiers: tiers.map(tier => ({ ...tier, limits: [{ limit: 10, burst: 50 }] })), clients, rules: [rule] })
  clock.nowMs += 10_000
  t.equal(await passed({ 'x-api-key': keyOf('free') }, 60), 50, 'the free ones are normal from now on')
})

t.test('WebSockets and redirects are asked for credentials, too', async t => {
  const proxy = await startProxy(t, {
    clients: [client('acme')],
    rules: [
      { id: 'ws', path: '/ws', target: 'http://127.0.0.1:1', auth },
      { id: 'go', path: '/go', redirect: { location: 'https://other.test/' }, auth }
    ]
  })
  const upgrade = ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==']
  t.equal((await (await proxy.connect()).request('GET /ws', upgrade)).status, 401)
  t.equal((await fetch(`http://127.0.0.1:${proxy.port}/go`, { redirect: 'manual' })).status, 401)
})
