/** Probes of real targets, and what becomes of their services. */
import { EventEmitter, once } from 'node:events'
import { createServer as createHttp2 } from 'node:http2'
import { createServer as createHttps } from 'node:https'
import { type AddressInfo, createServer as createTcp, type Server } from 'node:net'
import t from 'tap'
import type { HealthChange } from '../../src/core/health-state.ts'
import { ServiceStates } from '../../src/upstream/services.ts'
import { type HealthListener, ServicesHealth } from '../../src/upstream/services-health.ts'
import { certificate, privateKey } from '../helpers/certificate.ts'
import { startFailingTargets } from '../helpers/failing-target.ts'
import type { Teardown } from '../helpers/gateway.ts'
import { toSnapshot } from '../helpers/proxy-app.ts'

type Told = HealthChange & { readonly service: string; readonly target: string }

/** Quick, so that the tests are. */
const quick = { path: '/health', interval_ms: 50, timeout_ms: 2_000, unhealthy_after: 3, healthy_after: 1 }

function serviceOf(urls: readonly (string | { url: string; weight: number })[], more: Record<string, unknown> = {}) {
  return { id: 's', targets: urls.map(url => (typeof url === 'string' ? { url } : url)), health_check: quick, ...more }
}

/** Watches services as a gateway does. */
function watch(t: Teardown, ...items: Record<string, unknown>[]) {
  const events = new EventEmitter()
  const told: Told[] = []
  const listener: HealthListener = {
    onChange: (service, target, change) => {
      told.push({ service, target, ...change })
      events.emit('told')
    },
    onPanic: () => undefined
  }
  const live = { snapshot: toSnapshot({ services: items }) }
  const services = new ServiceStates()
  const health = new ServicesHealth({ listener })
  health.start(services, live)
  // Probes alone do not keep a process running.
  const alive = setInterval(() => undefined, 1_000)
  t.teardown(() => {
    clearInterval(alive)
    health.close()
  })
  return {
    told,
    health,
    services,
    /** Makes another configuration live. */
    put: (...next: Record<string, unknown>[]) => {
      live.snapshot = toSnapshot({ services: next })
      health.follow()
    },
    available: () => services.get(live.snapshot.service('s')!).available.map(({ target }) => target.url),
    target: (url: string) => health.report('s')!.targets.find(target => target.url === url)!,
    /** Resolves with the first change, past or to come, of a target to a state. */
    is: async (url: string, state: string): Promise<Told> => {
      for (;;) {
        const found = told.find(({ target, to }) => target === url && to === state)
        if (found !== undefined) return found
        await once(events, 'told')
      }
    },
    forget: () => void told.splice(0)
  }
}

async function portOf(t: Teardown, server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  return (server.address() as AddressInfo).port
}

t.test('a target gets traffic before its first probe, none while its probes fail, and some again after a success', async t => {
  const [a, b] = await startFailingTargets(t, 2)
  const { available, target, is, forget } = watch(t, serviceOf([a!.url, b!.url]))
  t.strictSame([available(), target(a!.url).state, target(a!.url).last_probe], [[a!.url, b!.url], 'unknown', null])
  await Promise.all([is(a!.url, 'healthy'), is(b!.url, 'healthy')])
  t.match(target(a!.url), { state: 'healthy', reason: '1 probe succeeded', last_probe: { ok: true, status: 200, error: null } })
  b!.health = 503
  t.match(await is(b!.url, 'unhealthy'), { from: 'healthy', reason: '3 probes failed: status 503' })
  t.strictSame(available(), [a!.url])
  forget()
  b!.health = 204
  await is(b!.url, 'healthy')
  t.strictSame(available(), [a!.url, b!.url])
  const { history, state } = target(b!.url)
  t.strictSame([state, history.map(({ to }) => to)], ['healthy', ['healthy', 'unhealthy', 'healthy']])
})

t.test('when the probes of all fail nobody gets traffic', async t => {
  const [a, b] = await startFailingTargets(t, 2)
  const { available, is, health } = watch(t, serviceOf([a!.url, b!.url]))
  await Promise.all([a!.kill(), b!.kill()])
  t.match(await is(a!.url, 'unhealthy'), { reason: '3 probes failed: connect ECONNREFUSED' })
  await is(b!.url, 'unhealthy')
  t.strictSame(available(), [])
  t.match(health.report('s'), { available: 0, panic: false })
})

t.test('a target that hangs fails its probes by their timeout, and none is under way twice', async t => {
  const [a] = await startFailingTargets(t, 1)
  a!.health = 'hang'
  const { is } = watch(t, serviceOf([a!.url], { health_check: { ...quick, timeout_ms: 120 } }))
  t.match(await is(a!.url, 'unhealthy'), { from: 'unknown', reason: '3 probes failed: no answer within 120 ms' })
  t.equal(a!.mostProbes, 1)
})

t.test('what counts as a success is what expect_status says; path, method and host are sent as they are said', async t => {
  const [a] = await startFailingTargets(t, 1)
  a!.health = 404
  const check = { ...quick, path: '/health?x=%20', method: 'HEAD', host: 'probe.test', expect_status: [204, '400-404'] }
  const { is } = watch(t, serviceOf([`${a!.url}/base`], { health_check: check }))
  const request = await a!.nextProbe()
  t.match(request, { url: '/health?x=%20', method: 'HEAD', headers: { host: 'probe.test', 'user-agent': /^sluice\/.*health check/ } })
  await is(`${a!.url}/base`, 'healthy')
})

t.test('a connection is enough for a tcp check', async t => {
  const port = await portOf(
    t,
    createTcp(socket => socket.on('error', () => undefined))
  )
  const gone = createTcp()
  const nobody = await portOf(t, gone)
  gone.close()
  const [good, bad] = [`http://127.0.0.1:${port}`, `http://127.0.0.1:${nobody}`]
  const { is, target } = watch(t, serviceOf([good, bad], { health_check: { ...quick, type: 'tcp' } }))
  await is(good, 'healthy')
  t.match(await is(bad, 'unhealthy'), { reason: '3 probes failed: connect ECONNREFUSED' })
  t.match(target(good).last_probe, { ok: true, status: null })
})

t.test('probes go over the TLS of the service', async t => {
  const server = createHttps({ cert: certificate, key: privateKey }, (_request, response) => response.end())
  const url = `https://127.0.0.1:${await portOf(t, server)}`
  const trusting = watch(t, serviceOf([url], { tls: { ca: certificate } }))
  const strict = watch(t, serviceOf([url]))
  await trusting.is(url, 'healthy')
  t.match(await strict.is(url, 'unhealthy'), { reason: /3 probes failed: connect DEPTH_ZERO_SELF_SIGNED_CERT/ })
})

t.test('probes of a service that speaks HTTP/2 speak it, too', async t => {
  const server = createHttp2((_request, response) => response.end())
  const url = `http://127.0.0.1:${await portOf(t, server)}`
  await watch(t, serviceOf([url], { http2: true })).is(url, 'healthy')
})

t.test('a body that does not end is a success once enough of it has come', async t => {
  const server = createHttps({ cert: certificate, key: privateKey }, (_request, response) => {
    response.write(Buffer.alloc(100_000))
  })
  const url = `https://127.0.0.1:${await portOf(t, server)}`
  await watch(t, serviceOf([url], { tls: { verify: false } })).is(url, 'healthy')
  server.closeAllConnections()
})

t.test('a change of one target, of a label or a weight leaves what is known of the others as it was', async t => {
  const [a, b] = await startFailingTargets(t, 2)
  const { is, put, target, told } = watch(t, serviceOf([a!.url]))
  a!.health = 500
  await is(a!.url, 'unhealthy')
  const before = target(a!.url)
  put(serviceOf([{ url: a!.url, weight: 7 }, b!.url], { labels: { x: 'y' } }))
  t.match(target(a!.url), { state: 'unhealthy', since: before.since, history: before.history, weight: 7 })
  await is(b!.url, 'healthy')
  t.equal(told.filter(change => change.target === a!.url).length, 1)
})

t.test('a target that is drained is probed, and shows as draining', async t => {
  const [a] = await startFailingTargets(t, 1)
  const { is, target, available } = watch(t, serviceOf([{ url: a!.url, weight: 0 }]))
  await is(a!.url, 'healthy')
  t.match(target(a!.url), { state: 'draining', weight: 0, last_probe: { ok: true } })
  t.same(available(), [])
})

t.test('no probe outlives its target, its check, its service or the gateway', async t => {
  const [a, b, c, d] = await startFailingTargets(t, 4)
  const { put, is, health, target } = watch(
    t,
    serviceOf([a!.url, d!.url]),
    { ...serviceOf([b!.url]), id: 'two' },
    { ...serviceOf([c!.url]), id: 'three' }
  )
  await Promise.all([a!, b!, c!, d!].map(({ url }) => is(url, 'healthy')))
  put(serviceOf([d!.url]), { ...serviceOf([b!.url]), id: 'two', health_check: undefined })
  const [aCount, bCount, cCount] = [a!.probes, b!.probes, c!.probes]
  for (let probe = 0; probe < 5; probe++) await d!.nextProbe()
  // One may have been on its way.
  t.ok(a!.probes <= aCount + 1 && b!.probes <= bCount + 1 && c!.probes <= cCount + 1, `${a!.probes} ${b!.probes} ${c!.probes}`)
  t.same(
    health.read().map(({ service }) => service),
    ['s']
  )
  t.equal(target(d!.url).state, 'healthy')
  health.close()
  const dCount = d!.probes
  await new Promise(resolve => setTimeout(resolve, 200))
  t.ok(d!.probes <= dCount + 1)
})

t.test('a target that left while it was out begins anew when it comes back', async t => {
  const [a, b] = await startFailingTargets(t, 2)
  const { put, is, target, available, forget } = watch(t, serviceOf([a!.url, b!.url]))
  a!.health = 500
  await is(a!.url, 'unhealthy')
  put(serviceOf([b!.url]))
  forget()
  a!.health = 'hang'
  put(serviceOf([a!.url, b!.url]))
  t.match(target(a!.url), { state: 'unknown', history: [] })
  t.same(available(), [a!.url, b!.url])
})

t.test('without its health check an unhealthy target gets traffic', async t => {
  const [a] = await startFailingTargets(t, 1)
  a!.health = 500
  const { put, is, target, available } = watch(t, serviceOf([a!.url], { outlier: {} }))
  await is(a!.url, 'unhealthy')
  put(serviceOf([a!.url], { outlier: {}, health_check: undefined }))
  t.match(target(a!.url), { state: 'unknown', reason: 'no health check any more', last_probe: null })
  t.same(available(), [a!.url])
})

t.test('another check is followed at once, not after the interval of the old one', async t => {
  const [a] = await startFailingTargets(t, 1)
  const { put, is } = watch(t, serviceOf([a!.url], { health_check: { ...quick, interval_ms: 3_600_000, path: '/health/old' } }))
  await is(a!.url, 'healthy')
  const next = a!.nextProbe()
  put(serviceOf([a!.url], { health_check: { ...quick, path: '/health/new' } }))
  t.equal((await next).url, '/health/new')
})

t.test('a rollout has probes of its own version of a service, until it ends', async t => {
  const [a, b] = await startFailingTargets(t, 2)
  const events = new EventEmitter()
  const scopes: string[] = []
  const onChange: HealthListener['onChange'] = (_service, target, _change, scope) => {
    scopes.push(`${scope} ${target}`)
    events.emit('told')
  }
  const health = new ServicesHealth({ listener: { onChange, onPanic: () => undefined } })
  t.teardown(() => health.close())
  const alive = setInterval(() => undefined, 1_000)
  t.teardown(() => clearInterval(alive))
  const candidate = toSnapshot({ services: [serviceOf([b!.url])] })
  const live: Parameters<typeof health.start>[1] & { rollout?: unknown } = {
    snapshot: toSnapshot({ services: [serviceOf([a!.url])] }),
    rollout: { id: 'r1', candidate }
  }
  health.start(new ServiceStates(), live)
  while (scopes.length < 2) await once(events, 'told')
  t.same(scopes.sort(), [` ${a!.url}`, `r1 ${b!.url}`])
  t.equal(health.read().length, 1, 'metrics are of what is live for everybody')
  live.rollout = undefined
  health.follow()
  const count = b!.probes
  for (let probe = 0; probe < 4; probe++) await a!.nextProbe()
  t.ok(b!.probes <= count + 1)
})
