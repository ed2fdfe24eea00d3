/** What two ends of a WebSocket say to each other through the proxy, with the real `ws` on both sides. */
import { once } from 'node:events'
import t from 'tap'
import type { WebSocket } from 'ws'
import { Connections } from '../../src/upstream/connections.ts'
import type { Teardown } from '../helpers/gateway.ts'
import { ruleTo, startProxy, toSnapshot } from '../helpers/proxy-app.ts'
import { closeOf, nextMessage, openWebSocket, startWebSocketTarget } from '../helpers/websocket.ts'

type Rule = Record<string, unknown>

/** An open WebSocket, both ends of it, and the proxy between. */
async function openPair(t: Teardown, rule: Rule = {}, options: Parameters<typeof startWebSocketTarget>[2] = {}) {
  const target = await startWebSocketTarget(t, () => undefined, options)
  const connections = new Connections()
  const proxy = await startProxy(t, ruleTo(target.url, rule), { connections })
  const arrived = target.next()
  const client = await openWebSocket(t, `http://127.0.0.1:${proxy.port}/`, [], { autoPong: false })
  const { socket, request } = await arrived
  return { client, server: socket, request, proxy, target, connections }
}

t.test('text and binary messages go both ways as they are', async t => {
  const { client, server } = await openPair(t)
  for (const [from, to] of [
    [client, server],
    [server, client]
  ] as const) {
    from.send('grüße')
    t.equal(await nextMessage(to), 'grüße')
    from.send(Buffer.from([0, 255, 1]))
    const [data, isBinary] = await once(to, 'message')
    t.same([data, isBinary], [Buffer.from([0, 255, 1]), true])
    from.send('')
    t.equal(await nextMessage(to), '')
  }
})

t.test('what both ends send at once all arrives in order', async t => {
  const { client, server } = await openPair(t)
  const collect = (socket: WebSocket): Promise<string[]> => {
    const list: string[] = []
    return new Promise(resolve => {
      socket.on('message', data => {
        if (list.push(String(data)) === 500) resolve(list)
      })
    })
  }
  const both = Promise.all([collect(server), collect(client)])
  const sent = Array.from({ length: 500 }, (_, index) => `${index}`.padEnd(index % 300, '.'))
  for (const text of sent) {
    client.send(text)
    server.send(text)
  }
  const [up, down] = await both
  t.same(up, sent)
  t.same(down, sent)
})

t.test('pings and pongs are the other end’s, with their data', async t => {
  const { client, server } = await openPair(t, {}, { autoPong: false })
  client.ping('are you there')
  const [asked] = await once(server, 'ping')
  t.equal(String(asked), 'are you there')
  server.pong('I am')
  const [answered] = await once(client, 'pong')
  t.equal(String(answered), 'I am', 'and the gateway did not answer itself')
  server.ping('and you')
  const [back] = await once(client, 'ping')
  t.equal(String(back), 'and you')
})

t.test('a close is passed on with its code and reason', async t => {
  for (const [code, reason] of [
    [1000, 'bye'],
    [1001, ''],
    [1011, 'broken'],
    [3000, 'registered'],
    [4005, 'private']
  ] as const) {
    const one = await openPair(t)
    const atServer = closeOf(one.server)
    one.client.close(code, reason)
    t.same(await atServer, [code, reason], `client closes with ${code}`)
    const other = await openPair(t)
    const atClient = closeOf(other.client)
    other.server.close(code, reason)
    t.same(await atClient, [code, reason], `target closes with ${code}`)
  }
})

t.test('a close without a code stays without one', async t => {
  const one = await openPair(t)
  const atServer = closeOf(one.server)
  one.client.close()
  t.same(await atServer, [1005, ''])
  const other = await openPair(t)
  const atClient = closeOf(other.client)
  other.server.close()
  t.same(await atClient, [1005, ''])
})

t.test('a connection that is cut is cut at the other end, after what came before', async t => {
  const one = await openPair(t)
  const last = nextMessage(one.server)
  const atServer = closeOf(one.server)
  one.client.send('last words', () => one.client.terminate())
  t.equal(await last, 'last words')
  t.same(await atServer, [1006, ''])
  const other = await openPair(t)
  const atClient = closeOf(other.client)
  other.server.terminate()
  t.same(await atClient, [1006, ''])
})

t.test('a message that is too large closes its sender with 1009', async t => {
  const one = await openPair(t, { websocket: { max_message_bytes: 1000 } })
  one.client.send('x'.repeat(1000))
  t.equal((await nextMessage(one.server)).length, 1000, 'as large as is allowed')
  const closes = Promise.all([closeOf(one.client), closeOf(one.server)])
  one.client.send('x'.repeat(1001))
  t.same(await closes, [
    [1009, ''],
    [1001, '']
  ])
  const other = await openPair(t, { websocket: { max_message_bytes: 1000 } })
  const otherCloses = Promise.all([closeOf(other.client), closeOf(other.server)])
  other.server.send('x'.repeat(1001))
  t.same(await otherCloses, [
    [1011, ''],
    [1009, '']
  ])
})

t.test('an idle one is closed, one with traffic is not', async t => {
  const { client, server } = await openPair(t, { websocket: { idle_timeout_ms: 400 } })
  const closes = Promise.all([closeOf(client), closeOf(server)])
  const began = performance.now()
  let pings = 0
  const beat = setInterval(() => {
    if (++pings === 8) clearInterval(beat)
    client.ping()
  }, 100)
  t.same(await closes, [
    [1001, 'idle'],
    [1001, 'idle']
  ])
  t.ok(performance.now() - began >= 1_000, 'it was counted from the last ping')
})

t.test('a slow reader holds its sender back, and gets everything in the end', async t => {
  const { client, server, connections } = await openPair(t)
  const chunk = Buffer.alloc(65_536, 'x')
  const count = 1_000
  client.pause()
  for (let index = 0; index < count; index++) server.send(chunk)
  const [connection] = connections.list()
  const { sent } = connection!
  // Until nothing moves any more: what the kernel holds is not ours to bound.
  let before = -1
  while (before !== sent.bytes) {
    before = sent.bytes
    await new Promise(resolve => setTimeout(resolve, 250))
  }
  t.ok(sent.bytes < (count * chunk.length) / 2, `the gateway took ${sent.bytes} of ${count * chunk.length} bytes`)
  let arrived = 0
  const all = new Promise<void>(resolve => {
    client.on('message', () => {
      if (++arrived === count) resolve()
    })
  })
  client.resume()
  await all
  t.equal(connections.list()[0]!.sent.bytes, count * chunk.length)
})

t.test('a reader that takes nothing at all is cut off in the end', async t => {
  const target = await startWebSocketTarget(t, () => undefined)
  const proxy = await startProxy(t, ruleTo(target.url), { limits: { clientStallMs: 300 } })
  const arrived = target.next()
  const client = await openWebSocket(t, `http://127.0.0.1:${proxy.port}/`)
  const { socket: server } = await arrived
  client.pause()
  const chunk = Buffer.alloc(65_536, 'x')
  const cut = closeOf(server)
  for (let index = 0; index < 1_000; index++) server.send(chunk)
  t.equal((await cut)[0], 1006)
})

t.test('compression is negotiated with each end when the rule says so', async t => {
  const one = await openPair(t, { websocket: { compression: true } }, { perMessageDeflate: true })
  t.equal(one.client.extensions, 'permessage-deflate')
  t.equal(one.server.extensions, 'permessage-deflate')
  one.client.send('abc'.repeat(10_000))
  t.equal(await nextMessage(one.server), 'abc'.repeat(10_000))
  const closes = Promise.all([closeOf(one.client), closeOf(one.server)])
  // Small on the wire.
  one.client.send('a'.repeat(2_000_000))
  t.same((await closes)[0], [1009, ''], 'the limit is for what is unpacked')
  const other = await openPair(t, {}, { perMessageDeflate: true })
  t.equal(other.client.extensions, '')
  t.equal(other.server.extensions, '')
})

t.test('it outlives the changes of other rules, of its own, and the rule itself', async t => {
  const { client, server, proxy, target } = await openPair(t)
  server.on('message', data => server.send(data))
  const says = async (text: string): Promise<void> => {
    client.send(text)
    t.equal(await nextMessage(client), text)
  }
  await says('before')
  proxy.live.snapshot = toSnapshot({ rules: [...ruleTo(target.url).rules!, { id: 'other', path: '/other', target: target.url }] })
  await says('another rule')
  proxy.live.snapshot = toSnapshot(ruleTo('http://127.0.0.1:1', { websocket: { max_connections: 0 } }))
  await says('its own rule')
  proxy.live.snapshot = toSnapshot({})
  await says('no rule')
})

t.test('when the proxy closes, both ends are told 1001', async t => {
  const { client, server, proxy } = await openPair(t)
  const closes = Promise.all([closeOf(client), closeOf(server)])
  await proxy.app.close()
  t.same(await closes, [
    [1001, 'going away'],
    [1001, 'going away']
  ])
})

t.test('the access line comes with the end, and metrics count', async t => {
  const { client, server, proxy } = await openPair(t)
  server.on('message', data => server.send(`${data}!`))
  client.send('one')
  await nextMessage(client)
  const gauge = await proxy.metrics.registry.metrics()
  t.match(gauge, 'sluice_websocket_connections{rule="r1"} 1')
  t.match(gauge, 'sluice_websocket_messages_total{rule="r1",direction="received"} 1')
  const line = proxy.nextLine()
  client.close(1000)
  t.match(await line, { status: 101, rule: 'r1', method: 'GET', bytes_sent: 4, bytes_received: 3, aborted: undefined, error: undefined })
  await closeOf(server).catch(() => undefined)
  t.match(await proxy.metrics.registry.metrics(), 'sluice_http_requests_total{rule="r1",code="101"} 1')
})
