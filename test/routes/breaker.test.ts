import t from 'tap'
import { createMetrics } from '../../src/control/metrics.ts'
import { reportBreakers } from '../../src/control/observe-breakers.ts'
import { Breakers } from '../../src/upstream/breakers.ts'
import { startAdmin } from '../helpers/admin.ts'
import type { Teardown } from '../helpers/gateway.ts'

const targets = [{ url: 'http://127.0.0.1:8081' }, { url: 'http://127.0.0.1:8082' }]
const calm = { state: 'closed', forced: false, retry_after_ms: null, requests: 0, failures: 0, slow: 0, consecutive_failures: 0 }

async function start(t: Teardown, breaker: Record<string, unknown> | undefined) {
  const admin = await startAdmin(t)
  await admin.call('PUT', '/services/s', { targets, ...(breaker === undefined ? {} : { breaker }) })
  return admin
}

t.test('the state can be read and forced, for the service', async t => {
  const { call } = await start(t, {})
  t.same((await call('GET', '/services/s/breaker')).body, { scope: 'service', breakers: [{ target: null, ...calm }] })
  const opened = await call('PUT', '/services/s/breaker', { state: 'open' })
  t.equal(opened.status, 200)
  t.same(opened.body.breakers, [{ target: null, ...calm, state: 'open', forced: true }])
  t.same((await call('GET', '/services/s/breaker')).body, opened.body)
  const auto = await call('PUT', '/services/s/breaker', { state: 'auto' })
  t.same(auto.body.breakers, [{ target: null, ...calm }])
})

t.test('the state can be read and forced, for one target or all', async t => {
  const { call } = await start(t, { scope: 'target' })
  const states = async (body: object) => {
    const { body: report } = await call('PUT', '/services/s/breaker', body)
    return report.breakers.map(({ state, forced }: { state: string; forced: boolean }) => `${state}${forced ? ' forced' : ''}`)
  }
  t.same(await states({ state: 'open', target: targets[1]!.url }), ['closed', 'open forced'])
  t.same(await states({ state: 'closed' }), ['closed forced', 'closed forced'])
  t.same(await states({ state: 'auto' }), ['closed', 'closed'])
})

t.test('what is not there is 404, what is not understood 400', async t => {
  const { call } = await start(t, {})
  await call('PUT', '/services/bare', { targets })
  const codeOf = async (...args: Parameters<typeof call>) => {
    const { status, body } = await call(...args)
    return `${status} ${body.code}`
  }
  t.equal(await codeOf('GET', '/services/none/breaker'), '404 service_not_found')
  t.equal(await codeOf('PUT', '/services/none/breaker', { state: 'open' }), '404 service_not_found')
  t.equal(await codeOf('GET', '/services/bare/breaker'), '404 breaker_not_found')
  t.equal(await codeOf('PUT', '/services/bare/breaker', { state: 'open' }), '404 breaker_not_found')
  t.equal(await codeOf('PUT', '/services/s/breaker', { state: 'open', target: targets[0]!.url }), '404 target_not_found')
  t.equal(await codeOf('PUT', '/services/s/breaker', { state: 'half_open' }), '400 validation_failed')
  t.equal(await codeOf('PUT', '/services/s/breaker', { state: 'open', more: 1 }), '400 validation_failed')
})

t.test('viewers read, editors force', async t => {
  const tokens = (['viewer', 'editor'] as const).map(role => ({ name: role, role, token: `${role}-token-0123456789` }))
  const { call } = await startAdmin(t, { tokens })
  const as = (role: string) => ({ authorization: `Bearer ${role}-token-0123456789` })
  await call('PUT', '/services/s', { targets, breaker: {} }, as('editor'))
  t.equal((await call('GET', '/services/s/breaker', undefined, as('viewer'))).status, 200)
  t.equal((await call('PUT', '/services/s/breaker', { state: 'open' }, as('viewer'))).status, 403)
  t.equal((await call('PUT', '/services/s/breaker', { state: 'open' }, as('editor'))).status, 200)
})

t.test('a breaker that contradicts itself is refused with where', async t => {
  const { call } = await startAdmin(t)
  const pointers = async (breaker: Record<string, unknown>) => {
    const { status, body } = await call('PUT', '/services/s', { targets, breaker })
    return [status, ...(body.errors ?? []).map(({ pointer }: { pointer: string }) => pointer)]
  }
  const trip = '/breaker/ready_to_trip'
  t.same(await pointers({ ready_to_trip: { slow_rate: 0.5 } }), [400, `${trip}/slow_rate`])
  t.same(await pointers({ ready_to_trip: { slow_ms: 5 } }), [400, `${trip}/slow_ms`])
  t.same(await pointers({ ready_to_trip: { consecutive_failures: null } }), [400, trip])
  t.same(await pointers({ ready_to_trip: { error_rate: 1.1 } }), [400, `${trip}/error_rate`])
  t.same(await pointers({ failure_status: ['5xx', '504-500'] }), [400, '/breaker/failure_status/1'])
  t.same(await pointers({ fallback: {} }), [400, '/breaker/fallback'])
  t.same(await pointers({ fallback: { respond: {}, target_service: 'b' } }), [400, '/breaker/fallback'])
  t.same(await pointers({ fallback: { target_service: 's' } }), [400, '/breaker/fallback/target_service'])
  t.same(await pointers({ fallback: { respond: { status: 204, body: 'x' } } }), [400, '/breaker/fallback/respond/body'])
  const rule = await call('PUT', '/forward-rules/r', { redirect: { location: 'https://example.com' }, breaker: {} })
  t.same([rule.status, rule.body.errors[0].pointer], [400, '/breaker'])
})

t.test('the fallback of a service has to be there, and stays as long as it is needed', async t => {
  const { call } = await startAdmin(t)
  const withFallback = { targets, breaker: { fallback: { target_service: 'b' } } }
  const unknown = await call('PUT', '/services/s', withFallback)
  t.same([unknown.status, unknown.body.code], [422, 'unknown_service'])
  t.equal(unknown.body.errors[0].pointer, '/breaker/fallback/target_service')
  const changes = [
    { op: 'put', kind: 'service', id: 's', item: withFallback },
    { op: 'put', kind: 'service', id: 'b', item: { targets } }
  ]
  t.equal((await call('POST', '/commits', { changes })).status, 200)
  const used = await call('DELETE', '/services/b')
  t.same([used.status, used.body.code], [409, 'service_in_use'])
  await call('PUT', '/services/s', { targets })
  t.equal((await call('DELETE', '/services/b')).status, 204)
})

t.test('the fallback of a rule has to be there, and stays as long as it is needed', async t => {
  const { call } = await startAdmin(t)
  const rule = { target: targets[0]!.url, breaker: { fallback: { target_service: 'b' } } }
  const unknown = await call('PUT', '/forward-rules/r', rule)
  t.same([unknown.status, unknown.body.errors[0].pointer], [422, '/breaker/fallback/target_service'])
  await call('PUT', '/services/b', { targets })
  t.equal((await call('PUT', '/forward-rules/r', rule)).status, 201)
  t.equal((await call('DELETE', '/services/b')).status, 409)
})

t.test('explain shows the state of the breaker that a request would meet', async t => {
  const { call } = await start(t, {})
  await call('PUT', '/forward-rules/r', { target_service: 's' })
  await call('PUT', '/forward-rules/own', { path: '/own', target_service: 's', breaker: { scope: 'target' } })
  await call('PUT', '/forward-rules/bare', { path: '/bare', target: targets[0]!.url })
  await call('PUT', '/services/s/breaker', { state: 'open' })
  const breakerAt = async (url: string) => (await call('POST', '/explain', { method: 'GET', url, headers: { host: 'x' } })).body.breaker
  t.equal((await breakerAt('/')).breakers[0].state, 'open')
  const own = await breakerAt('/own')
  t.same([own.scope, own.breakers.length, own.breakers[0].state], ['target', 2, 'closed'])
  t.equal(await breakerAt('/bare'), undefined)
})

t.test('each transition is an event, a log line and a count; the state is measured', async t => {
  const { call, live, feed } = await start(t, {})
  const events: unknown[] = []
  const lines: string[] = []
  feed.subscribe(event => events.push(event))
  const metrics = createMetrics({ measureProcess: false })
  const log = (_line: object, text: string) => lines.push(text)
  const logger = { warn: log, info: log } as unknown as Parameters<typeof reportBreakers>[0]
  const breakers = new Breakers({ onChange: reportBreakers(logger, metrics, feed) })
  metrics.readBreakers(() => breakers.read())
  await call('GET', '/services/s/breaker')
  breakers.force(live.snapshot!.service('s')!, 'open')
  t.match(events, [{ event: 'breaker', data: { service: 's', from: 'closed', to: 'open', reason: 'forced' } }])
  t.same(lines, ["the breaker of service 's' is open: forced"])
  const text = await metrics.registry.metrics()
  t.match(text, 'sluice_breaker_state{service="s",rule="",target=""} 2')
  t.match(text, 'sluice_breaker_transitions_total{service="s",rule="",state="open"} 1')
})
