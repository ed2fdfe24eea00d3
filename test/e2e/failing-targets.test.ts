/** Targets that are killed, hang and come back, under load: what clients see of it. */
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import type { ServiceHealth } from '../../schemas/service-health.ts'
import { type FailingTarget, startFailingTargets } from '../helpers/failing-target.ts'
import { type GatewayProcess, startGateway, type Teardown } from '../helpers/gateway.ts'
import { type LoadAnswer, quantile, startLoad } from '../helpers/load.ts'

const perSecond = 200
const check = { path: '/health', interval_ms: 200, timeout_ms: 1_000 }

/** A gateway that forwards to three targets. */
async function start(t: Teardown, service: Record<string, unknown>, rule: Record<string, unknown> = {}) {
  const gateway = await startGateway(t, { SLUICE_STORE: 'memory:', SLUICE_ACCESS_LOG: 'false' })
  const targets = (await startFailingTargets(t, 3)) as [FailingTarget, FailingTarget, FailingTarget]
  await gateway.admin('POST', '/services', { id: 's', targets: targets.map(({ url }) => ({ url })), ...service })
  await gateway.admin('POST', '/forward-rules', { id: 'r', path: '/', target_service: 's', ...rule })
  return { gateway, targets }
}

async function healthOf(gateway: GatewayProcess): Promise<ServiceHealth> {
  return (await gateway.admin<ServiceHealth>('GET', '/services/s/health')).body
}

async function until(gateway: GatewayProcess, holds: (health: ServiceHealth) => boolean): Promise<ServiceHealth> {
  for (;;) {
    const health = await healthOf(gateway)
    if (holds(health)) return health
    await delay(20)
  }
}

const stateOf = (health: ServiceHealth, { url }: FailingTarget) => health.targets.find(target => target.url === url)?.state
const isState = (target: FailingTarget, state: string) => (health: ServiceHealth) => stateOf(health, target) === state

/** Resolves when the target has had so many requests more. */
async function used(target: FailingTarget, more: number): Promise<void> {
  const goal = target.requests + more
  while (target.requests < goal) await delay(10)
}

t.test('with a retry nothing fails when one of three is killed, and it is used again within three seconds of its return', async t => {
  const { gateway, targets } = await start(t, { health_check: check }, { retry: { attempts: 2 } })
  const [, killed] = targets
  await until(gateway, health => health.targets.every(({ state }) => state === 'healthy'))
  const load = startLoad({ url: gateway.proxyUrl, perSecond, judge: ({ status }) => (status === 200 ? undefined : `status ${status}`) })
  await used(killed, 20)
  await killed.kill()
  await until(gateway, isState(killed, 'unhealthy'))
  await delay(300)
  await killed.start()
  const returnedMs = performance.now()
  await used(killed, 20)
  const backMs = performance.now() - returnedMs
  const { failed, sent } = await load.stop()
  t.strictSame(failed, {}, `${sent} requests`)
  t.ok(backMs <= 3_000, `used again after ${Math.round(backMs)} ms`)
  await gateway.logged(line => line.to === 'unhealthy' && line.level === 40 && line.target === killed.url)
  const { history, last_probe } = (await healthOf(gateway)).targets[1]!
  t.strictSame([history.map(({ to }) => to), last_probe?.ok], [['healthy', 'unhealthy', 'healthy'], true])
})

t.test('without a retry requests fail only until the probes have found out', async t => {
  const { gateway, targets } = await start(t, { health_check: check })
  const [killed] = targets
  await until(gateway, health => health.targets.every(({ state }) => state === 'healthy'))
  let phase: 'before' | 'found' = 'before'
  let failures = 0
  const judge = ({ status }: LoadAnswer, began: unknown) => {
    if (status === 200) return undefined
    failures++
    return status === 502 && began !== 'found' ? undefined : `${status} begun ${began}`
  }
  const mark = () => phase
  const load = startLoad({ url: gateway.proxyUrl, perSecond, judge, mark, isWanted: () => true })
  await used(killed, 20)
  await killed.kill()
  await until(gateway, isState(killed, 'unhealthy'))
  phase = 'found'
  await used(targets[1], 60)
  const { failed } = await load.stop()
  t.strictSame(failed, {})
  t.ok(failures > 0, `${failures} failed meanwhile`)
})

t.test('one that hangs is put out by its outlier policy, and the others are as quick as before', async t => {
  const outlier = { consecutive_errors: 5, base_ejection_ms: 600_000 }
  const { gateway, targets } = await start(t, { outlier }, { timeout_ms: { read: 300 } })
  const [, , hung] = targets
  const tookMs: Record<string, number[]> = { before: [], hung: [], out: [] }
  let phase = 'before'
  let timeouts = 0
  const judge = ({ status }: LoadAnswer, began: unknown) => {
    const { phase, atMs } = began as { phase: string; atMs: number }
    if (status === 200) tookMs[phase]!.push(performance.now() - atMs)
    else timeouts++
    return status === 200 || (status === 504 && phase !== 'out') ? undefined : `${status} begun ${phase}`
  }
  const mark = () => ({ phase, atMs: performance.now() })
  const load = startLoad({ url: gateway.proxyUrl, perSecond, judge, mark, isWanted: () => true })
  await used(hung, 60)
  phase = 'hung'
  hung.behaviour = 'hang'
  const health = await until(gateway, isState(hung, 'ejected'))
  phase = 'out'
  t.match(health, { available: 2, panic: false })
  t.match(health.targets[2], { ejections: 1, reason: /^5 errors in a row; out for 600000 ms$/, ejected_until: String })
  await used(targets[0], 100)
  const { failed } = await load.stop()
  t.strictSame(failed, {})
  t.ok(timeouts >= 5, `${timeouts} timed out`)
  const [before, out] = [quantile(tookMs.before!, 0.99), quantile(tookMs.out!, 0.99)]
  t.ok(out < 3 * before + 250, `p99 ${Math.round(before)} ms before, ${Math.round(out)} ms with one out: nobody waits for it`)
  const metrics = await (await fetch(`${gateway.adminUrl}/metrics`)).text()
  t.match(metrics, `sluice_target_up{service="s",target="${hung.url}"} 0`)
  t.match(metrics, `sluice_target_ejections_total{service="s",target="${hung.url}"} 1`)
  t.match(metrics, 'sluice_service_panic{service="s"} 0')
})

t.test('an ejection ends by itself', async t => {
  const { gateway, targets } = await start(t, { outlier: { consecutive_errors: 2, base_ejection_ms: 400 } })
  const [bad] = targets
  bad.behaviour = 500
  const load = startLoad({ url: gateway.proxyUrl, perSecond, judge: () => undefined, isWanted: () => true })
  await until(gateway, isState(bad, 'ejected'))
  bad.behaviour = 200
  await until(gateway, isState(bad, 'unknown'))
  await used(bad, 20)
  await load.stop()
  t.match((await healthOf(gateway)).targets[0]!.history.at(-1), { from: 'ejected', to: 'unknown', reason: 'its time is over' })
})

t.test('all killed: 503 no_target at once, and recovery by itself', async t => {
  const { gateway, targets } = await start(t, { health_check: check, outlier: { consecutive_errors: 3 } })
  await until(gateway, health => health.targets.every(({ state }) => state === 'healthy'))
  await Promise.all(targets.map(target => target.kill()))
  await until(gateway, ({ available }) => available === 0)
  const tookMs: number[] = []
  for (let request = 0; request < 40; request++) {
    const beganMs = performance.now()
    const response = await fetch(`${gateway.proxyUrl}/x`)
    const body = (await response.json()) as { code: string }
    tookMs.push(performance.now() - beganMs)
    if (response.status !== 503 || body.code !== 'no_target') t.fail(`${response.status} ${body.code}`)
  }
  t.ok(quantile(tookMs, 0.1) < 5, `${quantile(tookMs, 0.1).toFixed(1)} ms, median ${quantile(tookMs, 0.5).toFixed(1)} ms`)
  await Promise.all(targets.map(target => target.start()))
  const returnedMs = performance.now()
  await until(gateway, ({ available }) => available === 3)
  t.ok(performance.now() - returnedMs <= 3_000, `back after ${Math.round(performance.now() - returnedMs)} ms`)
  t.equal((await fetch(`${gateway.proxyUrl}/x`)).status, 200)
})
