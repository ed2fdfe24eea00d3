import t from 'tap'
import type { AdminToken } from '../../src/control/access.ts'
import { openSharedCounts } from '../../src/stores/shared-counts.ts'
import { type Admin, type AdminOptions, startAdmin } from '../helpers/admin.ts'
import type { Teardown } from '../helpers/gateway.ts'
import { startRedis } from '../helpers/redis.ts'

const tokens: AdminToken[] = [
  { name: 'ci', role: 'editor', token: 'edit' },
  { name: 'grafana', role: 'viewer', token: 'view' }
]
const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
const limit = { max: 3, windowMs: 60_000 }

/** Asks over HTTP: status, and of the header fields those that are about limits. */
function listening({ app }: Admin, url: string) {
  return async (path: string, headers: Record<string, string> = {}, method = 'GET') => {
    const response = await fetch(url + path, { method, headers })
    const text = await response.text()
    const body = response.headers.get('content-type')?.includes('json') ? JSON.parse(text) : text
    const fields = Object.fromEntries([...response.headers].filter(([name]) => /^(x-ratelimit|retry-after|www-)/.test(name)))
    return { status: response.status, body, fields, app }
  }
}

async function start(t: Teardown, options: AdminOptions = {}) {
  const admin = await startAdmin(t, { rateLimit: { limit }, ...options })
  return { ...admin, ask: listening(admin, await admin.app.listen({ port: 0, host: '127.0.0.1' })) }
}

t.test('above the limit a caller is told when to come again, and others are served', async t => {
  const { ask, call } = await start(t, { tokens })
  for (const remaining of ['2', '1', '0']) {
    const { status, fields } = await ask('/status', bearer('edit'))
    t.equal(status, 200)
    t.match(fields, { 'x-ratelimit-limit': '3', 'x-ratelimit-remaining': remaining, 'x-ratelimit-reset': /^(5\d|60)$/ })
    t.notOk('retry-after' in fields)
  }
  const { status, body, fields } = await ask('/status', bearer('edit'))
  t.equal(status, 429)
  t.match(body, { code: 'rate_limited', title: 'Rate limited', detail: /^More than 3 calls in 60 s; try again in \d+ s$/ })
  t.match(fields, { 'x-ratelimit-remaining': '0', 'retry-after': /^(5\d|60)$/ })
  t.equal((await ask('/status', bearer('view'))).status, 200, 'another token')
  t.equal((await ask('/docs/json')).status, 200, 'nobody in particular')
  const written = await call('PUT', '/forward-rules/r', { path: '/', target: 'http://127.0.0.1:1' }, bearer('edit'))
  t.match(written, { status: 429, body: { code: 'rate_limited' } }, 'as the OpenAPI document says')
})

t.test('probes and metrics are never limited', async t => {
  const { ask } = await start(t)
  for (let time = 0; time < 5; time++)
    for (const path of ['/health', '/ready', '/metrics']) t.match(await ask(path), { status: 200, fields: {} }, path)
  t.match(await ask('/status'), { status: 200, fields: { 'x-ratelimit-remaining': '2' } })
})

t.test('without tokens it is the address that counts, whatever is asked for', async t => {
  const { ask } = await start(t)
  t.equal((await ask('/status')).status, 200)
  t.equal((await ask('/nothing')).status, 404)
  t.equal((await ask('/forward-rules', { origin: 'http://evil.example' }, 'POST')).status, 403)
  t.equal((await ask('/')).status, 429)
})

t.test('what a role may not do counts against its token', async t => {
  const { ask } = await start(t, { tokens })
  for (let time = 0; time < 3; time++) t.equal((await ask('/config', bearer('view'), 'PUT')).status, 403)
  t.equal((await ask('/status', bearer('view'))).status, 429)
  t.equal((await ask('/status', bearer('edit'))).status, 200)
})

t.test('after too many failed authentications no token of the address is looked at', async t => {
  const { ask } = await start(t, { tokens })
  for (const [path, headers] of [
    ['/status', bearer('wrong')],
    ['/nothing', bearer('wrong')],
    ['/forward-rules', {}]
  ] as const)
    t.match(await ask(path, headers), { status: 401, fields: { 'x-ratelimit-limit': '3', 'www-authenticate': /^Bearer/ } })
  for (const token of ['wrong', 'edit', 'view']) {
    const { status, body, fields } = await ask('/status', bearer(token))
    t.equal(status, 429, 'a right guess looks like a wrong one')
    t.match(body.detail, /^More than 3 failed authentications in 60 s/)
    t.match(fields, { 'retry-after': /^(5\d|60)$/ })
  }
  t.equal((await ask('/health')).status, 200)
  t.equal((await ask('/docs/json')).status, 200, 'what is public is')
})

t.test('failed authentications have a limit of their own, lower than that of calls', async t => {
  const { ask } = await start(t, { tokens, rateLimit: { limit: { max: 1_000, windowMs: 60_000 } } })
  for (let time = 0; time < 100; time++) await ask('/status', bearer('wrong'))
  t.match(await ask('/status', bearer('wrong')), { status: 429, fields: { 'x-ratelimit-limit': '100' } })
})

/** Patient: a machine that is busy must not make an instance count alone. */
async function sharing(t: Teardown, url: string, namespace: string, patienceMs = 60_000) {
  const counts = openSharedCounts({ url, namespace })
  t.teardown(() => counts.close())
  const { redis, keyPrefix } = counts
  if (redis.status !== 'ready') await new Promise(resolve => redis.once('ready', resolve))
  return { redis, keyPrefix, patienceMs }
}

t.test('instances that share a Redis count together; other namespaces count apart', async t => {
  const { url } = await startRedis(t)
  const [one, two] = [await sharing(t, url, 'a'), await sharing(t, url, 'a')]
  const a = await start(t, { tokens, rateLimit: { limit, shared: one } })
  const b = await start(t, { tokens, rateLimit: { limit, shared: two } })
  const other = await start(t, { tokens, rateLimit: { limit, shared: await sharing(t, url, 'b') } })
  for (const { ask } of [a, b, a]) t.equal((await ask('/status', bearer('edit'))).status, 200)
  for (const { ask } of [a, b]) t.equal((await ask('/status', bearer('edit'))).status, 429)
  t.match(await other.ask('/status', bearer('edit')), { status: 200, fields: { 'x-ratelimit-remaining': '2' } })
  for (const { ask } of [a, b, a]) t.equal((await ask('/status', bearer('wrong'))).status, 401)
  t.equal((await b.ask('/status', bearer('view'))).status, 429, 'failed authentications, too')
  t.same((await one.redis.keys('*')).sort(), [
    '{sluice:a}:admin-calls:failed:127.0.0.1',
    '{sluice:a}:admin-calls:token:ci',
    '{sluice:b}:admin-calls:token:ci'
  ])
  for (const key of await one.redis.keys('*')) t.ok((await one.redis.pttl(key)) > 0, 'each runs out by itself')
})
