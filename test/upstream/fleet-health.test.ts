/** One instance among others whose words the test says: what it follows, what it tells, and when it probes itself. */
import { EventEmitter, once } from 'node:events'
import t from 'tap'
import { defaultHealthCheck } from '../../schemas/service-health.ts'
import { settleMs, type ToldEjection, type ToldProbe } from '../../src/core/fleet-health.ts'
import { FleetViews, probeKey } from '../../src/core/fleet-views.ts'
import type { Snapshot } from '../../src/core/snapshot.ts'
import { FleetHealth } from '../../src/upstream/fleet-health.ts'
import { ServiceStates } from '../../src/upstream/services.ts'
import { type FollowedConfig, ServicesHealth } from '../../src/upstream/services-health.ts'
import { startFailingTargets } from '../helpers/failing-target.ts'
import { createFleetHub } from '../helpers/fleet-link.ts'
import type { Teardown } from '../helpers/gateway.ts'
import { toSnapshot } from '../helpers/proxy-app.ts'

const outlier = { consecutive_errors: 2, base_ejection_ms: 600_000 }
const check = { ...defaultHealthCheck, host: null, path: '/health', interval_ms: 100, timeout_ms: 60_000 }
const [a, b, c] = ['http://127.0.0.1:1', 'http://127.0.0.1:2', 'http://127.0.0.1:3'] as const

/** An instance `me` whose fleet is settled; `with` are those who are there, too. */
function start(t: Teardown, urls: readonly string[], fields: Record<string, unknown>, others = ['b#1', 'c#1']) {
  const events = new EventEmitter()
  const told: string[] = []
  const hub = createFleetHub()
  let aheadMs = 0
  const fleet = new FleetHealth(hub.link('me#1'), () => performance.now() + aheadMs)
  const onChange = (_service: string, target: string, { to, reason }: { to: string; reason: string }) => {
    told.push(`${target} ${to}: ${reason}`)
    events.emit('told')
  }
  const onPanic = (_service: string, isPanic: boolean) => void told.push(`panic ${isPanic}`)
  const health = new ServicesHealth({ fleet, listener: { onChange, onPanic } })
  const toLive = (more: Record<string, unknown>) => toSnapshot({ services: [{ id: 's', targets: urls.map(url => ({ url })), ...more }] })
  const live: { snapshot: Snapshot; rollout?: FollowedConfig['rollout'] } = { snapshot: toLive(fields) }
  const services = new ServiceStates()
  health.start(services, live)
  const alive = setInterval(() => undefined, 1_000)
  t.teardown(() => {
    clearInterval(alive)
    health.close()
  })
  for (let step = 0; step < 2; step++) {
    for (const name of ['me#1', ...others]) hub.say(name, {})
    aheadMs += settleMs / 2
  }
  for (const name of ['me#1', ...others]) hub.say(name, {})
  const state = () => services.get(live.snapshot.service('s')!)
  const stayers = setInterval(() => {
    for (const other of others) if (!spoken.has(other)) hub.say(other, {})
  }, 500)
  t.teardown(() => clearInterval(stayers))
  const spoken = new Set<string>()
  return {
    told,
    hub,
    health,
    say: (from: string, ejections: readonly ToldEjection[], probes: readonly ToldProbe[] = []) => {
      spoken.add(from)
      hub.say(from, { ejections, probes })
    },
    end: (url: string, status: number | undefined, failure: 'connect_error' | undefined = undefined, times = 1) => {
      const target = state().target(url)!
      for (let time = 0; time < times; time++) {
        target.begin()
        target.end(status, failure, status === undefined ? undefined : 1, performance.now())
      }
    },
    available: (scope = '') =>
      services
        .get((scope === '' ? live.snapshot : live.rollout!.candidate!).service('s')!, scope)
        .available.map(({ target }) => target.url),
    /** A rollout `r1` begins. */
    candidate: (more: Record<string, unknown>) => {
      live.rollout = { id: 'r1', candidate: toLive(more) }
      health.follow()
    },
    verdicts: (url: string) => state().target(url)!.verdicts,
    report: (url: string) => health.report('s')!.targets.find(target => target.url === url)!,
    isTold: async (text: string) => {
      while (!told.some(line => line.includes(text))) await once(events, 'told')
    }
  }
}

const ejected = (target: string, remainingMs = 60_000): ToldEjection => ({ service: 's', target, remainingMs })

t.test('what most instances have ejected is out here, and back when they are not most any more', async t => {
  const { say, available, verdicts, report, told } = start(t, [a, b, c], { outlier })
  say('b#1', [ejected(a)])
  t.same(available(), [a, b, c], 'one of three')
  say('c#1', [ejected(a)])
  t.same([available(), verdicts(a)], [[b, c], ['fleet']])
  t.match(report(a), { state: 'ejected', reason: 'ejected by 2 of 3 instances', ejections: 1, ejected_until: /^2/ })
  say('b#1', [])
  t.same([available(), verdicts(a)], [[a, b, c], []])
  t.same(told, [`${a} ejected: ejected by 2 of 3 instances`, `${a} unknown: most instances do not eject it any more`])
})

t.test('without the link nothing is followed, at once', async t => {
  const { say, available, hub, told } = start(t, [a, b, c], { outlier })
  for (const from of ['b#1', 'c#1']) say(from, [ejected(a)])
  t.same(available(), [b, c])
  hub.cut('me#1')
  t.same(available(), [a, b, c])
  t.match(told.at(-1), /no other instance is heard/)
})

t.test('never more are out than allowed, and a service without outlier follows nobody', async t => {
  const { say, available } = start(t, [a, b, c], { outlier })
  for (const from of ['b#1', 'c#1'])
    say(
      from,
      [a, b, c].map(url => ejected(url))
    )
  t.same(available(), [b, c])
  const without = start(t, [a, b, c], { health_check: check })
  for (const from of ['b#1', 'c#1']) without.say(from, [ejected(a)])
  t.same(without.available(), [a, b, c])
})

t.test('when the durations run out it is back, whatever becomes of those who said so', async t => {
  const { say, available, isTold } = start(t, [a, b, c], { outlier })
  for (const from of ['b#1', 'c#1']) say(from, [ejected(a, 300)])
  t.same(available(), [b, c])
  await isTold(`${a} unknown`)
  t.same(available(), [a, b, c])
})

t.test('own ejections are told, those that are followed are not', async t => {
  const { say, end, hub, isTold } = start(t, [a, b, c, 'http://127.0.0.1:4'], { outlier })
  for (const from of ['b#1', 'c#1']) say(from, [ejected(a)])
  end(b, 500, undefined, 2)
  await isTold(`${b} ejected: 2 errors in a row`)
  while (hub.sent.findLast(({ from }) => from === 'me#1')?.message.ejections.length !== 1) await new Promise(setImmediate)
  const { ejections } = hub.sent.findLast(({ from }) => from === 'me#1')!.message
  t.match(ejections, [{ service: 's', target: b }])
  t.ok(ejections[0]!.remainingMs > 500_000)
})

t.test('when all that is left is ejected, ejections are disregarded, also those of others', async t => {
  const [one, two] = await startFailingTargets(t, 2)
  const { say, told, available, isTold } = start(t, [one!.url, two!.url], { outlier, health_check: check }, ['b#1', 'c#1'])
  for (const from of ['b#1', 'c#1']) say(from, [ejected(one!.url)])
  t.same(available(), [two!.url])
  two!.health = 500
  await isTold(`${two!.url} unhealthy`)
  t.same(available(), [one!.url])
  t.ok(told.includes('panic true'))
})

/** A check of `url` that is the turn of one of the others. */
function othersProbe(url: string, others: readonly string[]) {
  for (let index = 0; ; index++) {
    const shared = { ...check, path: `/health?${index}` }
    const key = probeKey('s', url, [JSON.stringify(shared), undefined])
    const views = new FleetViews('me#1')
    for (const nowMs of [0, settleMs]) {
      for (const from of ['me#1', ...others]) views.hear(from, { isLeaving: false, ejections: [], probes: [] }, nowMs)
      views.review(nowMs)
    }
    if (views.proberOf(key) !== 'me#1') return { shared, key }
  }
}

t.test('while another one tells that a target is well nothing is probed; a failure has it probed at once', async t => {
  const [target] = await startFailingTargets(t, 1)
  const others = ['b#1', 'c#1']
  const { shared, key } = othersProbe(target!.url, others)
  const { say, report, isTold } = start(t, [target!.url], { health_check: shared, outlier }, others)
  let n = 0
  const tell = (isOk: boolean) => {
    n++
    const error = isOk ? undefined : 'status 500'
    // Whoever it is that probes, all say so.
    for (const from of others) say(from, [], [{ key, n, isOk, ageMs: 0, status: isOk ? 200 : 500, tookMs: 1.234, error }])
  }
  tell(true)
  t.match(report(target!.url).last_probe, { ok: true, status: 200, duration_ms: 1.23, by: /^[bc]$/ })
  t.equal(report(target!.url).state, 'healthy')
  const { probes } = target!
  for (let round = 0; round < 5; round++) {
    await new Promise(resolve => setTimeout(resolve, 100))
    tell(true)
  }
  t.equal(target!.probes, probes)
  const probed = target!.nextProbe()
  tell(false)
  await probed
  t.equal(report(target!.url).state, 'healthy', 'what another one says takes nothing out')
  target!.health = 500
  await isTold(`${target!.url} unhealthy`)
  tell(true)
  t.equal(report(target!.url).state, 'unhealthy', 'nor does it bring anything back while own probes fail')
  target!.health = 200
  await isTold('1 probe succeeded')
})

t.test('a request that finds no connection has the target probed at once', async t => {
  const [target] = await startFailingTargets(t, 1)
  const others = ['b#1', 'c#1']
  const slow = { ...check, interval_ms: 60_000 }
  const key = (path: string) => probeKey('s', target!.url, [JSON.stringify({ ...slow, path }), undefined])
  // Whichever of three it is that probes: with one of these paths it is another one.
  for (const path of ['/health?1', '/health?2', '/health?3']) {
    const { say, end, health } = start(t, [target!.url], { health_check: { ...slow, path } }, others)
    for (const from of others) say(from, [], [{ key: key(path), n: 1, isOk: true, ageMs: 0, status: 200, tookMs: 1, error: undefined }])
    const { probes } = target!
    const probed = target!.nextProbe()
    end(target!.url, undefined, 'connect_error')
    await probed
    t.equal(target!.probes, probes + 1)
    health.close()
  }
})

t.test('the other side of a rollout is judged for itself', async t => {
  const { say, available, candidate } = start(t, [a, b, c], { outlier })
  candidate({ outlier: { ...outlier, consecutive_errors: 9 } })
  for (const from of ['b#1', 'c#1']) say(from, [ejected(a)])
  t.same(
    [available(), available('r1')],
    [
      [b, c],
      [a, b, c]
    ]
  )
})
