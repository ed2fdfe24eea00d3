/** The promise of the product: rules change live, on every instance at once, and no request ever notices. Real processes, real Redis. */
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { type Echo, startEcho } from '../helpers/echo.ts'
import { type GatewayProcess, startGateway } from '../helpers/gateway.ts'
import { type LoadAnswer, quantile, startLoad } from '../helpers/load.ts'
import { startRedis } from '../helpers/redis.ts'

const puts = 1000
const loadPerSecond = 150

t.test('a rule posted on one gateway is followed by the other', async t => {
  const redis = await startRedis(t)
  const [a, b] = await Promise.all([startGateway(t, { SLUICE_STORE: redis.url }), startGateway(t, { SLUICE_STORE: redis.url })])
  t.equal((await fetch(`${b.proxyUrl}/api/x`)).status, 404)
  const answer = await a.admin('POST', '/forward-rules', { id: 'r1', path: '/api', target: await startEcho(t, 'one') })
  t.equal(answer.status, 201)
  t.equal(((await (await fetch(`${a.proxyUrl}/api/x?y=1`)).json()) as Echo).url, '/api/x?y=1', 'the writer follows it at once')
  await b.logged(line => line.msg === 'configuration applied' && line.changes === 1)
  t.equal(((await (await fetch(`${b.proxyUrl}/api/x`)).json()) as Echo).target, 'one')
  t.equal((await b.admin('GET', '/forward-rules/r1')).headers.get('etag'), answer.headers.get('etag'), 'both know it by the same tag')
})

t.test('1,000 alternating PUTs on two gateways under load: nothing fails, nothing stale is followed', async t => {
  const redis = await startRedis(t)
  const env = { SLUICE_STORE: redis.url, SLUICE_ACCESS_LOG: 'false', SLUICE_LOG_LEVEL: 'info' }
  const gateways = await Promise.all([startGateway(t, env), startGateway(t, env)])
  const targets = [await startEcho(t, 'even'), await startEcho(t, 'odd')]
  const ruleOf = (version: number) => ({
    path: '/',
    target: targets[version % 2],
    request_headers: { set: { 'x-version': String(version) } }
  })
  // What a request may see: at least what its gateway was seen to follow before it began, at most what was being written when it ended.
  const seen = [0, 0]
  let writing = 0
  const judge =
    (gateway: number) =>
    ({ status, body }: LoadAnswer, began: unknown) => {
      if (status !== 200) return `status ${status}`
      const echo = JSON.parse(body) as Echo
      const version = Number(echo.headers['x-version'])
      if (version > writing || version < (began as number))
        return `gateway ${gateway} followed version ${version}, known were ${began} to ${writing}`
      return echo.target === ['even', 'odd'][version % 2] ? undefined : `version ${version} went to ${echo.target}`
    }
  t.equal((await gateways[0]!.admin('PUT', '/forward-rules/r', ruleOf(0))).status, 201)
  await sees(gateways[1]!, 0)
  const loads = gateways.map((gateway, at) =>
    startLoad({ url: gateway.proxyUrl, perSecond: loadPerSecond, mark: () => seen[at], judge: judge(at) })
  )
  const spread: number[] = []
  for (let version = 1; version <= puts; version++) {
    const writer = version % 2
    writing = version
    const begin = performance.now()
    const { status } = await gateways[writer]!.admin('PUT', '/forward-rules/r', ruleOf(version))
    if (status !== 200) t.fail(`PUT ${version} was answered ${status}`)
    seen[writer] = version
    await sees(gateways[1 - writer]!, version)
    seen[1 - writer] = version
    spread.push(performance.now() - begin)
  }
  const results = await Promise.all(loads.map(load => load.stop()))
  for (const { sent, failed } of results) {
    t.ok(sent > loadPerSecond, `${sent} requests were sent`)
    t.same(failed, {}, 'none failed')
  }
  t.comment(
    `PUT sent to followed by the other gateway: p50 ${quantile(spread, 0.5).toFixed(1)} ms, p99 ${quantile(spread, 0.99).toFixed(1)} ms`
  )
})

/** Asks the proxy until it follows `version`. */
async function sees(gateway: GatewayProcess, version: number): Promise<void> {
  for (;;) {
    const response = await fetch(gateway.proxyUrl)
    const body = await response.text()
    if (response.ok && Number((JSON.parse(body) as Echo).headers['x-version']) >= version) return
  }
}

t.test('a request in flight ends on the rule it started with', async t => {
  const gateway = await startGateway(t)
  const held: ServerResponse[] = []
  const slow = createServer((_request, response) => {
    held.push(response)
    slow.emit('held')
  }).listen(0, '127.0.0.1')
  await once(slow, 'listening')
  t.teardown(() => slow.close())
  await gateway.admin('PUT', '/forward-rules/r', { path: '/', target: `http://127.0.0.1:${(slow.address() as AddressInfo).port}` })
  const isHeld = once(slow, 'held')
  const inFlight = fetch(`${gateway.proxyUrl}/x`)
  await isHeld
  await gateway.admin('PUT', '/forward-rules/r', { path: '/', target: await startEcho(t, 'new') })
  t.equal(((await (await fetch(`${gateway.proxyUrl}/x?y=1`)).json()) as Echo).target, 'new', 'a new request follows the new rule')
  await gateway.admin('DELETE', '/forward-rules/r')
  t.equal((await fetch(`${gateway.proxyUrl}/x`)).status, 404, 'and after the delete none')
  held[0]!.end('old')
  t.equal(await (await inFlight).text(), 'old', 'the old one is not dropped')
})
