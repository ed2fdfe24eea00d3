import { hash } from 'node:crypto'
import t from 'tap'
import { startAdmin } from '../helpers/admin.ts'

const key = 'a-key-of-thirty-two-characters-!'
const digest = hash('sha256', key, 'hex')
const vip = { id: 'vip', limits: [{ limit: 100, burst: 200 }] }

t.test('a client is answered without its keys, and found by tier and label', async t => {
  const { call } = await startAdmin(t)
  t.equal((await call('POST', '/tiers', vip)).status, 201)
  const written = { id: 'acme', tier: 'vip', labels: { team: 'a' }, api_keys: [{ id: 'k1', key, expires_at: '2030-01-01T00:00:00Z' }] }
  const created = await call('POST', '/clients', written)
  t.equal(created.status, 201)
  const [{ created_at }] = created.body.api_keys
  t.ok(Math.abs(Date.parse(created_at) - Date.now()) < 60_000, 'since now')
  t.same(created.body, {
    id: 'acme',
    description: '',
    labels: { team: 'a' },
    enabled: true,
    tier: 'vip',
    api_keys: [{ id: 'k1', expires_at: '2030-01-01T00:00:00Z', created_at }]
  })
  t.same((await call('GET', '/clients/acme')).body, created.body)
  t.equal((await call('GET', '/clients?tier=vip')).body.total, 1)
  t.equal((await call('GET', '/clients?tier=free')).body.total, 0)
  t.equal((await call('GET', '/clients?label=team:a')).body.total, 1)
})

t.test('a key that is left out is made, answered once, and is nowhere else', async t => {
  const { call, live } = await startAdmin(t)
  const created = await call('POST', '/clients', { id: 'acme', api_keys: [{ id: 'k1', expires_at: null }] })
  const made = created.body.api_keys[0].key
  t.match(made, /^slk_[A-Za-z0-9_-]{43}$/)
  t.equal(live.snapshot!.keyOwner(hash('sha256', made, 'hex'))?.client.id, 'acme')
  const answers = [
    await call('GET', '/clients/acme'),
    await call('PATCH', '/clients/acme', { description: 'x' }),
    await call('GET', '/config'),
    await call('GET', '/revisions/1')
  ]
  for (const { body } of answers) {
    t.notOk(JSON.stringify(body).includes(made))
    t.notMatch(JSON.stringify(body), /sha256/)
  }
  t.equal(live.snapshot!.keyOwner(hash('sha256', made, 'hex'))?.client.id, 'acme', 'it is kept by writes that do not name it')
  const dry = await call('POST', '/clients?dry_run=true', { id: 'other', api_keys: [{ id: 'k1' }] })
  t.notOk('key' in dry.body.api_keys[0], 'a dry run makes none')
})

t.test('what is exported can be written back, and no key is lost; another key is a change', async t => {
  const { call, live } = await startAdmin(t)
  await call('PUT', '/config', { tiers: [vip], clients: [{ id: 'acme', tier: 'vip', api_keys: [{ id: 'k1', key }] }] })
  const exported = (await call('GET', '/config')).body
  t.same(Object.keys(exported), ['forward_rules', 'services', 'tiers', 'clients'])
  t.match((await call('PUT', '/config?prune=true', exported)).body, { revision: 1 }, 'nothing to write')
  t.equal(live.snapshot!.keyOwner(digest)?.client.id, 'acme')
  await call('PUT', '/config', { clients: [{ id: 'acme', tier: 'vip', api_keys: [{ id: 'k1', key: `${key}!` }] }] })
  t.equal(live.snapshot!.keyOwner(digest), undefined)
  const unnamed = await call('PUT', '/config', { clients: [{ id: 'new', api_keys: [{ id: 'k1' }] }] })
  t.match(unnamed, { status: 400, body: { errors: [{ pointer: '/clients/0/api_keys/0' }] } }, 'nobody would learn a key that is made here')
})

t.test('another key under the same name is a change of the client, the same one is none', async t => {
  const { call, live } = await startAdmin(t)
  const written = { id: 'acme', api_keys: [{ id: 'k1', key }] }
  const first = await call('POST', '/clients', written)
  const at = first.body.api_keys[0].created_at
  t.equal((await call('PUT', '/clients/acme', written)).headers.etag, first.headers.etag, 'the same key')
  t.match((await call('PUT', '/config', { clients: [written] })).body, { updated: 0, unchanged: 1 })
  const claimed = { id: 'acme', api_keys: [{ id: 'k1', created_at: '2001-01-01T00:00:00Z' }] }
  t.equal((await call('PUT', '/clients/acme', claimed)).body.api_keys[0].created_at, at, 'the date is not for others to say')
  while (new Date().toISOString() === at) await new Promise(setImmediate)
  const other = { id: 'acme', api_keys: [{ id: 'k1', key: `${key}!`, created_at: at }] }
  t.match(await call('PUT', '/config', { clients: [other] }), {
    body: { updated: 1, unchanged: 0, diff: [{ op: 'update', id: 'acme', changed: ['/api_keys'] }] }
  })
  t.match(await call('PUT', '/clients/acme', written, { 'if-match': first.headers.etag! }), { status: 412 })
  await call('POST', '/revisions/1/restore')
  t.match((await call('GET', '/clients/acme')).headers.etag, first.headers.etag, 'what is restored is what it was')
  t.equal(live.snapshot!.keyOwner(digest)?.client.id, 'acme')
  t.match((await call('POST', '/revisions/1/restore')).body, { changes: [] }, 'and needs not be written again')
  t.match(await call('PUT', '/clients/acme', { api_keys: [{ id: 'k1', created_at: 'soon' }] }), {
    status: 400,
    body: { errors: [{ pointer: '/api_keys/0/created_at' }] }
  })
})

t.test('the store never holds a key that came by the API', async t => {
  const { call, store } = await startAdmin(t)
  await call('POST', '/clients', { id: 'acme', api_keys: [{ id: 'k1', key }] })
  const { items } = await store.load()
  t.notOk(JSON.stringify(items).includes(key))
  t.match(items, [{ kind: 'client', item: { api_keys: [{ key_sha256: digest }] } }])
})

t.test('a key belongs to one client; tiers that are named cannot go, and must be there', async t => {
  const { call } = await startAdmin(t)
  await call('POST', '/tiers', vip)
  await call('POST', '/clients', { id: 'acme', tier: 'vip', api_keys: [{ id: 'k1', key }] })
  t.match(await call('POST', '/clients', { id: 'other', api_keys: [{ id: 'k9', key }] }), {
    status: 409,
    body: { code: 'key_conflict', errors: [{ pointer: '/api_keys/0' }], detail: /'acme'/ }
  })
  t.match(await call('POST', '/clients', { id: 'other', tier: 'gold' }), {
    status: 422,
    body: { code: 'unknown_tier', errors: [{ pointer: '/tier' }] }
  })
  t.match(await call('DELETE', '/tiers/vip'), { status: 409, body: { code: 'tier_in_use', detail: /the client 'acme'/ } })
  const auth = { any_of: [{ type: 'api_key' }] }
  const limited = { id: 'r1', respond: {}, auth, rate_limit: { limit: 1, by_tier: { vip: { limit: 5 } } } }
  t.equal((await call('POST', '/forward-rules', limited)).status, 201)
  t.match(await call('PATCH', '/forward-rules/r1', { rate_limit: { by_tier: { gold: { limit: 5 } } } }), {
    status: 422,
    body: { code: 'unknown_tier', errors: [{ pointer: '/rate_limit/by_tier/gold' }] }
  })
  await call('DELETE', '/clients/acme')
  t.match(await call('DELETE', '/tiers/vip'), { status: 409, body: { detail: /the rule 'r1'/ } })
  await call('DELETE', '/forward-rules/r1')
  t.equal((await call('DELETE', '/tiers/vip')).status, 204)
})

t.test('one commit moves a key from one client to another', async t => {
  const { call, live } = await startAdmin(t)
  await call('POST', '/clients', { id: 'a', api_keys: [{ id: 'k1', key }] })
  const changes = [
    { op: 'put', kind: 'client', id: 'b', item: { api_keys: [{ id: 'k1', key }] } },
    { op: 'put', kind: 'client', id: 'a', item: { api_keys: [] } }
  ]
  t.equal((await call('POST', '/commits', { changes })).status, 200)
  t.equal(live.snapshot!.keyOwner(digest)?.client.id, 'b')
})

t.test('bad input is refused at its place', async t => {
  const { call } = await startAdmin(t)
  for (const [body, pointer] of [
    [{ api_keys: [{ id: 'k1', key: 'short' }] }, '/api_keys/0/key'],
    [{ api_keys: [{ id: 'k1', key, key_sha256: digest }] }, '/api_keys/0'],
    [
      {
        api_keys: [
          { id: 'k1', key: `${key}1` },
          { id: 'k1', key: `${key}2` }
        ]
      },
      '/api_keys/1/id'
    ],
    [
      {
        api_keys: [
          { id: 'k1', key },
          { id: 'k2', key }
        ]
      },
      '/api_keys/1'
    ],
    [{ jwt_subjects: [] }, '/jwt_subjects'],
    [{ tier: 5 }, '/tier']
  ] as const)
    t.match(await call('POST', '/clients', body), { status: 400, body: { errors: [{ pointer }] } }, pointer)
  for (const [body, pointer] of [
    [{ limits: [{ limit: 5, key: 'rule' }] }, '/limits/0/key'],
    [{ limits: [{ limit: 5 }, { limit: 5, by_tier: { a: { limit: 1 } } }] }, '/limits/1/by_tier'],
    [{ limits: { limit: 5 } }, '/limits']
  ] as const)
    t.match(await call('POST', '/tiers', body), { status: 400, body: { errors: [{ pointer }] } }, pointer)
  for (const [auth, pointer] of [
    [{ any_of: [] }, '/auth/any_of'],
    [{ any_of: [{ type: 'anonymous' }] }, '/auth/any_of'],
    [{ any_of: [{ type: 'magic' }] }, '/auth/any_of/0'],
    [{ any_of: [{ type: 'api_key' }, { type: 'api_key', in: 'header:x-api-KEY' }] }, '/auth/any_of/1/in']
  ] as const)
    t.match(await call('POST', '/forward-rules', { respond: {}, auth }), { status: 400, body: { errors: [{ pointer }] } }, pointer)
})

t.test('/explain knows the client by the credentials of the request', async t => {
  const { call } = await startAdmin(t)
  await call('POST', '/tiers', vip)
  await call('POST', '/clients', { id: 'acme', tier: 'vip', api_keys: [{ id: 'k1', key }] })
  await call('POST', '/forward-rules', {
    id: 'r1',
    respond: {},
    auth: { any_of: [{ type: 'api_key' }] },
    rate_limit: { limit: 5, key: 'client' }
  })
  const explain = async (headers: Record<string, string>) => (await call('POST', '/explain', { url: 'http://a/', headers })).body
  const known = await explain({ 'X-API-Key': key })
  t.match(known, { auth: 'passes', client: { id: 'acme', tier: 'vip' } })
  t.match(known.limits, [
    { limit: 'tier/vip/token_bucket/client', key: '=acme', allows: 200 },
    { limit: 'rule/r1/token_bucket/client', key: '=acme', allows: 5 }
  ])
  t.match(await explain({}), { auth: 'missing', client: null })
  t.match(await explain({ 'x-api-key': 'wrong' }), { auth: 'invalid', client: null })
})
