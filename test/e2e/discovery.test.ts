/** A real gateway whose targets come from a registry: used within a second, left within a second, and kept while the registry is away. */
import t from 'tap'
import { startNameServer } from '../helpers/dnsmasq.ts'
import { startEtcd } from '../helpers/etcd.ts'
import { type GatewayProcess, startGateway, type Teardown } from '../helpers/gateway.ts'
import { startLoad } from '../helpers/load.ts'
import { startConsul } from '../helpers/registry-server.ts'
import { startTarget } from '../helpers/target.ts'

function named(t: Teardown, name: string) {
  return startTarget(t, (_request, response) => void response.end(name))
}

async function bodyOf({ proxyUrl }: GatewayProcess): Promise<string> {
  const response = await fetch(proxyUrl)
  const text = await response.text()
  return response.status === 200 ? text : String(response.status)
}

/** Asks until each of the last `names.length * 2` answers is one of `names`, and all of them are among those. With how long that took. */
async function until(gateway: GatewayProcess, ...names: readonly string[]): Promise<number> {
  const from = performance.now()
  for (;;) {
    const took = performance.now() - from
    const answers = await Promise.all(Array.from({ length: names.length * 2 }, () => bodyOf(gateway)))
    if ([...new Set(answers)].sort().join() === [...names].sort().join()) return took
  }
}

async function createService(gateway: GatewayProcess, service: object): Promise<void> {
  const { status, body } = await gateway.admin('POST', '/services', { id: 'users', ...service })
  if (status !== 201) throw new Error(JSON.stringify(body))
  await gateway.admin('POST', '/forward-rules', { path: '/', target_service: 'users' })
}

t.test('consul: targets come and go within a second, stay while it is away, and an empty answer must be confirmed', async t => {
  const [consul, a, b] = [await startConsul(t, 's3cret'), await named(t, 'a'), await named(t, 'b')]
  const gateway = await startGateway(t)
  consul.register({ port: a.port })
  const discovery = { type: 'consul', address: consul.address, service: 'users', token: 's3cret' }
  await createService(gateway, { discovery })
  await until(gateway, 'a')
  consul.register({ port: a.port }, { port: b.port })
  const usedMs = await until(gateway, 'a', 'b')
  consul.register({ port: b.port })
  const leftMs = await until(gateway, 'b')
  t.comment(`used after ${Math.round(usedMs)} ms, left after ${Math.round(leftMs)} ms`)
  t.ok(usedMs < 1_000 && leftMs < 1_000, 'both within a second')

  await consul.kill()
  await gateway.logged(line => String(line.msg).startsWith('consul does not answer'))
  const answers = await Promise.all(Array.from({ length: 100 }, () => bodyOf(gateway)))
  t.same([...new Set(answers)], ['b'], 'no request fails while the source is away')
  t.match((await gateway.admin('GET', '/services/users/discovery')).body, {
    source: { type: 'consul', up: false, error: String, targets: [{ url: b.url, weight: 1 }] }
  })
  t.match((await gateway.admin<string>('GET', '/metrics')).body, /sluice_discovery_up\{service="users"\} 0/)
  await consul.restart()
  consul.register({ port: a.port })
  t.ok((await until(gateway, 'a')) < 3_000, 'it is followed again')
  consul.register()
  await until(gateway, '503')
})

t.test('the token is in no answer and in no log line, and stays when the service is written back', async t => {
  const [consul, a, b] = [await startConsul(t, 's3cret'), await named(t, 'a'), await named(t, 'b')]
  const gateway = await startGateway(t)
  consul.register({ port: a.port })
  await createService(gateway, { discovery: { type: 'consul', address: consul.address, service: 'users', token: 's3cret' } })
  await until(gateway, 'a')
  const { body } = await gateway.admin('GET', '/services/users')
  t.equal((await gateway.admin('PUT', '/services/users', { ...body, description: 'written back' })).status, 200)
  const other = await gateway.admin('PATCH', '/services/users', { discovery: { tags: [] } })
  t.equal(other.status, 200)
  // Another block, so another source: it must have the token.
  consul.register({ port: b.port })
  await until(gateway, 'b')
  t.match((await gateway.admin('GET', '/services/users/discovery')).body, { id: 'users', source: { type: 'consul' } })
  for (const path of ['/services/users', '/services', '/config', '/revisions/1', '/revisions/3', '/services/users/discovery', '/metrics'])
    t.notMatch(JSON.stringify((await gateway.admin('GET', path)).body), /s3cret/, path)
  t.notMatch(JSON.stringify(gateway.log), /s3cret/)
})

t.test('etcd: static and found targets together; a change of the service leaves its source alone', async t => {
  const [etcd, a, b] = [await startEtcd(t), await named(t, 'a'), await named(t, 'b')]
  const gateway = await startGateway(t)
  const discovery = { type: 'etcd', address: `http://${etcd.host}`, prefix: '/services/users/' }
  await createService(gateway, { targets: [{ url: a.url }], discovery })
  await until(gateway, 'a')
  await etcd.put('/services/users/b', `127.0.0.1:${b.port}`)
  t.ok((await until(gateway, 'a', 'b')) < 1_000, 'used within a second')
  await gateway.admin('PATCH', '/services/users', { description: 'changed' })
  await until(gateway, 'a', 'b')
  await etcd.del('/services/users/b')
  t.ok((await until(gateway, 'a')) < 1_000, 'left within a second')
  await gateway.stop()
  t.equal(gateway.log.filter(line => String(line.msg).startsWith('etcd answers')).length, 1, 'one source, from begin to end')
})

t.test('one empty answer alone costs no request; with allow_empty it is believed', async t => {
  const [consul, a] = [await startConsul(t), await named(t, 'a')]
  const gateway = await startGateway(t)
  consul.register({ port: a.port })
  await createService(gateway, { discovery: { type: 'consul', address: consul.address, service: 'users' } })
  await until(gateway, 'a')
  const load = startLoad({ url: gateway.proxyUrl, perSecond: 100, judge: ({ body }) => (body === 'a' ? undefined : body) })
  for (let time = 0; time < 5; time++) {
    consul.register()
    // The next question comes when the empty answer is taken, and the one that shall confirm it later than that.
    await consul.asked()
    consul.register({ port: a.port })
    await consul.asked()
  }
  const { sent, failed } = await load.stop()
  t.same(failed, {}, `none of ${sent}`)
  await gateway.admin('PATCH', '/services/users', { discovery: { allow_empty: true } })
  await until(gateway, 'a')
  consul.register()
  await until(gateway, '503')
  t.match((await gateway.admin('GET', '/services/users/discovery')).body, { source: { up: true, targets: [] } })
})

t.test('a rollout of another block: its share goes to what that finds, the others to what was found, and nobody waits', async t => {
  const [consul, a, b] = [await startConsul(t), await named(t, 'a'), await named(t, 'b')]
  consul.register({ port: a.port, tags: ['v1'] }, { port: b.port, tags: ['v2'] })
  const gateway = await startGateway(t, { SLUICE_STORE: 'memory:', SLUICE_TRUSTED_PROXIES: '127.0.0.1' })
  const withTag = (tag: string) => ({ discovery: { type: 'consul', address: consul.address, service: 'users', tags: [tag] } })
  await createService(gateway, withTag('v1'))
  await until(gateway, 'a')
  const [clients, answers] = [Array.from({ length: 100 }, (_, index) => `10.0.0.${index}`), new Map<string, string>()]
  let asked = 0
  const load = startLoad({
    url: gateway.proxyUrl,
    perSecond: 200,
    mark: () => clients[asked % clients.length],
    headers: () => ({ 'x-forwarded-for': clients[asked++ % clients.length]! }),
    judge: ({ body }, client) => {
      answers.set(String(client), body)
      return body === 'a' || body === 'b' ? undefined : body
    }
  })
  const share = async (name: string, test: (count: number) => boolean): Promise<void> => {
    while (!test([...answers.values()].filter(body => body === name).length)) await gateway.admin('GET', '/rollouts')
  }
  const begin = (id: string, steps: object[]) =>
    gateway.admin('POST', '/rollouts', {
      id,
      changes: [{ op: 'put', kind: 'service', id: 'users', item: withTag('v2') }],
      steps,
      guard: { max_error_rate_increase: 0.01, min_requests: 0 }
    })
  t.equal((await begin('first', [{ percent: 30, hold_ms: 600_000 }])).status, 201)
  await share('b', count => count >= 15 && count <= 45)
  await consul.kill()
  await gateway.logged(line => String(line.msg).startsWith('consul does not answer'))
  answers.clear()
  await share('b', count => count >= 15)
  t.ok([...answers.values()].includes('a'), 'both sides have theirs while the source is away')
  t.equal((await gateway.admin('POST', '/rollouts/first/abort')).status, 200)
  await share('b', count => count === 0)
  t.equal((await begin('again', [{ percent: 30, hold_ms: 600_000 }])).status, 201)
  await consul.restart()
  await share('b', count => count >= 15)
  t.equal((await gateway.admin('POST', '/rollouts/again/abort')).status, 200)
  t.equal((await begin('through', [{ percent: 50, hold_ms: 200 }])).status, 201)
  await share('a', count => count === 0)
  const { sent, failed } = await load.stop()
  t.same(failed, {}, `none of ${sent}`)
})

t.test('a block that cannot be followed is refused with a pointer', async t => {
  const gateway = await startGateway(t)
  const write = (discovery: object) => gateway.admin('POST', '/services', { discovery })
  t.match(await write({ type: 'consul', service: 'users' }), { status: 400, body: { errors: [{ pointer: '/discovery/address' }] } })
  t.match(await write({ type: 'dns', name: 'x', token: 't' }), { status: 400, body: { errors: [{ pointer: '/discovery/token' }] } })
  t.match(await write({ type: 'dns', name: 'x', server: 'ns' }), { status: 400, body: { errors: [{ pointer: '/discovery/server' }] } })
})

t.test('dns: a name server that dies costs no request', async t => {
  const a = await named(t, 'a')
  const records = ['host-record=users.internal,127.0.0.1,1']
  const server = await startNameServer(t, records)
  const gateway = await startGateway(t)
  await createService(gateway, {
    discovery: { type: 'dns', name: 'users.internal', port: a.port, server: server.address, refresh_ms: 100 }
  })
  await until(gateway, 'a')
  await server.kill()
  await gateway.logged(line => String(line.msg).startsWith('dns does not answer'))
  t.same([...new Set(await Promise.all(Array.from({ length: 100 }, () => bodyOf(gateway))))], ['a'])
  await server.names(records)
  await gateway.logged(line => String(line.msg).startsWith('dns answers') && gateway.log.indexOf(line) > gateway.log.findIndex(isLoss))
  // The name is gone: that is an answer, and a second one confirms it.
  await server.names([])
  await until(gateway, '503')
})

function isLoss(line: Record<string, unknown>): boolean {
  return String(line.msg).startsWith('dns does not answer')
}
