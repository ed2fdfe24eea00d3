/** `/connections`: what is open, seen and ended by an operator. */
import t from 'tap'
import { Connections } from '../../src/upstream/connections.ts'
import { startAdmin } from '../helpers/admin.ts'
import type { Teardown } from '../helpers/gateway.ts'
import { startProxy } from '../helpers/proxy-app.ts'
import { closeOf, nextMessage, openWebSocket, startWebSocketTarget } from '../helpers/websocket.ts'

async function start(t: Teardown) {
  const target = await startWebSocketTarget(t)
  const connections = new Connections()
  const proxy = await startProxy(
    t,
    {
      services: [{ id: 'chat', targets: [{ url: target.url }] }],
      rules: [
        { id: 'a', path: '/a', target_service: 'chat' },
        { id: 'b', path: '/b', target: target.url }
      ]
    },
    { connections }
  )
  const admin = await startAdmin(t, { connections })
  return {
    target,
    admin,
    open: (path: string, protocols?: string[]) => openWebSocket(t, `http://127.0.0.1:${proxy.port}${path}`, protocols)
  }
}

t.test('an open one is listed with what is known about it', async t => {
  const { target, admin, open } = await start(t)
  t.same((await admin.call('GET', '/connections')).body, { items: [], next_cursor: null, total: 0 })
  const client = await open('/a', ['v1'])
  client.send('hello')
  await nextMessage(client)
  const { status, body } = await admin.call('GET', '/connections')
  t.equal(status, 200)
  t.match(body, {
    items: [
      {
        id: /^ws-\d+$/,
        request_id: /./,
        rule: 'a',
        service: 'chat',
        target: target.url,
        client_ip: '127.0.0.1',
        since: /^\d{4}-/,
        protocol: 'v1',
        received: { messages: 1, bytes: 5 },
        sent: { messages: 1, bytes: 5 }
      }
    ],
    total: 1
  })
})

t.test('they are listed by rule and page by page, oldest first', async t => {
  const { admin, open } = await start(t)
  for (const path of ['/a', '/b', '/a', '/b', '/a']) await open(path)
  const first = (await admin.call('GET', '/connections?rule=a&limit=2')).body
  t.match(first, { items: [{ rule: 'a' }, { rule: 'a' }], total: 3 })
  const second = (await admin.call('GET', `/connections?rule=a&limit=2&cursor=${first.next_cursor}`)).body
  t.match(second, { items: [{ rule: 'a' }], next_cursor: null, total: 3 })
  const ids = [...first.items, ...second.items].map(({ id }) => id)
  t.equal(new Set(ids).size, 3)
  t.same((await admin.call('GET', '/connections')).body.items[1].service, null, 'a rule that names its target has none')
  t.equal((await admin.call('GET', '/connections?rule=none')).body.total, 0)
})

t.test('a cursor or limit that is none is refused', async t => {
  const { admin } = await start(t)
  const refused = await admin.call('GET', '/connections?cursor=!')
  t.match(refused, { status: 400, body: { code: 'validation_failed', errors: [{ pointer: '/cursor' }] } })
  t.equal((await admin.call('GET', '/connections?limit=0')).status, 400)
})

t.test('one can be closed: both ends are told, and it is gone', async t => {
  const { target, admin, open } = await start(t)
  const arrived = target.next()
  const client = await open('/a')
  const other = await open('/b')
  const { socket: server } = await arrived
  const closes = Promise.all([closeOf(client), closeOf(server)])
  const { id } = (await admin.call('GET', '/connections?rule=a')).body.items[0]
  t.equal((await admin.call('DELETE', `/connections/${id}`)).status, 204)
  t.same(await closes, [
    [1001, 'closed by an operator'],
    [1001, 'closed by an operator']
  ])
  // The gateway's own ends are closed a moment after ours.
  while ((await admin.call('GET', '/connections?rule=a')).body.total > 0) await new Promise(resolve => setImmediate(resolve))
  t.match(await admin.call('DELETE', `/connections/${id}`), { status: 404, body: { code: 'connection_not_found' } })
  other.send('still here')
  t.equal(await nextMessage(other), 'still here')
})

t.test('a viewer may look, an editor may close', async t => {
  const admin = await startAdmin(t, {
    tokens: [
      { name: 'v', role: 'viewer', token: 'viewer-token-0123456789' },
      { name: 'e', role: 'editor', token: 'editor-token-0123456789' }
    ]
  })
  const as = (who: string) => ({ authorization: `Bearer ${who}-token-0123456789` })
  t.equal((await admin.call('GET', '/connections')).status, 401)
  t.equal((await admin.call('GET', '/connections', undefined, as('viewer'))).status, 200)
  t.equal((await admin.call('DELETE', '/connections/ws-1', undefined, as('viewer'))).status, 403)
  t.equal((await admin.call('DELETE', '/connections/ws-1', undefined, as('editor'))).status, 404)
})
