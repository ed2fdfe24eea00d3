/** WebSockets through a gateway process: what a change of rules and a stop do to them. */
import t from 'tap'
import type { WebSocket } from 'ws'
import { startGateway } from '../helpers/gateway.ts'
import { startRawTarget } from '../helpers/target.ts'
import { closeOf, nextMessage, openWebSocket, startWebSocketTarget } from '../helpers/websocket.ts'

const count = 1_000

t.test('1,000 open WebSockets echo through 100 changes of other rules, and a stop closes them with 1001', async t => {
  const target = await startWebSocketTarget(t)
  const gateway = await startGateway(t, { SLUICE_STORE: 'memory:', SLUICE_ACCESS_LOG: 'false' })
  await gateway.admin('PUT', '/forward-rules/chat', { path: '/chat', target: target.url })
  const clients = await openMany(() => openWebSocket(t, `${gateway.proxyUrl}/chat`))
  t.match(await gateway.admin('GET', '/connections?rule=chat&limit=1'), { status: 200, body: { total: count } })

  let closed = 0
  for (const client of clients) client.on('close', () => closed++)
  let changed = 0
  const changes = (async () => {
    for (; changed < 100; changed++) {
      const { status } = await gateway.admin('PUT', `/forward-rules/other-${changed % 10}`, {
        path: `/other/${changed}`,
        target: target.url
      })
      if (status >= 300) throw new Error(`a change was answered with ${status}`)
    }
  })()
  let rounds = 0
  // At least one round after the last change.
  for (let isLast = false; !isLast; rounds++) {
    isLast = changed === 100
    await Promise.all(clients.map(client => echo(client, `round ${rounds}`)))
  }
  await changes
  t.equal(closed, 0, `none was closed in ${rounds} rounds`)
  t.match(await gateway.admin('GET', '/connections?limit=1'), { body: { total: count } })

  const ends = Promise.all([...clients, ...target.open].map(closeOf))
  const began = performance.now()
  const code = await gateway.stop('SIGTERM')
  const all = await ends
  t.same([...new Set(all.map(([code, reason]) => `${code} ${reason}`))], ['1001 going away'], 'clients and targets alike')
  t.equal(all.length, 2 * count)
  t.equal(code, 0)
  t.ok(performance.now() - began < 10_000, 'long before the grace is over')
})

t.test('whoever does not answer does not keep the process', async t => {
  const target = await startWebSocketTarget(t)
  const gateway = await startGateway(t, { SLUICE_STORE: 'memory:', SLUICE_SHUTDOWN_GRACE_MS: '1000' })
  await gateway.admin('PUT', '/forward-rules/chat', { path: '/', target: target.url })
  const arrived = target.next()
  const client = await openWebSocket(t, gateway.proxyUrl)
  const { socket: server } = await arrived
  client.pause()
  server.pause()
  // And one whose target has not answered its handshake yet.
  const asked = Promise.withResolvers<void>()
  const silent = await startRawTarget(t, async connection => asked.resolve(void (await connection.head())))
  await gateway.admin('PUT', '/forward-rules/silent', { path: '/silent', target: silent.url })
  const refused = openWebSocket(t, `${gateway.proxyUrl}/silent`).catch((error: Error) => error)
  await asked.promise
  const began = performance.now()
  t.equal(await gateway.stop('SIGTERM'), 0)
  t.ok(performance.now() - began < 10_000, 'long before the target is given up')
  t.type(await refused, Error)
})

/** Some at a time: the queue of a listener is finite. */
async function openMany(open: () => Promise<WebSocket>): Promise<WebSocket[]> {
  const clients: WebSocket[] = []
  while (clients.length < count) clients.push(...(await Promise.all(Array.from({ length: 50 }, open))))
  return clients
}

async function echo(client: WebSocket, text: string): Promise<void> {
  const back = nextMessage(client)
  client.send(text)
  const heard = await back
  if (heard !== text) throw new Error(`said '${text}', heard '${heard}'`)
}
