/** A WebSocket takes a place as a request does, for as long as it is open. */
import t from 'tap'
import { Overload } from '../../src/control/overload.ts'
import { startProxy } from '../helpers/proxy-app.ts'
import { openWebSocket, startWebSocketTarget } from '../helpers/websocket.ts'

t.test('an open WebSocket counts at its target and in all, however it ends', async t => {
  const target = await startWebSocketTarget(t)
  const overload = new Overload(
    { maxConnections: 0, maxRequests: 0, maxEventLoopDelayMs: 0, maxHeapPercent: 0 },
    { onReading: () => undefined, onStrain: () => undefined }
  )
  t.teardown(() => overload.close())
  const services = [{ id: 's', max_connections: 1, targets: [{ url: target.url }] }]
  const proxy = await startProxy(t, { services, rules: [{ id: 'r', target_service: 's' }] }, { overload })
  const url = `http://127.0.0.1:${proxy.port}/`
  for (const end of ['close', 'terminate'] as const) {
    const line = proxy.nextLine()
    const socket = await openWebSocket(t, url)
    t.equal(overload.report().requests_in_flight, 1)
    const refused = proxy.nextLine()
    await t.rejects(openWebSocket(t, url), end)
    t.match(await refused, { status: 503, error: 'overloaded' })
    socket[end]()
    await line
    while (overload.report().requests_in_flight > 0) await new Promise(resolve => setTimeout(resolve, 5))
  }
  const last = await openWebSocket(t, url)
  t.equal(overload.report().requests_in_flight, 1, 'the place is free each time')
  last.close()
})
