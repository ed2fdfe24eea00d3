/** The five shapes of the articles that Sluice grew from (`docs/design.md`), as written there, on a real process. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { type Echo, startEcho } from '../helpers/echo.ts'
import { type GatewayProcess, startGateway, tempFolder } from '../helpers/gateway.ts'

async function targetOf(gateway: GatewayProcess, path: string, init: RequestInit = {}): Promise<string> {
  const response = await fetch(gateway.proxyUrl + path, init)
  return response.ok ? ((await response.json()) as Echo).target : String(response.status)
}

t.test('{"id","source_ip","target_service","weight","priority"} is a whole rule', async t => {
  const gateway = await startGateway(t, { SLUICE_TRUSTED_PROXIES: '127.0.0.1' })
  await gateway.admin('POST', '/services', { id: 'user-service-v2', targets: [{ url: await startEcho(t, 'v2') }] })
  const written = { id: 'rule-001', source_ip: '192.168.1.0/24', target_service: 'user-service-v2', weight: 80, priority: 10 }
  const { status, body } = await gateway.admin('POST', '/forward-rules', written)
  t.equal(status, 201)
  t.match(body, { id: 'rule-001', source_ip: ['192.168.1.0/24'], target_service: 'user-service-v2', weight: 80, priority: 10, path: '/' })
  t.equal(await targetOf(gateway, '/any', { headers: { 'x-forwarded-for': '192.168.1.7' } }), 'v2')
  t.equal(await targetOf(gateway, '/any', { headers: { 'x-forwarded-for': '192.168.2.7' } }), '404')
})

t.test('{"path","target","method"} in YAML is a whole rule', async t => {
  const folder = tempFolder(t)
  writeFileSync(
    join(folder, 'sluice.yaml'),
    `forward_rules:\n  - id: r\n    path: /api/v1/user\n    target: ${await startEcho(t, 'user')}\n    method: GET\n`
  )
  const gateway = await startGateway(t, {}, folder)
  t.equal(await targetOf(gateway, '/api/v1/user/7'), 'user')
  t.equal(await targetOf(gateway, '/api/v1/user/7', { method: 'POST' }), '404')
})

t.test('the header Api-Version chooses the version', async t => {
  const gateway = await startGateway(t)
  for (const version of ['v1', 'v2'])
    await gateway.admin('POST', '/forward-rules', {
      path: '/api/users',
      headers: { 'Api-Version': version },
      target: await startEcho(t, version)
    })
  t.equal(await targetOf(gateway, '/api/users', { headers: { 'api-version': 'v1' } }), 'v1')
  t.equal(await targetOf(gateway, '/api/users', { headers: { 'api-version': 'v2' } }), 'v2')
  t.equal(await targetOf(gateway, '/api/users'), '404')
})

t.test('weights 80 and 20 share 10,000 requests within one percent', async t => {
  const gateway = await startGateway(t, { SLUICE_ACCESS_LOG: 'false' })
  for (const [name, weight] of [
    ['stable', 80],
    ['canary', 20]
  ] as const)
    await gateway.admin('POST', '/forward-rules', { id: name, path: '/', target: await startEcho(t, name), weight })
  const counts: Record<string, number> = {}
  const one = async (): Promise<void> => {
    for (let at = 0; at < 500; at++) {
      const name = await targetOf(gateway, '/')
      counts[name] = (counts[name] ?? 0) + 1
    }
  }
  await Promise.all(Array.from({ length: 20 }, one))
  t.same(Object.keys(counts).sort(), ['canary', 'stable'])
  t.ok(Math.abs(counts.stable! - 8000) <= 100, `80 % of 10,000: ${counts.stable}`)
})

t.test('an exact path beats a prefix, a prefix beats a pattern', async t => {
  const gateway = await startGateway(t)
  const rules = [
    { path: '^/api/.*$', path_type: 'regex', target: await startEcho(t, 'regex') },
    { path: '/api/users', path_type: 'prefix', target: await startEcho(t, 'prefix') },
    { path: '/api/users/me', path_type: 'exact', target: await startEcho(t, 'exact') }
  ]
  for (const rule of rules) t.equal((await gateway.admin('POST', '/forward-rules', rule)).status, 201)
  t.equal(await targetOf(gateway, '/api/users/me'), 'exact')
  t.equal(await targetOf(gateway, '/api/users/7'), 'prefix')
  t.equal(await targetOf(gateway, '/api/orders'), 'regex')
})
