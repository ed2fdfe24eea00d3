/** While a rollout is running, each request follows one of two configurations and is counted on its side. */
import t from 'tap'
import type { ConfigState } from '../../src/core/config-state.ts'
import { RolloutTraffic } from '../../src/core/rollout-traffic.ts'
import { put, rollOut, stateOf } from '../core/make-rollout.ts'
import { type ProxyApp, startProxy } from '../helpers/proxy-app.ts'
import { startRawTarget, startTarget } from '../helpers/target.ts'

const putRule = (id: string, item: object) => ({ op: 'put', kind: 'forward_rule', id, item }) as const

/** Makes the proxy follow a state in which a rollout is running. */
function follow({ live }: ProxyApp, state: ConfigState): RolloutTraffic {
  live.snapshot = state.snapshot
  live.rollout = RolloutTraffic.next(undefined, state)!
  return live.rollout
}

async function send(proxy: ProxyApp, path: string): Promise<number> {
  const client = await proxy.connect()
  const line = proxy.nextLine()
  client.send(`GET ${path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n`)
  return (await line).status
}

t.test('whoever is touched follows the candidate, and failures of the target are counted', async t => {
  const target = await startTarget(t, (request, response) => {
    response.statusCode = request.url === '/bad' ? 500 : 404
    response.end()
  })
  const broken = await startRawTarget(t, async connection => {
    await connection.head()
    connection.send('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart')
    connection.reset()
  })
  const proxy = await startProxy(t, {})
  const base = stateOf(put('forward_rule', 'r', { path: '/', respond: { body: 'old' } }))
  const changes = [putRule('r', { path: '/', target: target.url }), putRule('broken', { path: '/broken', target: broken.url })]
  const traffic = follow(proxy, rollOut(base, changes, { percents: [100] }))
  t.equal(await send(proxy, '/'), 404)
  t.match(
    traffic.report(),
    { candidate: { requests: 1, errors: 0 }, current: { requests: 0 } },
    'what the client asked wrong is no failure'
  )
  t.equal(await send(proxy, '/bad'), 500)
  t.match(traffic.report().candidate, { requests: 2, errors: 1 })
  await send(proxy, '/broken')
  t.match(traffic.report().candidate, { requests: 3, errors: 2 }, 'half an answer is a failure')
  const text = await proxy.metrics.registry.metrics()
  t.match(text, /sluice_rollout_requests_total\{arm="candidate",code="4xx"\} 1/)
  t.match(text, /sluice_rollout_requests_total\{arm="candidate",code="5xx"\} 1/)
})

t.test('whoever is not touched follows what is current, and is counted there', async t => {
  const proxy = await startProxy(t, {})
  const base = stateOf(put('forward_rule', 'r', { path: '/', respond: {} }), put('forward_rule', 'o', { path: '/other', respond: {} }))
  // The address of the tests' client is not among the first percent of a rollout of this name.
  const traffic = follow(proxy, rollOut(base, [putRule('r', { path: '/', respond: { status: 503 } })], { percents: [1] }))
  t.equal(await send(proxy, '/'), 200)
  t.equal(await send(proxy, '/other'), 200)
  t.match(
    traffic.report(),
    { current: { requests: 1, errors: 0 }, candidate: { requests: 0 } },
    'what the rollout does not concern is not counted'
  )
})

t.test("a client that leaves is no failure of the target's", async t => {
  const target = await startTarget(t, () => undefined)
  const proxy = await startProxy(t, {})
  const base = stateOf(put('forward_rule', 'r', { path: '/', respond: {} }))
  const traffic = follow(proxy, rollOut(base, [putRule('r', { path: '/', target: target.url })], { percents: [100] }))
  const client = await proxy.connect()
  const seen = target.next()
  client.send('GET / HTTP/1.1\r\nHost: h\r\n\r\n')
  await seen
  const line = proxy.nextLine()
  client.socket.destroy()
  t.equal((await line).status, 499)
  t.match(traffic.report().candidate, { requests: 1, errors: 0 })
})

t.test('no rule and no target on the side of the candidate are its own', async t => {
  const proxy = await startProxy(t, {})
  const base = stateOf(put('forward_rule', 'r', { path: '/', respond: {} }), put('forward_rule', 's', { path: '/s', respond: {} }))
  const changes = [{ op: 'delete', kind: 'forward_rule', id: 'r' } as const, putRule('s', { path: '/s', weight: 0, respond: {} })]
  const traffic = follow(proxy, rollOut(base, changes, { percents: [100] }))
  t.equal(await send(proxy, '/'), 404)
  t.equal(await send(proxy, '/s'), 503)
  t.match(traffic.report().candidate, { requests: 2, errors: 1 })
})

t.test('two versions of a service have turns of their own, and unused state is forgotten', async t => {
  const names = ['a', 'b', 'c']
  const hits: string[] = []
  const targets = await Promise.all(
    names.map(name =>
      startTarget(t, (_request, response) => {
        hits.push(name)
        response.end()
      })
    )
  )
  const serviceOf = (...urls: string[]) => ({ targets: urls.map(url => ({ url })) })
  const [a, b, c] = targets.map(({ url }) => url) as [string, string, string]
  const base = stateOf(put('service', 's', serviceOf(a, b)), put('forward_rule', 'r', { path: '/', target_service: 's' }))
  const proxy = await startProxy(t, {})
  const changes = [{ op: 'put', kind: 'service', id: 's', item: serviceOf(b, c) } as const]
  follow(proxy, rollOut(base, changes, { percents: [50], split_on: 'header:x-user' }))
  const touched = ['u0', 'u1', 'u2', 'u3', 'u4', 'u5']
  const client = await proxy.connect()
  for (const user of [...touched, ...touched]) await client.request('GET /', [`X-User: ${user}`])
  const count = (name: string) => hits.filter(hit => hit === name).length
  t.equal(hits.length, 12)
  t.ok(Math.abs(count('a') + count('c') - count('b')) <= 2, `each side alternates: ${hits.join('')}`)
  t.ok(count('a') > 0 && count('c') > 0)
})
