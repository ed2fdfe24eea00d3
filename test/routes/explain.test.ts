import t from 'tap'
import { type Admin, startAdmin } from '../helpers/admin.ts'

const target = 'http://127.0.0.1:9'

async function withRules(t: Parameters<typeof startAdmin>[0]): Promise<Admin> {
  const admin = await startAdmin(t)
  const { status, body } = await admin.call('PUT', '/config', {
    services: [
      {
        id: 's',
        targets: [{ url: 'http://127.0.0.1:1' }, { url: 'http://127.0.0.1:2', weight: 3 }, { url: 'http://127.0.0.1:3', weight: 0 }]
      },
      {
        id: 'w',
        targets: [{ url: 'http://127.0.0.1:1' }, { url: 'http://127.0.0.1:2', weight: 3 }],
        balancer: { algorithm: 'weighted_round_robin' }
      }
    ],
    forward_rules: [
      { id: 'users', path: '/api/users', target_service: 's', strip_prefix: true },
      { id: 'weighted', path: '/w', target_service: 'w' },
      { id: 'api', path: '/api', target },
      { id: 'v2', path: '/api/users', headers: { 'api-version': 'v2' }, host: 'api.example.com', target },
      { id: 'old', path: '/old', redirect: { location: 'https://{host}/new{query}' } },
      { id: 'inside', path: '/inside', source_ip: '10.0.0.0/8', target },
      { id: 'later', path: '/later', active: { from: '2030-01-01T00:00:00Z' }, target },
      { id: 'zero', path: '/zero', target, weight: 0 }
    ]
  })
  if (status !== 200) throw new Error(JSON.stringify(body))
  return admin
}

t.test('explain says which rule takes a request, where it goes and what else was near', async t => {
  const { call } = await withRules(t)
  const { status, body } = await call('POST', '/explain', { method: 'GET', url: 'http://api.example.com:8080/api/./users/7?page=2' })
  t.equal(status, 200)
  t.match(body, {
    outcome: 'forward',
    rule: 'users',
    upstream_path: '/7?page=2',
    target_service: 's',
    target: null,
    won_by: 'path',
    runners_up: [{ rule: 'api', lost_by: 'path' }],
    failed: [{ rule: 'v2', predicate: 'headers.api-version' }],
    request: { method: 'GET', host: 'api.example.com', path: '/api/users/7', query: '?page=2', source_ip: '127.0.0.1' }
  })
})

t.test('explain shares the traffic out as the balancer does', async t => {
  const { call } = await withRules(t)
  const targets = async (url: string) => (await call('POST', '/explain', { method: 'GET', url })).body.targets
  t.strictSame(await targets('/api/users'), [
    { url: 'http://127.0.0.1:1', weight: 1, share: 0.5, out: [] },
    { url: 'http://127.0.0.1:2', weight: 3, share: 0.5, out: [] },
    { url: 'http://127.0.0.1:3', weight: 0, share: 0, out: [] }
  ])
  t.strictSame(
    (await targets('/w')).map(({ share }: { share: number }) => share),
    [0.25, 0.75]
  )
  t.strictSame(await targets('/api'), [{ url: target, weight: 1, share: 1, out: [] }])
  t.strictSame(await targets('/nowhere'), [])
})

t.test('explain reads host, headers, address and time as the proxy does', async t => {
  const { call } = await withRules(t)
  const ruleFor = async (asked: object) => (await call('POST', '/explain', { method: 'GET', ...asked })).body.rule
  t.equal(await ruleFor({ url: '/api/users', headers: { Host: 'API.example.com.', 'API-Version': 'v2' } }), 'v2')
  t.equal(await ruleFor({ url: '/api/users', headers: { host: 'api.example.com', 'api-version': ['v2'] } }), 'v2')
  t.equal(await ruleFor({ url: '/inside' }), null)
  t.equal(await ruleFor({ url: '/inside', source_ip: '10.1.2.3' }), 'inside')
  t.equal(await ruleFor({ url: '/inside', source_ip: '::ffff:10.1.2.3' }), 'inside')
  t.equal(await ruleFor({ url: '/later' }), null)
  t.equal(await ruleFor({ url: '/later', at: '2030-01-01T00:00:00Z' }), 'later')
})

t.test('explain names a redirect, an empty group and nothing at all', async t => {
  const { call } = await withRules(t)
  const ask = async (url: string) => (await call('POST', '/explain', { method: 'GET', url, headers: { host: 'a.example' } })).body
  t.match(await ask('/old?x=1'), { outcome: 'redirect', location: 'https://a.example/new?x=1', upstream_path: null, targets: [] })
  t.match(await ask('/zero'), { outcome: 'drained', rule: null })
  t.match(await ask('/nowhere'), { outcome: 'no_rule', rule: null, won_by: null, group: [] })
})

t.test('what the proxy would refuse is refused with its place', async t => {
  const { call } = await withRules(t)
  for (const [asked, pointer] of [
    [{ url: '/a%2fb' }, '/url'],
    [{ url: 'ftp://x/' }, '/url'],
    [{ url: 'nonsense' }, '/url'],
    [{ url: '/', source_ip: '10.0.0.300' }, '/source_ip'],
    [{ url: '/', headers: { host: 'a b' } }, '/headers/host'],
    [{ url: '/', at: 'tomorrow' }, '/at'],
    [{ url: '/', ip: '10.0.0.1' }, '/ip'],
    [{ method: 'GET' }, '/url'],
    [{ url: '/', headers: { 'b ad': 'x' } }, '/headers/b ad']
  ] as const) {
    const { status, body } = await call('POST', '/explain', asked)
    t.match({ status, body }, { status: 400, body: { code: 'validation_failed', errors: [{ pointer }] } }, JSON.stringify(asked))
  }
})

t.test('explain moves no split on', async t => {
  const { call, live } = await startAdmin(t)
  const rule = { path: '/split', respond: {}, weight: 1 }
  await call('PUT', '/config', {
    forward_rules: [
      { id: 'a', ...rule },
      { id: 'b', ...rule }
    ]
  })
  const first = (await call('POST', '/explain', { method: 'GET', url: '/split' })).body
  t.equal((await call('POST', '/explain', { method: 'GET', url: '/split' })).body.rule, first.rule)
  t.strictSame(first.group, [
    { rule: 'a', weight: 1, share: 0.5 },
    { rule: 'b', weight: 1, share: 0.5 }
  ])
  t.equal(live.state?.revision, 1)
})

t.test('explain tells which targets are out, and gives their share to the others', async t => {
  const service = { id: 's', targets: [{ url: 'http://127.0.0.1:1' }, { url: 'http://127.0.0.1:2' }, { url: 'http://127.0.0.1:3' }] }
  const { call, live, services } = await startAdmin(t)
  await call('PUT', '/config', { services: [service], forward_rules: [{ id: 'r', target_service: 's' }] })
  services.get(live.snapshot!.service('s')!).target('http://127.0.0.1:2')!.setOut('breaker')
  const { body } = await call('POST', '/explain', { url: '/' })
  t.strictSame(body.targets, [
    { url: 'http://127.0.0.1:1', weight: 1, share: 0.5, out: [] },
    { url: 'http://127.0.0.1:2', weight: 1, share: 0, out: ['breaker'] },
    { url: 'http://127.0.0.1:3', weight: 1, share: 0.5, out: [] }
  ])
})
