import t from 'tap'
import { startNameServer } from '../helpers/dnsmasq.ts'
import { follow, sourceContract } from './contract.ts'

sourceContract('dns', async t => {
  const server = await startNameServer(t, [])
  let records: readonly string[] = []
  return {
    discovery: { type: 'dns', name: '_http._tcp.users.internal', record: 'SRV', server: server.address, refresh_ms: 100 },
    register: async (...ports) => {
      records = ['host-record=a.internal,127.0.0.1,1', ...ports.map(port => `srv-host=_http._tcp.users.internal,a.internal,${port},1,1`)]
      await server.names(records)
    },
    kill: server.kill,
    restart: () => server.names(records)
  }
})

t.test('addresses of a name get the port of the block', async t => {
  const records = ['host-record=users.internal,127.0.0.1,::1,1', 'host-record=users.internal,127.0.0.2,1']
  const server = await startNameServer(t, records)
  const block = { type: 'dns', name: 'users.internal', server: server.address, port: 8080 } as const
  const four = follow(t, block)
  await four.until(() => four.latest?.length === 2)
  t.same(
    four.latest?.map(({ url }) => url),
    ['http://127.0.0.1:8080', 'http://127.0.0.2:8080']
  )
  const six = follow(t, { ...block, record: 'AAAA', scheme: 'https' })
  await six.until(() => six.latest !== undefined)
  t.same(six.latest, [{ url: 'https://[::1]:8080', weight: 1 }])
})

t.test('of SRV records the best priority is used, with its weights', async t => {
  const host = 'host-record=a.internal,127.0.0.1,1'
  const srv = (port: number, priority: number, weight: number) => `srv-host=_x._tcp.internal,a.internal,${port},${priority},${weight}`
  const server = await startNameServer(t, [host, srv(8001, 1, 10), srv(8002, 1, 30), srv(8003, 2, 99)])
  const told = follow(t, { type: 'dns', name: '_x._tcp.internal', record: 'SRV', server: server.address })
  await told.ports(8001, 8002)
  t.same(
    told.latest?.map(({ weight }) => weight),
    [10, 30]
  )
})
