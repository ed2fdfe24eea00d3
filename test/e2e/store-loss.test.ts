/** The store may die, come back empty, or never answer: traffic goes on, and what was live is not forgotten. */
import { Redis } from 'ioredis'
import t from 'tap'
import { type GatewayProcess, startGateway, tempFolder } from '../helpers/gateway.ts'
import { startRedis } from '../helpers/redis.ts'

const bodyOf = async (gateway: GatewayProcess) => (await fetch(gateway.proxyUrl)).text()
const rule = (body: string) => ({ path: '/', respond: { body } })

t.test('without Redis a gateway that has run before serves what it served, and follows when Redis is back', async t => {
  const redis = await startRedis(t)
  const env = { SLUICE_STORE: redis.url, SLUICE_INSTANCE: 'one' }
  const first = await startGateway(t, env)
  t.equal((await first.admin('PUT', '/forward-rules/r', rule('kept'))).status, 201)
  await first.stop()
  await redis.kill()
  const second = await startGateway(t, env, first.folder)
  t.equal(await bodyOf(second), 'kept')
  t.match(await second.admin('GET', '/ready'), { status: 200, body: { source: 'last_good' } })
  t.match((await second.admin('GET', '/health')).body, {
    status: 'DEGRADED',
    details: { store: { status: 'DOWN' }, config: { source: 'last_good' } }
  })
  t.match(await second.admin('PUT', '/forward-rules/r', rule('no')), { status: 503, body: { code: 'store_unavailable' } })
  await redis.restart()
  await second.logged(line => line.msg === 'the store answers')
  const other = await startGateway(t, { SLUICE_STORE: redis.url })
  t.equal((await other.admin('PUT', '/forward-rules/r', rule('new'))).status, 200)
  await second.logged(line => line.msg === 'configuration applied' && line.by === 'anonymous')
  t.equal(await bodyOf(second), 'new')
  t.match((await second.admin('GET', '/health')).body, { status: 'UP' })
})

t.test('without Redis and without a past a gateway is not ready, and never says 404', async t => {
  const gateway = await startGateway(t, { SLUICE_STORE: 'redis://127.0.0.1:1' })
  t.equal((await gateway.admin('GET', '/ready')).status, 503)
  const answer = await fetch(gateway.proxyUrl)
  t.equal(answer.status, 503)
  t.match(await answer.json(), { code: 'not_ready' })
})

t.test('a flushed Redis deletes nothing; one call gives it back what was live, and every gateway goes on', async t => {
  const redis = await startRedis(t)
  const env = { SLUICE_STORE: redis.url }
  const [a, b] = await Promise.all([startGateway(t, env), startGateway(t, env)])
  await a.admin('PUT', '/forward-rules/r', rule('kept'))
  await b.logged(line => line.changes === 1)
  const client = new Redis(redis.url)
  await client.flushall()
  client.disconnect()
  await Promise.all([a, b].map(gateway => gateway.logged(line => line.reason === 'lost')))
  t.same(await Promise.all([a, b].map(bodyOf)), ['kept', 'kept'])
  t.match((await a.admin('GET', '/health')).body, { status: 'DEGRADED', details: { config: { estranged: 'lost' } } })
  t.match(await a.admin('PUT', '/forward-rules/r', rule('no')), { status: 503, body: { code: 'store_lost' } })
  const restarted = await startGateway(t, env, tempFolder(t))
  t.equal((await restarted.admin('GET', '/ready')).status, 200, 'a gateway without a past takes the empty store for new')
  t.match(await a.admin('POST', '/config/recover', { keep: 'instance' }), { status: 200 })
  await b.logged(line => line.msg === 'the store is followed again')
  await restarted.logged(line => line.msg === 'configuration applied' && line.changes === 1)
  t.equal((await b.admin('PUT', '/forward-rules/r', rule('after'))).status, 200)
  for (const gateway of [a, restarted])
    await gateway.logged(line => line.msg === 'configuration applied' && line.by === 'anonymous' && Number(line.revision) >= 3)
  t.same(await Promise.all([a, b, restarted].map(bodyOf)), ['after', 'after', 'after'])
  t.match(await a.admin('POST', '/config/recover', { keep: 'instance' }), { status: 409, body: { code: 'not_estranged' } })
})
