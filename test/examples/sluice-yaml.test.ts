/** examples/sluice.yaml, through the real store, compiler and index: what people copy from must work as its comments say. */
import { hash } from 'node:crypto'
import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { parseItem } from '../../src/control/parse-item.ts'
import { changesTo } from '../../src/core/catch-up.ts'
import { collections, documentKinds } from '../../src/core/change.ts'
import { ConfigState } from '../../src/core/config-state.ts'
import { failedTests } from '../../src/core/expectations.ts'
import { RequestFacts } from '../../src/core/facts.ts'
import { normalisePath } from '../../src/core/path.ts'
import { drained, type Route } from '../../src/core/route.ts'
import { openStore } from '../../src/stores/open-store.ts'

// A copy, as its head says to use it: a store may write to its file.
const file = join(t.testdir(), 'sluice.yaml')
copyFileSync(new URL('../../examples/sluice.yaml', import.meta.url), file)

async function loadExample(): Promise<ConfigState> {
  const store = openStore(`file:${file}`, { namespace: 'default' })
  t.teardown(() => store.close())
  const set = await store.load()
  return ConfigState.empty.apply({ revision: set.revision, changes: changesTo(ConfigState.empty, set) }, parseItem)
}

interface Ask {
  readonly method?: string
  readonly host?: string
  readonly ip?: string
  readonly headers?: Readonly<Record<string, string>>
}

function routeOf(
  state: ConfigState,
  url: string,
  { method = 'GET', host = 'api.test', ip = '203.0.113.7', headers = {} }: Ask = {}
): Route {
  const [path = '/', query] = url.split('?')
  const search = query === undefined ? '' : `?${query}`
  const facts = new RequestFacts(method, normalisePath(path)!, search, host, ip, { host, ...headers }, Date.parse('2026-12-01T00:00:00Z'))
  const route = state.snapshot.match(facts)
  if (route === undefined || route === drained) throw new Error(`${method} ${url} has no route`)
  return route
}

const loaded = loadExample()

t.test('every item of the example is live', async t => {
  const state = await loaded
  t.same(state.problems, [])
  t.ok(state.count('forward_rule') >= 12)
  t.ok(state.count('service') >= 5)
  for (const kind of documentKinds)
    for (const { item } of state.list(kind)) t.match(item.id, /^[a-z0-9-]+$/, `${collections[kind]}: ${item.id}`)
})

t.test('the tests in the example pass', async t => {
  const state = await loaded
  t.ok(state.tested.size > 0)
  t.same(failedTests(state, Date.now()), [])
})

const expected: readonly (readonly [promise: string, url: string, ask: Ask, rule: string, upstreamPath: string])[] = [
  ['a header chooses the version', '/api/users/7', { headers: { 'api-version': 'v2' } }, 'users-v2', '/api/users/7'],
  ['without it the plain rule takes the request', '/api/users/7?x=1', {}, 'users', '/api/users/7?x=1'],
  ['exact goes before prefix, and rewrites', '/api/users/me', {}, 'users-me', '/current-user'],
  ['regex takes what no prefix takes', '/api/usersX', {}, 'api-rest', '/api/usersX'],
  ['the office sees the preview, whatever the path', '/api/users/me', { ip: '192.168.1.20' }, 'office', '/api/users/me'],
  ['one method of one path', '/api/search?q=a%20b', {}, 'search', '/api/search?q=a%20b'],
  ['the other methods of it fall through', '/api/search', { method: 'POST' }, 'api-rest', '/api/search'],
  ['a prefix is stripped', '/files/2026/a.pdf', {}, 'files', '/2026/a.pdf'],
  ['a template rewrites by name', '/shops/9/items/7', {}, 'shop-items', '/v2/items/7'],
  ['a regex rewrites by group', '/img/640x480/cat.png?v=2', {}, 'images', '/resize/640/480/cat.png?v=2']
]

for (const [promise, url, ask, rule, upstreamPath] of expected) {
  t.test(promise, async t => {
    const route = routeOf(await loaded, url, ask)
    t.equal(route.rule.id, rule)
    t.equal(route.upstreamPath, upstreamPath)
  })
}

t.test('plain http is sent to https, on the host and all below it', async t => {
  const headers = { 'x-forwarded-proto': 'http' }
  const route = routeOf(await loaded, '/a?b=c', { host: 'www.example.com', headers })
  t.equal(route.rule.id, 'to-https')
  t.equal(route.location, 'https://www.example.com/a?b=c')
})

t.test('the canary gets its fifth, and each caller stays on one side', async t => {
  const state = await loaded
  const sideOf = (uid: number) => routeOf(state, '/api/orders', { headers: { cookie: `uid=u${uid}` } }).rule.id
  const sides = Array.from({ length: 2000 }, (_, uid) => sideOf(uid))
  const canary = sides.filter(side => side === 'orders-canary').length
  t.ok(canary > 300 && canary < 500, `${canary} of 2000`)
  t.same(
    sides.map((_, uid) => sideOf(uid)),
    sides
  )
})

t.test('the key that the example names is one of a VIP, whose limits are there', async t => {
  const { snapshot } = await loaded
  const owner = snapshot.keyOwner(hash('sha256', 'change-me-change-me', 'hex'))
  t.match(owner, { client: { id: 'acme', tier: 'vip' } })
  t.match(snapshot.tier('vip'), { limits: [{ spec: { limit: 100, burst: 200 } }] })
  t.equal(snapshot.rule('reports')?.limits.length, 2)
})

t.test('the maintenance answer waits, disabled', async t => {
  t.equal((await loaded).get('forward_rule', 'maintenance')?.item.enabled, false)
})
