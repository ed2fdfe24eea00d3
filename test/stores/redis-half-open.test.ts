/** Connections to Redis that are dead without a word: no FIN, no RST, as when a cable is cut or a firewall forgets. */
import t, { type Test } from 'tap'
import { openRedisStore } from '../../src/stores/redis-store.ts'
import { startRedis } from '../helpers/redis.ts'
import { startTcpProxy, type TcpProxy } from '../helpers/tcp-proxy.ts'
import { putRule } from './changes.ts'
import { type Observed, observe } from './observe.ts'

const server = await startRedis(t)

interface Followed {
  readonly proxy: TcpProxy
  readonly observed: Observed
  readonly store: ReturnType<typeof openRedisStore>
}

async function follow(t: Test, namespace: string): Promise<Followed> {
  const proxy = await startTcpProxy(t, server.port)
  const store = openRedisStore({ url: `redis://127.0.0.1:${proxy.port}`, namespace })
  t.teardown(() => store.close())
  const observed = await observe(store)
  await observed.until('up', ({ states }) => states.at(-1)?.up === true)
  return { proxy, observed, store }
}

const limitMs = 5_000

t.test('a connection that is dead without a word is noticed within 5 seconds, whichever it is', { jobs: 3 }, async t => {
  // All at once: each takes the seconds that the heartbeat needs.
  await Promise.all([
    t.test('the one for commands', { buffered: true }, async t => {
      const { proxy, observed } = await follow(t, 'commands')
      proxy.connections[0]!.silence()
      await observed.until('down', ({ states }) => states.at(-1)?.up === false, limitMs)
      t.match(observed.states.at(-1)?.reason, /127.0.0.1:\d+: Socket timeout/)
      await observed.until('up again', ({ states }) => states.at(-1)?.up === true)
    }),
    t.test('the one for notices', { buffered: true }, async t => {
      const { proxy, observed, store } = await follow(t, 'notices')
      proxy.connections[1]!.silence()
      const commit = await store.commit([putRule('a')], 'anna')
      await observed.until('down', ({ states }) => states.at(-1)?.up === false, limitMs)
      const heard = observed.notices.length
      await observed.until('a look is asked for', ({ notices }) => notices.length > heard)
      t.same(observed.commits(), [], 'the notice was lost')
      t.same(await store.commitsSince(0), [commit])
    }),
    t.test('both, and the server does not come back at once', { buffered: true }, async t => {
      const { proxy, observed, store } = await follow(t, 'both')
      proxy.silence()
      await observed.until('down', ({ states }) => states.at(-1)?.up === false, limitMs)
      const begin = performance.now()
      await t.rejects(store.load(), { code: 'STORE_UNAVAILABLE' })
      t.ok(performance.now() - begin < 1_000)
      const heard = observed.notices.length
      proxy.release()
      await observed.until('up again', ({ states, notices }) => states.at(-1)?.up === true && notices.length > heard)
      t.equal((await store.commit([putRule('a')], 'anna')).revision, 1)
    })
  ])
})
