import t from 'tap'
import { startAdmin } from '../helpers/admin.ts'
import { startFailingTargets } from '../helpers/failing-target.ts'

t.test('the health of a service names each target, its state and why', async t => {
  const { call } = await startAdmin(t)
  const [good, bad] = await startFailingTargets(t, 2)
  bad!.health = 500
  const health_check = { path: '/health', interval_ms: 50, unhealthy_after: 2 }
  const drained = { url: 'http://127.0.0.1:9', weight: 0 }
  await call('POST', '/services', { id: 's', targets: [{ url: good!.url }, { url: bad!.url, weight: 3 }, drained], health_check })
  let answer = await call('GET', '/services/s/health')
  t.match(answer, {
    status: 200,
    body: { id: 's', available: 2, panic: false, targets: [{ state: 'unknown', last_probe: null }, {}, { state: 'draining' }] }
  })
  while (answer.body.targets[1].state !== 'unhealthy' || answer.body.targets[0].state !== 'healthy') {
    await bad!.nextProbe()
    answer = await call('GET', '/services/s/health')
  }
  const [first, second] = answer.body.targets
  t.match(first, {
    url: good!.url,
    weight: 1,
    state: 'healthy',
    in_flight: 0,
    ejections: 0,
    ejected_until: null,
    last_probe: { ok: true, status: 200 }
  })
  t.match(second, {
    url: bad!.url,
    weight: 3,
    reason: '2 probes failed: status 500',
    last_probe: { ok: false, status: 500, error: 'status 500' },
    history: [{ from: 'unknown', to: 'unhealthy', reason: '2 probes failed: status 500' }]
  })
  t.equal(answer.body.available, 1)
})

t.test('the targets of a service that neither probes nor ejects are unknown', async t => {
  const { call } = await startAdmin(t)
  await call('POST', '/services', { id: 's', targets: [{ url: 'http://127.0.0.1:9' }] })
  t.match((await call('GET', '/services/s/health')).body, {
    available: 1,
    targets: [{ state: 'unknown', reason: 'not watched', history: [] }]
  })
})

t.test('the health of a service that is not there is 404', async t => {
  const { call } = await startAdmin(t)
  t.match(await call('GET', '/services/none/health'), { status: 404, body: { code: 'service_not_found' } })
})

t.test('what is left out of a check or a policy is filled in', async t => {
  const { call } = await startAdmin(t)
  const { body } = await call('POST', '/services', { id: 's', health_check: {}, outlier: { latency_factor: 3 } })
  t.same(body.health_check, {
    type: 'http',
    path: '/',
    method: 'GET',
    host: null,
    interval_ms: 2000,
    timeout_ms: 1000,
    unhealthy_after: 3,
    healthy_after: 1,
    expect_status: '2xx'
  })
  t.same(body.outlier, {
    consecutive_errors: 5,
    interval_ms: 10_000,
    base_ejection_ms: 30_000,
    max_ejection_percent: 50,
    latency_factor: 3
  })
})

t.test('a check or a policy that cannot be is refused where it is wrong', async t => {
  const { call } = await startAdmin(t)
  for (const [service, pointer] of [
    [{ health_check: { type: 'udp' } }, '/health_check/type'],
    [{ health_check: { path: 'health' } }, '/health_check/path'],
    [{ health_check: { path: '/a b' } }, '/health_check/path'],
    [{ health_check: { method: 'DELETE' } }, '/health_check/method'],
    [{ health_check: { interval_ms: 1 } }, '/health_check/interval_ms'],
    [{ health_check: { healthy_after: 0 } }, '/health_check/healthy_after'],
    [{ health_check: { host: 'a b' } }, '/health_check/host'],
    [{ health_check: { expect_status: '2x' } }, '/health_check/expect_status'],
    [{ health_check: { expect_status: '399-200' } }, '/health_check/expect_status'],
    [{ health_check: { expect_status: [200, '399-200'] } }, '/health_check/expect_status/1'],
    [{ health_check: { intervall_ms: 100 } }, '/health_check/intervall_ms'],
    [{ outlier: { consecutive_errors: 0 } }, '/outlier/consecutive_errors'],
    [{ outlier: { max_ejection_percent: 101 } }, '/outlier/max_ejection_percent'],
    [{ outlier: { latency_factor: 1 } }, '/outlier/latency_factor'],
    [{ outlier: { base_ejection_ms: 1.5 } }, '/outlier/base_ejection_ms']
  ] as const) {
    const { status, body } = await call('POST', '/services', { id: 's', ...service })
    t.equal(status, 400)
    t.equal(body.errors?.[0]?.pointer, pointer, JSON.stringify(body.errors))
  }
})
