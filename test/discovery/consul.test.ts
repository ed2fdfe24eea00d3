import t from 'tap'
import { startConsul } from '../helpers/registry-server.ts'
import { follow, sourceContract } from './contract.ts'

sourceContract('consul', async t => {
  const consul = await startConsul(t, 'secret-token')
  return {
    discovery: { type: 'consul', address: consul.address, service: 'users', token: 'secret-token' },
    register: async (...ports) => consul.register(...ports.map(port => ({ port }))),
    kill: consul.kill,
    restart: consul.restart
  }
})

t.test('weights, tags and the address of the node are taken', async t => {
  const consul = await startConsul(t)
  consul.register({ port: 8001, weight: 5, tags: ['v2', 'eu'], onlyNode: true }, { port: 8002, tags: ['v1'] })
  const told = follow(t, { type: 'consul', address: consul.address, service: 'users', tags: ['v2', 'eu'], datacenter: 'dc1' })
  await told.ports(8001)
  t.same(told.latest, [{ url: 'http://127.0.0.1:8001', weight: 5 }])
  t.match(consul.seen[0], /passing=1&tag=v2&tag=eu&dc=dc1&stale=$/)
})

t.test('an index that goes back is forgotten, and the next change is told all the same', async t => {
  const consul = await startConsul(t)
  consul.register({ port: 8001 })
  const told = follow(t, { type: 'consul', address: consul.address, service: 'users' })
  await told.ports(8001)
  consul.resetIndex()
  consul.register({ port: 8002 })
  await told.ports(8002)
  t.equal(told.troubles, 0)
})

for (const [what, ms] of [
  ['a server that is far behind its leader', 60_000],
  ['a server without a leader', undefined]
] as const)
  t.test(`the answer of ${what} is not used: the leader is asked`, async t => {
    const consul = await startConsul(t)
    consul.register({ port: 8001 })
    consul.lagBehind(ms)
    consul.register({ port: 8002 })
    const told = follow(t, { type: 'consul', address: consul.address, service: 'users' })
    await told.ports(8002)
    t.same(told.lists, [['8002']], 'the old list was never told')
    t.equal(told.troubles, 1)
    t.match(consul.seen[0], /stale/)
    t.notMatch(consul.seen[1], /stale/)
  })

t.test('an answer that is a little behind is used', async t => {
  const consul = await startConsul(t)
  consul.register({ port: 8001 })
  consul.lagBehind(4_000)
  const told = follow(t, { type: 'consul', address: consul.address, service: 'users' })
  await told.ports(8001)
  t.equal(told.troubles, 0)
})

t.test('a wrong token is trouble', async t => {
  const consul = await startConsul(t, 'right')
  const told = follow(t, { type: 'consul', address: consul.address, service: 'users', token: 'wrong' })
  await told.until(() => told.troubles > 0)
  t.equal(told.latest, undefined)
})
