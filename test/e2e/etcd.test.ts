/** Gateways that share an etcd: a change of one, and an edit by hand, reach them all. */
import t from 'tap'
import { startEtcd } from '../helpers/etcd.ts'
import { startGateway } from '../helpers/gateway.ts'

t.test('a rule of one gateway and a rule put by hand are followed by every gateway', async t => {
  const etcd = await startEtcd(t)
  const env = { SLUICE_STORE: `etcd://${etcd.host}/gateways` }
  const [a, b] = await Promise.all([startGateway(t, env), startGateway(t, env)])
  const bodyOf = async (url: string) => (await fetch(url)).text()
  t.equal((await a.admin('PUT', '/forward-rules/api', { path: '/api', respond: { body: 'by the API' } })).status, 201)
  await b.logged(line => line.msg === 'configuration applied' && line.changes === 1)
  t.equal(await bodyOf(`${b.proxyUrl}/api`), 'by the API')

  await etcd.put('/gateways/forward_rule/hand', JSON.stringify({ path: '/hand', respond: { body: 'by hand' } }))
  // By its notice, or by a whole load when that came at a bad time.
  await Promise.all([a, b].map(gateway => gateway.logged(line => line.msg === 'configuration applied' && Number(line.revision) >= 2)))
  for (const { proxyUrl } of [a, b]) t.equal(await bodyOf(`${proxyUrl}/hand`), 'by hand')
  t.match((await b.admin('GET', '/revisions')).body, { items: [{ by: 'etcd', revision: 2 }, { revision: 1 }] })

  await etcd.kill()
  await Promise.all([a, b].map(gateway => gateway.logged(line => String(line.msg).startsWith('the store does not answer'))))
  t.equal(await bodyOf(`${a.proxyUrl}/hand`), 'by hand')
  t.match(await a.admin('DELETE', '/forward-rules/hand'), { status: 503, body: { code: 'store_unavailable' } })
  const killedAt = Date.now()
  await etcd.restart()
  await a.logged(line => line.msg === 'the store answers' && Number(line.time) >= killedAt)
  t.equal((await a.admin('DELETE', '/forward-rules/hand')).status, 204)
})
