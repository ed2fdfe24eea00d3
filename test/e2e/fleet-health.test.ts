/** Three gateways on one Redis: probes are shared out, ejections are followed by all, and without Redis each is on its own. */
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import type { ServiceHealth } from '../../schemas/service-health.ts'
import { type FailingTarget, startFailingTargets } from '../helpers/failing-target.ts'
import { type GatewayProcess, startGateway, type Teardown } from '../helpers/gateway.ts'
import { startRedis } from '../helpers/redis.ts'
import { startTcpProxy } from '../helpers/tcp-proxy.ts'

type Three<T> = readonly [T, T, T]

const targets = (await startFailingTargets(t, 3)) as unknown as Three<FailingTarget>
const redis = await startRedis(t)
/** Before the third gateway. */
const line = await startTcpProxy(t, redis.port)
const gateways = (await Promise.all(
  [redis.port, redis.port, line.port].map((port, index) => start(t, port, `gateway-${index}`))
)) as unknown as Three<GatewayProcess>
const [first, second, third] = gateways

function start(t: Teardown, port: number, instance: string): Promise<GatewayProcess> {
  const env = { SLUICE_STORE: `redis://127.0.0.1:${port}`, SLUICE_INSTANCE: instance, SLUICE_ACCESS_LOG: 'false' }
  return startGateway(t, { ...env, SLUICE_DATA_DIR: './data' })
}

async function healthOf(gateway: GatewayProcess, service = 's'): Promise<ServiceHealth> {
  return (await gateway.admin<ServiceHealth>('GET', `/services/${service}/health`)).body
}

const targetOf = (health: ServiceHealth, { url }: FailingTarget) => health.targets.find(target => target.url === url)!

/** Resolves with the health of the service once `holds`. */
async function until(gateway: GatewayProcess, holds: (health: ServiceHealth) => boolean, service = 's'): Promise<ServiceHealth> {
  for (;;) {
    const health = await healthOf(gateway, service)
    if (holds(health)) return health
    await delay(20)
  }
}

const isEjected = (target: FailingTarget) => (health: ServiceHealth) => targetOf(health, target).state === 'ejected'

/** Sends requests through a gateway until it has ejected `target`. */
async function ejectAt(gateway: GatewayProcess, target: FailingTarget): Promise<void> {
  while (!isEjected(target)(await healthOf(gateway))) {
    for (let time = 0; time < 6; time++) await (await fetch(`${gateway.proxyUrl}/s`)).text()
  }
}

async function put(path: string, item: Record<string, unknown>): Promise<void> {
  const { status, body } = await first.admin('PUT', `${path}?wait=all`, item)
  if (status !== 200 && status !== 201) throw new Error(`${status} ${JSON.stringify(body)}`)
}

const urls = targets.map(({ url }) => ({ url }))
const outlier = { consecutive_errors: 2, base_ejection_ms: 600_000 }
await put('/services/s', { id: 's', targets: urls, outlier })
await put('/forward-rules/s', { id: 's', path: '/s', target_service: 's' })

/** Over all instances, the targets whose last probe was made by another one. */
async function countTold(): Promise<number> {
  const healths = await Promise.all(gateways.map(gateway => healthOf(gateway, 'probed')))
  return healths.flatMap(({ targets }) => targets).filter(({ last_probe }) => last_probe?.by != null).length
}

t.test('probes are shared out, and every instance knows the results', async t => {
  const intervalMs = 100
  await put('/services/probed', {
    id: 'probed',
    targets: urls,
    health_check: { path: '/health', interval_ms: intervalMs, timeout_ms: 5_000 }
  })
  // Each target has one prober, and is known from it to the two others.
  while ((await countTold()) < 2 * targets.length) await delay(20)
  const countOf = () => targets.reduce((sum, { probes }) => sum + probes, 0)
  const [before, beganMs] = [countOf(), performance.now()]
  await delay(2_000)
  const perInstance = ((performance.now() - beganMs) / intervalMs) * targets.length
  const times = (countOf() - before) / perInstance
  t.comment(`${times.toFixed(2)} times the probes of one instance`)
  t.ok(times < 2, 'clearly fewer than three times those of one')
  for (const gateway of gateways) {
    const { targets } = await healthOf(gateway, 'probed')
    t.same(
      targets.map(({ state }) => state),
      ['healthy', 'healthy', 'healthy']
    )
  }
})

t.test('a target that dies is out on all instances, and back on all', async t => {
  const [target] = targets
  target.health = 500
  for (const gateway of gateways) await until(gateway, health => targetOf(health, target).state === 'unhealthy', 'probed')
  target.health = 200
  for (const gateway of gateways) {
    const { history } = targetOf(await until(gateway, health => targetOf(health, target).state === 'healthy', 'probed'), target)
    t.match(history.at(-2)?.reason, /^3 probes failed/, 'each has found out itself')
  }
  await first.admin('DELETE', '/services/probed')
})

t.test('what one instance alone meets puts a target out there only; what two of three meet, on the third, too', async t => {
  const [target] = targets
  target.behaviour = 500
  await ejectAt(first, target)
  // The others have heard of it by then, twice.
  await delay(2_100)
  for (const gateway of [second, third]) t.equal(targetOf(await healthOf(gateway), target).state, 'unknown')
  await ejectAt(second, target)
  const { reason, ejected_until } = targetOf(await until(third, isEjected(target)), target)
  t.equal(reason, 'ejected by 2 of 3 instances')
  t.ok(ejected_until)
  const { body } = await third.admin<{ targets: { url: string; out: string[] }[] }>('POST', '/explain', { method: 'GET', url: '/s' })
  t.same(
    body.targets.map(({ out }) => out),
    [['fleet'], [], []]
  )
  const logged = await third.logged(({ to, target: url }) => to === 'ejected' && url === target.url)
  t.match(logged, { level: 40, service: 's', reason })
  target.behaviour = 200
})

t.test('who loses Redis judges alone, at once; back again it follows', async t => {
  const [target] = targets
  await until(third, isEjected(target))
  line.shut()
  await until(third, health => targetOf(health, target).state === 'unknown')
  t.equal(targetOf(await healthOf(third), target).reason, 'no other instance is heard')
  t.equal((await healthOf(third)).available, 3)
  for (const gateway of [first, second]) t.ok(isEjected(target)(await healthOf(gateway)), 'their own verdicts stay')
  line.open()
  await until(third, isEjected(target))
})

t.test('an instance that leaves does not count any more', async t => {
  const [target] = targets
  await until(third, isEjected(target))
  await second.stop()
  await until(third, health => targetOf(health, target).state === 'unknown')
  t.equal(targetOf(await healthOf(third), target).ejections >= 1, true)
})
