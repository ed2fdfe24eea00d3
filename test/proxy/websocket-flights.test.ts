/** What the live state of a target hears of WebSockets: the end of the handshake at once, and that one is open as long as it is. */
import t from 'tap'
import type { FlightEnd } from '../../src/core/flight.ts'
import type { ServiceStates } from '../../src/upstream/services.ts'
import { type FollowedConfig, ServicesHealth } from '../../src/upstream/services-health.ts'
import type { Teardown } from '../helpers/gateway.ts'
import { startProxy, toSnapshot } from '../helpers/proxy-app.ts'
import { closeOf, openWebSocket, refusal, startWebSocketTarget } from '../helpers/websocket.ts'

/** Hands out the services of a gateway. */
class Window extends ServicesHealth {
  services: ServiceStates | undefined
  override start(services: ServiceStates, config: FollowedConfig): void {
    this.services = services
    super.start(services, config)
  }
}

async function start(t: Teardown, url: string, rule: Record<string, unknown> = {}) {
  const items = { services: [{ id: 's', targets: [{ url }] }], rules: [{ id: 'r', target_service: 's', ...rule }] }
  const health = new Window()
  const proxy = await startProxy(t, items, { health })
  const service = health.services!.get(toSnapshot(items).service('s')!)
  const ends: FlightEnd[] = []
  service.observe({ began: () => undefined, ended: (_target, end) => ends.push(end) })
  return { proxy, url: `http://127.0.0.1:${proxy.port}/`, ends, state: service.candidates[0]!.state }
}

for (const [name, rule] of [
  ['plain', {}],
  ['reconnecting', { websocket: { reconnect: {} } }]
] as const) {
  t.test(`${name}: it is in flight until both ends have closed`, async t => {
    const target = await startWebSocketTarget(t, () => undefined)
    const { proxy, url, ends, state } = await start(t, target.url, rule)
    const client = await openWebSocket(t, url)
    t.equal(state.inFlight, 1)
    t.same(
      ends.map(({ status, failure }) => [status, failure]),
      name === 'plain' ? [[101, undefined]] : []
    )
    const line = proxy.nextLine()
    client.close()
    await closeOf(client)
    await line
    t.equal(state.inFlight, 0)
    t.equal(ends.length, name === 'plain' ? 1 : 0)
  })
}

t.test('a handshake that fails is told once, and nothing stays in flight', async t => {
  const { proxy, url, ends, state } = await start(t, 'http://127.0.0.1:1')
  const line = proxy.nextLine()
  t.equal((await refusal(t, url)).status, 502)
  await line
  t.same(
    ends.map(({ status, failure }) => [status, failure]),
    [[undefined, 'connect_error']]
  )
  t.equal(state.inFlight, 0)
})

t.test('a sticky service sets its cookie with the 101', async t => {
  const target = await startWebSocketTarget(t, () => undefined)
  const items = { services: [{ id: 's', targets: [{ url: target.url }], sticky: {} }], rules: [{ id: 'r', target_service: 's' }] }
  const client = await (await startProxy(t, items)).connect()
  client.send('GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n')
  client.send('Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n')
  await client.seen('\r\n\r\n')
  t.match(
    client.pending,
    /^HTTP\/1.1 101 [\s\S]*\r\nset-cookie: sluice_target=[\w-]{16}; Path=\/; Max-Age=3600; HttpOnly; SameSite=Lax\r\n/
  )
})
