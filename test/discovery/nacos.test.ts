import t from 'tap'
import { startNacos } from '../helpers/registry-server.ts'
import { follow, sourceContract } from './contract.ts'

sourceContract('nacos', async t => {
  const nacos = await startNacos(t, ['nacos', 'pass'])
  return {
    discovery: { type: 'nacos', address: nacos.address, service: 'users', username: 'nacos', password: 'pass' },
    register: async (...ports) => nacos.register(...ports.map(port => ({ port }))),
    kill: nacos.kill,
    restart: nacos.restart
  }
})

t.test('namespace, clusters and weights are taken', async t => {
  const nacos = await startNacos(t)
  nacos.register({ port: 8001, weight: 2.6 }, { port: 8002, weight: 0.2 }, { port: 8003, weight: 0 })
  const told = follow(t, { type: 'nacos', address: nacos.address, service: 'users', namespace: 'ns-1', clusters: ['a', 'b'] })
  await told.ports(8001, 8002, 8003)
  t.same(
    told.latest?.map(({ weight }) => weight),
    [3, 1, 0]
  )
  t.match(nacos.seen[0], /namespaceId=ns-1&clusters=a%2Cb/)
})

t.test('a login that is refused is trouble', async t => {
  const nacos = await startNacos(t, ['nacos', 'pass'])
  const told = follow(t, { type: 'nacos', address: nacos.address, service: 'users', username: 'nacos', password: 'no' })
  await told.until(() => told.troubles > 0)
  t.equal(told.latest, undefined)
})
