/** Rules with `websocket.reconnect`: a target that is lost and found again, behind a client that stays. */
import { once } from 'node:events'
import t from 'tap'
import { Connections } from '../../src/upstream/connections.ts'
import type { Teardown } from '../helpers/gateway.ts'
import { ruleTo, startProxy } from '../helpers/proxy-app.ts'
import { startTarget } from '../helpers/target.ts'
import { closeOf, nextMessage, openWebSocket, startWebSocketTarget } from '../helpers/websocket.ts'

const soon = { interval_ms: 100, decay: 1, attempts: 50 }

async function openPair(t: Teardown, reconnect: unknown = soon) {
  const target = await startWebSocketTarget(t)
  const connections = new Connections()
  const proxy = await startProxy(t, ruleTo(target.url, { websocket: { reconnect, max_message_bytes: 1000 } }), { connections })
  const arrived = target.next()
  const client = await openWebSocket(t, `http://127.0.0.1:${proxy.port}/chat?room=1`, ['v1', 'v2'], { headers: { cookie: 'a=1' } })
  const { socket: server, request } = await arrived
  return { target, proxy, connections, client, server, request }
}

t.test('the target is asked as by any other rule, for the first sub-protocol', async t => {
  const { client, request, connections } = await openPair(t)
  t.equal(request.url, '/chat?room=1')
  t.match(request.headers, { cookie: 'a=1', via: '1.1 sluice', 'x-forwarded-for': '127.0.0.1', 'sec-websocket-protocol': 'v1' })
  t.equal(client.protocol, 'v1')
  client.send('hello')
  t.equal(await nextMessage(client), 'hello')
  t.match(connections.list(), [{ received: { messages: 1, bytes: 5 }, sent: { messages: 1, bytes: 5 } }])
})

t.test('a target that falls is connected to again, and the client only waits', async t => {
  const { target, client, server } = await openPair(t)
  for (const round of [1, 2]) {
    const again = target.next()
    for (const socket of target.open) socket.terminate()
    const back = nextMessage(client)
    const { request } = await again
    t.equal(request.url, '/chat?room=1')
    client.send(`round ${round}`)
    t.equal(await back, `round ${round}`)
  }
  t.equal(server.readyState, server.CLOSED)
})

t.test('what the client says meanwhile is sent afterwards, in order', async t => {
  const { target, client } = await openPair(t)
  const again = target.next()
  for (const socket of target.open) socket.close(1012)
  for (let index = 0; index < 50; index++) client.send(String(index))
  await again
  const heard: string[] = []
  await new Promise<void>(resolve => {
    client.on('message', data => {
      if (heard.push(String(data)) === 50) resolve()
    })
  })
  t.same(
    heard,
    Array.from({ length: 50 }, (_, index) => String(index))
  )
})

t.test('a target that means its close closes the client', async t => {
  for (const [code, reason] of [
    [1000, 'done'],
    [1011, 'broken'],
    [4005, 'private']
  ] as const) {
    const { client, server } = await openPair(t)
    const closed = closeOf(client)
    server.close(code, reason)
    t.same(await closed, [code, reason])
  }
  const { client, server } = await openPair(t)
  const closed = closeOf(client)
  server.close()
  t.same(await closed, [1005, ''])
})

t.test('a client that closes closes the target, as it was closed', async t => {
  for (const [code, reason] of [
    [1000, 'bye'],
    [4006, 'private']
  ] as const) {
    const { client, server } = await openPair(t)
    const closed = closeOf(server)
    client.close(code, reason)
    t.same(await closed, [code, reason])
  }
  const one = await openPair(t)
  const closed = closeOf(one.server)
  one.client.close()
  t.same(await closed, [1005, ''])
  const other = await openPair(t)
  const cut = closeOf(other.server)
  other.client.terminate()
  t.same(await cut, [1006, ''])
})

t.test('a target that stays away is given up with 1014, and nothing of the inside is said', async t => {
  const proxy = await startProxy(t, ruleTo('http://127.0.0.1:1', { websocket: { reconnect: { ...soon, attempts: 2 } } }))
  const client = await openWebSocket(t, `http://127.0.0.1:${proxy.port}/`)
  t.same(await closeOf(client), [1014, ''])
  const plain = await startTarget(t, (_request, response) => void response.writeHead(401).end('no'))
  const other = await startProxy(t, ruleTo(plain.url, { websocket: { reconnect: { ...soon, attempts: 2 } } }))
  const refused = await openWebSocket(t, `http://127.0.0.1:${other.port}/`)
  t.same(await closeOf(refused), [1014, ''])
  t.equal((await (await other.connect()).request('GET /')).status, 401, 'the gateway lives')
})

t.test('a client that leaves while its target is away leaves nothing behind', async t => {
  const { target, proxy, connections, client } = await openPair(t)
  const line = proxy.nextLine()
  const again = target.next()
  for (const socket of target.open) socket.terminate()
  client.terminate()
  await Promise.race([again, line])
  while (connections.size > 0 || target.open.size > 0) await new Promise(resolve => setImmediate(resolve))
  t.match(await line, { status: 101 })
})

t.test('a target that says too much is closed with 1009 and connected to again', async t => {
  const { target, client, server } = await openPair(t)
  const again = target.next()
  const closed = closeOf(server)
  server.send('x'.repeat(1001))
  t.same(await closed, [1009, ''])
  await again
  client.send('still here')
  t.equal(await nextMessage(client), 'still here')
})

t.test('pings are passed on, and a silent target is replaced', async t => {
  const target = await startWebSocketTarget(t, socket => void socket.on('message', data => socket.send(data)), { autoPong: false })
  const proxy = await startProxy(t, ruleTo(target.url, { websocket: { reconnect: { ...soon, ping_interval_ms: 200 } } }))
  const arrived = target.next()
  const client = await openWebSocket(t, `http://127.0.0.1:${proxy.port}/`)
  const { socket: server } = await arrived
  const again = target.next()
  client.ping('hello')
  const [data] = await once(server, 'ping')
  t.equal(String(data), 'hello')
  await again
  client.send('to the new one')
  t.equal(await nextMessage(client), 'to the new one')
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
