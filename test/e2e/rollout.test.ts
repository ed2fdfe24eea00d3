/** Rollouts over real processes and under load: what clients see of one that is healthy, of one that is not, and of who moves it. */
import { EventEmitter, once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { RolloutView } from '../../src/control/rollout-view.ts'
import { hashText } from '../../src/core/string-hash.ts'
import { startEcho } from '../helpers/echo.ts'
import { type GatewayProcess, startGateway } from '../helpers/gateway.ts'
import { type Load, startLoad } from '../helpers/load.ts'
import { startRedis } from '../helpers/redis.ts'
import { startTarget } from '../helpers/target.ts'

const clients = Array.from({ length: 100 }, (_, index) => `10.0.0.${index}`)
const env = { SLUICE_TRUSTED_PROXIES: '127.0.0.1', SLUICE_ACCESS_LOG: 'false' }
const guard = { max_error_rate_increase: 0.1, min_requests: 20 }
const to = (target: string, more: object = {}) => ({ path: '/', target, ...more })
const putRule = (target: string) => ({ op: 'put', kind: 'forward_rule', id: 'r', item: to(target) })

/** Who belongs to the share of a rollout, by the rule that the documentation gives. */
function shareOf(id: string, percent: number): Set<string> {
  return new Set(clients.filter(client => hashText(`${id}\0${client}`) >>> 0 < (percent / 100) * 2 ** 32))
}

/** A target called `bad` that fails three times out of ten. */
async function startBad(t: Test): Promise<string> {
  let count = 0
  const { url } = await startTarget(t, (request, response) => {
    request.resume()
    response.setHeader('x-target', 'bad')
    response.statusCode = count++ % 10 < 3 ? 500 : 200
    response.end('{}')
  })
  return url
}

interface Traffic {
  readonly load: Load
  /** Which clients a target has answered. */
  touched(target: string): ReadonlySet<string>
  /** Resolves when so many clients were answered by the target. */
  reached(target: string, clients: number): Promise<void>
}

/** Asks all the time, as one client after the other. It fails when a client that was answered by `goal` is answered by another target later. */
function startClients(url: string, perSecond = 150, goal = 'next'): Traffic {
  const answeredBy = new Map<string, Set<string>>()
  const touched = (target: string) => answeredBy.get(target) ?? new Set()
  const answers = new EventEmitter()
  let asked = 0
  const load = startLoad({
    url,
    perSecond,
    mark: () => clients[asked % clients.length],
    headers: () => ({ 'x-forwarded-for': clients[asked++ % clients.length]! }),
    isWanted: ({ headers }) => headers['x-target'] === 'bad',
    judge: ({ headers }, began) => {
      const [client, target] = [String(began), String(headers['x-target'])]
      answeredBy.set(target, new Set(touched(target)).add(client))
      answers.emit('answer')
      return target !== goal && touched(goal).has(client) ? 'a client went back' : undefined
    }
  })
  const reached = async (target: string, count: number): Promise<void> => {
    while (touched(target).size < count) await once(answers, 'answer')
  }
  return { load, touched, reached }
}

async function rolloutOf(gateway: GatewayProcess, id: string): Promise<RolloutView> {
  return (await gateway.admin<RolloutView>('GET', `/rollouts/${id}`)).body
}

/** Asks the gateway until it says that so many requests were counted on all instances. */
async function counted(gateway: GatewayProcess, id: string, requests: number): Promise<void> {
  for (;;) {
    const { traffic } = await rolloutOf(gateway, id)
    if (traffic !== null && traffic.current.requests + traffic.candidate.requests === requests) return
  }
}

const ended = (gateway: GatewayProcess, id: string) => gateway.logged(line => line.rollout === id && line.status !== 'running')

/** Stops the load: nothing failed but what the bad target was asked to. Resolves with the number of requests. */
async function holdsUp(t: Test, ...traffic: readonly Traffic[]): Promise<number> {
  const results = await Promise.all(traffic.map(({ load }) => load.stop()))
  for (const { sent, failed } of results) {
    t.ok(sent > 0)
    t.same(failed, {}, `no request of ${sent} failed`)
  }
  return results.reduce((sum, { sent }) => sum + sent, 0)
}

t.test('one gateway with a file: what is bad goes back by itself, and what ends with the process has left nothing', async t => {
  const gateway = await startGateway(t, env)
  const [stable, bad] = [await startEcho(t, 'stable'), await startBad(t)]
  await gateway.admin('PUT', '/forward-rules/r', to(stable))
  const file = join(gateway.folder, 'sluice.yaml')
  const before = await readFile(file, 'utf8')
  const traffic = startClients(gateway.proxyUrl, 200)
  const begun = await gateway.admin('POST', '/rollouts', {
    id: 'bad',
    changes: [putRule(bad)],
    steps: [{ percent: 20, hold_ms: 60_000 }],
    guard
  })
  t.equal(begun.status, 201)
  await ended(gateway, 'bad')
  t.match(await rolloutOf(gateway, 'bad'), { status: 'rolled_back', reason: /requests failed/, percent: 0 })
  await holdsUp(t, traffic)
  const share = shareOf('bad', 20)
  t.ok(share.size <= clients.length * 0.2, `${share.size} of ${clients.length} belong to the share`)
  t.ok(traffic.touched('bad').size > 0)
  t.ok(
    [...traffic.touched('bad')].every(client => share.has(client)),
    'nobody else was ever touched'
  )
  t.equal(await readFile(file, 'utf8'), before, 'nothing of it was ever in the file')
  await gateway.admin('POST', '/rollouts', { id: 'lost', changes: [putRule(bad)], steps: [{ percent: 20, hold_ms: 60_000 }] })
  await gateway.stop()
  const again = await startGateway(t, env, gateway.folder)
  t.equal((await again.admin('GET', '/rollouts/lost')).status, 404)
  t.match((await again.admin('GET', '/forward-rules/r')).body, to(stable))
})

t.test('a ramp moves weights as long as all is well, and sets them back when it is not', async t => {
  const gateway = await startGateway(t, { ...env, SLUICE_STORE: 'memory:' })
  const [stable, bad] = [await startEcho(t, 'stable'), await startBad(t)]
  const weights = async () =>
    Promise.all(['stable', 'canary'].map(async id => (await gateway.admin<{ weight: number }>('GET', `/forward-rules/${id}`)).body.weight))
  await gateway.admin('PUT', '/forward-rules/stable', to(stable, { weight: 100 }))
  await gateway.admin('PUT', '/forward-rules/canary', to(stable, { weight: 0 }))
  const ramp = { ramp: { rule: 'canary' }, steps: [20, 100].map(percent => ({ percent, hold_ms: 100 })), guard }
  const good = startClients(gateway.proxyUrl, 200)
  await gateway.admin('POST', '/rollouts', { id: 'good', ...ramp })
  await ended(gateway, 'good')
  await holdsUp(t, good)
  t.match(await rolloutOf(gateway, 'good'), { status: 'completed', percent: 100 })
  t.same(await weights(), [0, 1000])
  await gateway.admin('PUT', '/forward-rules/stable', to(stable, { weight: 100 }))
  await gateway.admin('PUT', '/forward-rules/canary', to(bad, { weight: 0 }))
  const worse = startClients(gateway.proxyUrl, 200)
  await gateway.admin('POST', '/rollouts', { id: 'worse', ...ramp })
  await ended(gateway, 'worse')
  await worse.load.stop()
  t.match(await rolloutOf(gateway, 'worse'), { status: 'rolled_back', step: 0 })
  t.same(await weights(), [100, 0])
})

t.test('two gateways on Redis', async t => {
  const redis = await startRedis(t)
  const [a, b] = (await Promise.all(
    ['a', 'b'].map(name => startGateway(t, { ...env, SLUICE_STORE: redis.url, SLUICE_INSTANCE: name }))
  )) as [GatewayProcess, GatewayProcess]
  const both = [a, b]
  const [stable, bad, next] = [await startEcho(t, 'stable'), await startBad(t), await startEcho(t, 'next')]
  await a.admin('PUT', '/forward-rules/r?wait=all', to(stable))

  await t.test('what is bad goes back on both, and the same clients were touched', async t => {
    const traffic = both.map(({ proxyUrl }) => startClients(proxyUrl))
    await a.admin('POST', '/rollouts', { id: 'bad2', changes: [putRule(bad)], steps: [{ percent: 10, hold_ms: 60_000 }], guard })
    await Promise.all(both.map(gateway => ended(gateway, 'bad2')))
    t.match(await rolloutOf(b, 'bad2'), { status: 'rolled_back', reason: /requests failed/ })
    await holdsUp(t, ...traffic)
    const share = shareOf('bad2', 10)
    for (const { touched } of traffic) t.ok([...touched('bad')].every(client => share.has(client)))
    t.ok(traffic.some(({ touched }) => touched('bad').size > 0))
  })

  await t.test('each gateway knows what all of them have counted, and an abort ends it at once, everywhere', async t => {
    await a.admin('POST', '/rollouts?wait=all', { id: 'stop', changes: [putRule(next)], steps: [{ percent: 50, hold_ms: 60_000 }], guard })
    const traffic = both.map(({ proxyUrl }) => startClients(proxyUrl))
    await Promise.all(traffic.map(({ reached }) => reached('next', 20)))
    const asked = await holdsUp(t, ...traffic)
    await counted(a, 'stop', asked)
    await counted(b, 'stop', asked)
    const meanwhile = both.map(({ proxyUrl }) => startClients(proxyUrl))
    t.match((await b.admin('POST', '/rollouts/stop/abort?wait=all')).body, { status: 'aborted', reason: 'aborted by anonymous' })
    for (const { proxyUrl } of both) {
      const answers = await Promise.all(clients.map(client => fetch(proxyUrl, { headers: { 'x-forwarded-for': client } })))
      t.ok(answers.every(({ headers }) => headers.get('x-target') === 'stable'))
    }
    // Those who were touched do go back.
    for (const { load } of meanwhile)
      t.same(
        Object.keys((await load.stop()).failed).filter(reason => reason !== 'a client went back'),
        []
      )
  })

  await t.test('what is healthy reaches everybody, and is committed', async t => {
    const traffic = both.map(({ proxyUrl }) => startClients(proxyUrl))
    const steps = [20, 60].map(percent => ({ percent, hold_ms: 700 }))
    await a.admin('POST', '/rollouts', { id: 'good', changes: [putRule(next)], steps, guard })
    await Promise.all(both.map(gateway => ended(gateway, 'good')))
    t.match(await rolloutOf(b, 'good'), { status: 'completed', percent: 100, step: 1 })
    const measured = (await rolloutOf(b, 'good')).steps[0]!.traffic!
    t.ok(measured.candidate.requests >= guard.min_requests && measured.current.requests >= guard.min_requests)
    await holdsUp(t, ...traffic)
    for (const gateway of both) {
      t.match((await gateway.admin('GET', '/forward-rules/r')).body, to(next))
      t.equal((await fetch(gateway.proxyUrl)).headers.get('x-target'), 'next')
    }
  })

  await t.test('when the gateway that moves it is killed, the other one finishes', async t => {
    const traffic = startClients(b.proxyUrl, 200, 'stable')
    const steps = [30, 60].map(percent => ({ percent, hold_ms: 500 }))
    await a.admin('POST', '/rollouts?wait=all', { id: 'orphan', changes: [putRule(stable)], steps, guard })
    await a.stop('SIGKILL')
    await ended(b, 'orphan')
    t.match(await rolloutOf(b, 'orphan'), { status: 'completed', instance: 'b' })
    t.match((await b.admin('GET', '/forward-rules/r')).body, to(stable))
    await holdsUp(t, traffic)
  })
})
