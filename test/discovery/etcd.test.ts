import t from 'tap'
import { startEtcd } from '../helpers/etcd.ts'
import { startTcpProxy } from '../helpers/tcp-proxy.ts'
import { follow, sourceContract } from './contract.ts'

sourceContract('etcd', async t => {
  const etcd = await startEtcd(t)
  const prefix = '/services/users/'
  return {
    discovery: { type: 'etcd', address: `http://${etcd.host}`, prefix },
    register: async (...ports) => {
      for (const port of ports) await etcd.put(`${prefix}${port}`, `127.0.0.1:${port}`)
      for (const key of await etcd.keys(prefix)) if (!ports.includes(Number(key.slice(prefix.length)))) await etcd.del(key)
    },
    kill: etcd.kill,
    restart: etcd.restart
  }
})

t.test('JSON values bring weights, and a bad value hides no other', async t => {
  const etcd = await startEtcd(t)
  await etcd.put('/s/a', JSON.stringify({ url: 'http://127.0.0.1:8001', weight: 7 }))
  await etcd.put('/s/b', '{"url')
  await etcd.put('/s/c', 'http://127.0.0.1:8003')
  const told = follow(t, { type: 'etcd', address: `http://${etcd.host}`, prefix: '/s/' })
  await told.ports(8001, 8003)
  t.same(
    told.latest?.map(({ weight }) => weight),
    [7, 1]
  )
})

t.test('a target whose lease runs out is gone', async t => {
  const etcd = await startEtcd(t)
  const { ID } = (await etcd.call('/v3/lease/grant', { TTL: '1' })) as { ID: string }
  const encode = (text: string) => Buffer.from(text).toString('base64')
  await etcd.put('/s/stays', '127.0.0.1:8001')
  await etcd.call('/v3/kv/put', { key: encode('/s/leased'), value: encode('127.0.0.1:8002'), lease: ID })
  const told = follow(t, { type: 'etcd', address: `http://${etcd.host}`, prefix: '/s/' })
  await told.ports(8001, 8002)
  await told.ports(8001)
  t.equal(told.troubles, 0)
})

t.test('what changed while etcd was away is found, though its history is compacted', async t => {
  const etcd = await startEtcd(t)
  const proxy = await startTcpProxy(t, etcd.port)
  await etcd.put('/s/a', '127.0.0.1:8001')
  await etcd.put('/s/b', '127.0.0.1:8002')
  const told = follow(t, { type: 'etcd', address: `http://127.0.0.1:${proxy.port}`, prefix: '/s/' })
  await told.ports(8001, 8002)
  proxy.shut()
  await told.until(() => told.troubles > 0)
  await etcd.del('/s/a')
  await etcd.put('/s/c', '127.0.0.1:8003')
  const { header } = (await etcd.call('/v3/kv/range', { key: 'AA==' })) as { header: { revision: string } }
  await etcd.call('/v3/kv/compaction', { revision: header.revision, physical: true })
  t.equal(told.latest?.length, 2, 'until then all is as it was')
  proxy.open()
  await told.ports(8002, 8003)
  await etcd.put('/s/d', '127.0.0.1:8004')
  await told.ports(8002, 8003, 8004)
  t.ok(
    told.lists.every(({ length }) => length > 0),
    'no list was empty on the way'
  )
})
