/** The Redis store in a cluster. Real servers: a cluster of one node for the contract, one of two for what moves between them. */
import { randomUUID } from 'node:crypto'
import { Redis } from 'ioredis'
import t from 'tap'
import { openRedisStore } from '../../src/stores/redis-store.ts'
import { type RedisServer, startRedis } from '../helpers/redis.ts'
import { putRule } from './changes.ts'
import { storeContract } from './contract.ts'
import { observe } from './observe.ts'

async function startNode(): Promise<{ server: RedisServer; admin: Redis }> {
  const server = await startRedis(t, { cluster: true })
  const admin = new Redis({ port: server.port, enableReadyCheck: false })
  t.teardown(() => admin.disconnect())
  return { server, admin }
}

async function untilHealthy(nodes: readonly Redis[]): Promise<void> {
  for (const node of nodes) {
    let info = ''
    while (!info.includes('cluster_state:ok')) info = String(await node.call('CLUSTER', 'INFO'))
  }
}

const one = await startNode()
await one.admin.call('CLUSTER', 'ADDSLOTSRANGE', '0', '16383')
await untilHealthy([one.admin])

storeContract('redis+cluster', () => {
  const namespace = randomUUID()
  return () => openRedisStore({ url: `redis+cluster://127.0.0.1:${one.server.port}`, namespace, logLength: 10 })
})

t.test('the node that serves the configuration is found, and found again when the slot has moved', async t => {
  const [first, second] = [await startNode(), await startNode()]
  await first.admin.call('CLUSTER', 'ADDSLOTSRANGE', '0', '8191')
  await second.admin.call('CLUSTER', 'ADDSLOTSRANGE', '8192', '16383')
  const busPort = String(((await second.admin.call('CONFIG', 'GET', 'cluster-port')) as string[])[1])
  await first.admin.call('CLUSTER', 'MEET', '127.0.0.1', String(second.server.port), busPort)
  await untilHealthy([first.admin, second.admin])
  const namespace = await namespaceWhere(first.admin, slot => slot >= 8192)
  // The first host of the list is gone.
  const store = openRedisStore({ url: `redis+cluster://127.0.0.1:1,127.0.0.1:${first.server.port}`, namespace })
  t.teardown(() => store.close())
  const observed = await observe(store)
  await observed.until('up', ({ states }) => states.at(-1)?.up === true)
  await store.commit([putRule('a')], 'anna')
  t.equal(await second.admin.hlen(`{sluice:${namespace}}:forward_rule`), 1)

  const slot = String(await first.admin.call('CLUSTER', 'KEYSLOT', `{sluice:${namespace}}:revision`))
  const id = String(await first.admin.call('CLUSTER', 'MYID'))
  await second.admin.flushall()
  for (const { admin } of [first, second]) await admin.call('CLUSTER', 'SETSLOT', slot, 'NODE', id)
  t.equal((await store.commit([putRule('b')], 'anna')).revision, 1, 'the call itself goes to the right node')
  t.equal(await first.admin.hlen(`{sluice:${namespace}}:forward_rule`), 1)
  await observed.until('the commit', ({ commits }) => commits().at(-1)?.changes[0]?.id === 'b')
})

async function namespaceWhere(admin: Redis, isWanted: (slot: number) => boolean): Promise<string> {
  for (let index = 0; ; index += 1) {
    const slot = Number(await admin.call('CLUSTER', 'KEYSLOT', `{sluice:ns-${index}}`))
    if (isWanted(slot)) return `ns-${index}`
  }
}
