/** What requests meet at targets, and what becomes of the targets. */
import { EventEmitter, once } from 'node:events'
import t from 'tap'
import type { FlightFailure } from '../../src/core/flight.ts'
import { ServiceStates } from '../../src/upstream/services.ts'
import { type HealthListener, ServicesHealth } from '../../src/upstream/services-health.ts'
import { startFailingTargets } from '../helpers/failing-target.ts'
import type { Teardown } from '../helpers/gateway.ts'
import { toSnapshot } from '../helpers/proxy-app.ts'

const outlier = { consecutive_errors: 2, base_ejection_ms: 600_000 }

function start(t: Teardown, urls: readonly string[], more: Record<string, unknown> = { outlier }) {
  const events = new EventEmitter()
  const told: string[] = []
  const tell = (text: string) => {
    told.push(text)
    events.emit('told')
  }
  const listener: HealthListener = {
    onChange: (_service, target, { from, to, reason }) => tell(`${target} ${from} ${to}: ${reason}`),
    onPanic: (_service, isPanic) => tell(`panic ${isPanic}`)
  }
  const toLive = (fields: Record<string, unknown>) =>
    toSnapshot({ services: [{ id: 's', targets: urls.map(url => ({ url })), ...fields }] })
  const live = { snapshot: toLive(more) }
  const services = new ServiceStates()
  const health = new ServicesHealth({ listener })
  health.start(services, live)
  const alive = setInterval(() => undefined, 1_000)
  t.teardown(() => {
    clearInterval(alive)
    health.close()
  })
  const state = () => services.get(live.snapshot.service('s')!)
  return {
    told,
    health,
    /** Requests to a target that end so. */
    end: (url: string, status: number | undefined, failure: FlightFailure | undefined = undefined, times = 1, headMs = 1) => {
      const target = state().target(url)!
      for (let time = 0; time < times; time++) {
        target.begin()
        target.end(status, failure, status === undefined ? undefined : headMs, performance.now())
      }
    },
    available: () => state().available.map(({ target }) => target.url),
    report: (url: string) => health.report('s')!.targets.find(target => target.url === url)!,
    put: (fields: Record<string, unknown>) => {
      live.snapshot = toLive(fields)
      health.follow()
    },
    /** Resolves when something is told, past or to come, that holds `text`. */
    isTold: async (text: string) => {
      while (!told.some(line => line.includes(text))) await once(events, 'told')
    }
  }
}

const [a, b, c] = ['http://127.0.0.1:1', 'http://127.0.0.1:2', 'http://127.0.0.1:3'] as const

t.test('answers of 5xx, failed connections, resets and timeouts are errors; what the client ended is none', async t => {
  for (const [status, failure] of [
    [500, undefined],
    [503, 'cancelled'],
    [undefined, 'connect_error'],
    [undefined, 'reset'],
    [200, 'reset'],
    [undefined, 'timeout']
  ] as const) {
    const { end, available } = start(t, [a, b, c])
    end(a, status, failure)
    t.same(available(), [a, b, c])
    end(a, status, failure)
    t.same(available(), [b, c], `${status} ${failure}`)
  }
  for (const [status, failure] of [
    [404, undefined],
    [undefined, 'cancelled'],
    [200, 'cancelled']
  ] as const) {
    const { end, available } = start(t, [a, b, c])
    end(a, status, failure, 20)
    t.same(available(), [a, b, c], `${status} ${failure}`)
  }
})

t.test('a request that the client ended does not end a row of errors, a success does', async t => {
  const { end, available } = start(t, [a, b, c])
  end(a, 500)
  end(a, undefined, 'cancelled')
  end(a, 500)
  t.same(available(), [b, c])
  end(b, 500)
  end(b, 200)
  end(b, 500)
  t.same(available(), [b, c])
})

t.test('the only target is never ejected, and of two only one', async t => {
  const one = start(t, [a])
  one.end(a, 500, undefined, 50)
  t.same(one.available(), [a])
  const two = start(t, [a, b])
  two.end(a, 500, undefined, 50)
  two.end(b, 500, undefined, 50)
  t.same(two.available(), [b])
  t.match(two.health.report('s'), { available: 1, panic: false })
})

t.test('an ejection ends by itself', async t => {
  const { end, available, isTold, report } = start(t, [a, b], { outlier: { ...outlier, base_ejection_ms: 100 } })
  end(a, 500, undefined, 2)
  t.same(available(), [b])
  t.match(report(a), { state: 'ejected', reason: '2 errors in a row; out for 100 ms', ejections: 1, ejected_until: String })
  await isTold(`${a} ejected unknown: its time is over`)
  t.same(available(), [a, b])
  t.match(report(a), { state: 'unknown', ejections: 1, ejected_until: null })
})

t.test('a slow target is ejected when the interval is over', async t => {
  const { end, isTold, available } = start(t, [a, b], { outlier: { ...outlier, interval_ms: 200, latency_factor: 2 } })
  for (let request = 0; request < 30; request++) {
    end(a, 200, undefined, 1, 5)
    end(b, 200, undefined, 1, 50)
  }
  t.same(available(), [a, b])
  await isTold(`${b} unknown ejected: its answers took 50 ms, those of the others 5 ms (medians)`)
  t.same(available(), [a])
})

t.test('when the others are unhealthy, an ejected target is better than none', async t => {
  const [good, bad] = await startFailingTargets(t, 2)
  const check = { path: '/health', interval_ms: 50, unhealthy_after: 1 }
  const { end, available, isTold, health, told } = start(t, [good!.url, bad!.url], { outlier, health_check: check })
  await isTold(`${bad!.url} unknown healthy`)
  end(good!.url, 500, undefined, 2)
  t.same(available(), [bad!.url])
  bad!.health = 500
  await isTold('panic true')
  t.same(available(), [good!.url])
  t.match(health.report('s'), { available: 1, panic: true, targets: [{ state: 'ejected' }, { state: 'unhealthy' }] })
  t.match(health.read(), [{ service: 's', isPanic: true }])
  bad!.health = 200
  await isTold('panic false')
  t.same(available(), [bad!.url])
  t.equal(told.filter(line => line.startsWith('panic')).length, 2)
})

t.test('probes that saw a target fail and see it succeed again end its ejection', async t => {
  const [flaky, other] = await startFailingTargets(t, 2)
  const check = { path: '/health', interval_ms: 50, unhealthy_after: 1_000 }
  const { end, available, isTold } = start(t, [flaky!.url, other!.url], { outlier, health_check: check })
  await isTold(`${flaky!.url} unknown healthy`)
  end(flaky!.url, 500, undefined, 2)
  for (let probe = 0; probe < 3; probe++) await flaky!.nextProbe()
  t.same(available(), [other!.url], 'probes that saw nothing of it do not')
  flaky!.health = 500
  for (let probe = 0; probe < 2; probe++) await flaky!.nextProbe()
  flaky!.health = 200
  await isTold(`${flaky!.url} ejected healthy: its probes succeed again`)
  t.same(available(), [flaky!.url, other!.url])
})

t.test('another policy is followed at once, and without one nobody is out', async t => {
  const { end, available, put, report } = start(t, [a, b, c])
  end(a, 500)
  put({ outlier: { ...outlier, consecutive_errors: 3 } })
  end(a, 500)
  t.same(available(), [a, b, c])
  end(a, 500)
  t.same(available(), [b, c])
  put({})
  t.same(available(), [a, b, c])
  t.match(report(a), { state: 'unknown', reason: 'not watched' })
  put({ outlier })
  t.same(available(), [a, b, c], 'it begins anew')
})

t.test('a policy that goes while there is a health check ends the ejection, with its reason', async t => {
  const [one, two] = await startFailingTargets(t, 2)
  const health_check = { path: '/health', interval_ms: 3_600_000 }
  const { end, available, put, report } = start(t, [one!.url, two!.url], { outlier, health_check })
  end(one!.url, 500, undefined, 2)
  t.same(available(), [two!.url])
  put({ health_check })
  t.match(report(one!.url).reason, 'its service ejects nobody any more')
  t.same(available(), [one!.url, two!.url])
})

t.test('a gateway that closes leaves the verdicts as they are', async t => {
  const { end, available, health } = start(t, [a, b], { outlier: { ...outlier, base_ejection_ms: 600_000 } })
  end(a, 500, undefined, 2)
  health.close()
  health.follow()
  t.same(available(), [b])
  t.match(health.report('s'), { targets: [{ state: 'ejected' }, {}] })
})
