/** The limits of a real gateway, as its operator sets and sees them. */
import t from 'tap'
import { startGateway } from '../helpers/gateway.ts'
import { startTarget } from '../helpers/target.ts'

interface Health {
  readonly status: string
  readonly details: { readonly overload: Record<string, unknown> }
}

t.test('above its limit a gateway refuses, says so, and its admin API answers on', async t => {
  const target = await startTarget(t, (request, response) => (request.url === '/hold' ? undefined : void response.end('fine')))
  const gateway = await startGateway(t, { SLUICE_STORE: 'memory:', SLUICE_MAX_REQUESTS: '1', SLUICE_READY_PATH: '/-/ready' })
  await gateway.admin('PUT', '/forward-rules/r1', { path: '/', target: target.url })
  const health = async (): Promise<Health> => (await gateway.admin<Health>('GET', '/health')).body
  t.match(await health(), { status: 'UP', details: { overload: { status: 'UP', reasons: [], requests_in_flight: 0 } } })
  const arrived = target.next()
  const held = fetch(`${gateway.proxyUrl}/hold`)
  const { response } = await arrived
  const refused = await fetch(gateway.proxyUrl)
  t.equal(refused.status, 503)
  t.equal(refused.headers.get('retry-after'), '1')
  t.match(await refused.json(), { code: 'overloaded' })
  t.equal((await fetch(`${gateway.proxyUrl}/-/ready`)).status, 200)
  t.match(await health(), {
    status: 'DEGRADED',
    details: { overload: { status: 'DEGRADED', reasons: ['requests'], requests_in_flight: 1 } }
  })
  t.match((await gateway.admin<string>('GET', '/metrics')).body, /sluice_overload_refused_total\{reason="requests"\} 1/)
  response.end('whole')
  t.equal(await (await held).text(), 'whole')
  t.equal(await (await fetch(gateway.proxyUrl)).text(), 'fine')
  await gateway.logged(line => line.error === 'overloaded')
})
