/** The plain hash `proxy_routes`, edited with `redis-cli` as in the first article (`docs/stores.md`), on real processes. */
import { Redis } from 'ioredis'
import t from 'tap'
import { type Echo, startEcho } from '../helpers/echo.ts'
import { type GatewayProcess, startGateway } from '../helpers/gateway.ts'
import { startRedis } from '../helpers/redis.ts'

async function targetOf(gateway: GatewayProcess, path: string): Promise<string> {
  const response = await fetch(gateway.proxyUrl + path)
  return response.ok ? ((await response.json()) as Echo).target : String(response.status)
}

async function until(gateway: GatewayProcess, path: string, expected: string, withinMs: number): Promise<number> {
  const begin = performance.now()
  while ((await targetOf(gateway, path)) !== expected)
    if (performance.now() - begin > withinMs) throw new Error(`${path} is not ${expected} after ${withinMs} ms`)
  return performance.now() - begin
}

t.test('a route set by hand is followed by every gateway, at once after PUBLISH, within a second without', async t => {
  const redis = await startRedis(t)
  const client = new Redis(redis.url)
  t.teardown(() => client.disconnect())
  const gateways = await Promise.all([startGateway(t, { SLUICE_STORE: redis.url }), startGateway(t, { SLUICE_STORE: redis.url })])
  const user = await startEcho(t, 'user')
  await client.hset('proxy_routes', '/api/v1/user', user)
  await client.publish('config.update', 'anything')
  for (const gateway of gateways) t.ok((await until(gateway, '/api/v1/user', 'user', 1000)) < 1000)
  t.equal(await targetOf(gateways[0]!, '/api/v1/user/7'), '404', 'the path is exact')
  await client.hset('proxy_routes', '/api/v1/order', await startEcho(t, 'order'))
  for (const gateway of gateways) await until(gateway, '/api/v1/order', 'order', 2000)
  await client.hdel('proxy_routes', '/api/v1/user')
  for (const gateway of gateways) await until(gateway, '/api/v1/user', '404', 2000)
  t.equal(await targetOf(gateways[1]!, '/api/v1/order'), 'order')
})

t.test('a rule of the API goes before a route of the hash, and the hash is not the API’s to write or export', async t => {
  const redis = await startRedis(t)
  const client = new Redis(redis.url)
  t.teardown(() => client.disconnect())
  await client.hset('proxy_routes', '/x', await startEcho(t, 'hash'), '/bad', 'ftp://nowhere')
  const gateway = await startGateway(t, { SLUICE_STORE: redis.url })
  await until(gateway, '/x', 'hash', 2000)
  const { body: problems } = await gateway.admin<{ items: { id: string }[] }>('GET', '/config/problems')
  t.equal(problems.items.length, 1, 'a bad target hurts only its own route')
  const { body: list } = await gateway.admin<{ items: { id: string }[] }>('GET', '/forward-rules?label=source:proxy_routes')
  const { id } = list.items[0]!
  t.match(await gateway.admin('DELETE', `/forward-rules/${id}`), { status: 400, body: { code: 'validation_failed' } })
  t.equal((await gateway.admin('POST', '/forward-rules', { id: 'api', path: '/x', target: await startEcho(t, 'api') })).status, 201)
  t.equal(await targetOf(gateway, '/x'), 'api')
  t.match((await gateway.admin<{ forward_rules: unknown[] }>('GET', '/config')).body.forward_rules, [{ id: 'api' }])
  t.equal((await gateway.admin('PUT', '/config?prune=true', { forward_rules: [{ id: 'kept', path: '/kept', respond: {} }] })).status, 200)
  t.equal(await targetOf(gateway, '/x'), 'hash', 'pruning leaves it alone')
  await client.flushall()
  await gateway.logged(line => line.reason === 'lost')
  t.equal(await targetOf(gateway, '/x'), 'hash', 'a flushed Redis deletes nothing')
})
