import { once } from 'node:events'
import { setImmediate as nextTurn } from 'node:timers/promises'
import t from 'tap'
import type { Dispatcher } from 'undici'
import { Pools, type TargetPool } from '../../src/upstream/pools.ts'
import { startTarget } from '../helpers/target.ts'

interface Asked {
  readonly handler: Dispatcher.DispatchHandler
  /** Resolves with the status at the end of the answer. */
  readonly status: Promise<number>
}

function toAsked(onRequestStart: () => void = () => undefined): Asked {
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  let result = 0
  const handler: Dispatcher.DispatchHandler = {
    onRequestStart,
    onResponseStart: (_controller, status) => {
      result = status
    },
    onResponseData: () => undefined,
    onResponseEnd: () => resolve(result),
    onResponseError: (_controller, error) => reject(error)
  }
  return { handler, status: promise }
}

const get = { path: '/', method: 'GET' }

/** Sends a GET and resolves with its status. */
function ask(pool: TargetPool, onRequestStart?: () => void, nowMs = 0): Promise<number> {
  const { handler, status } = toAsked(onRequestStart)
  pool.dispatch(get, handler, nowMs)
  return status
}

t.test('a pool is made once per origin and connect timeout', async t => {
  const pools = new Pools()
  const pool = pools.get('http://127.0.0.1:9', 5_000)
  t.equal(pools.get('http://127.0.0.1:9', 5_000), pool)
  t.not(pools.get('http://127.0.0.1:9', 1_000), pool)
  t.not(pools.get('http://127.0.0.1:8', 5_000), pool)
  t.equal(pools.size, 3)
  await pools.close()
})

t.test('a sweep closes the pools that stood unused, not those in use', async t => {
  const target = await startTarget(t, (request, response) => void (request.url === '/' && response.end()))
  const pools = new Pools()
  const pool = pools.get(target.url, 5_000)
  t.equal(await ask(pool, undefined, 1_000), 200)
  pools.sweep(1_000)
  t.equal(pools.get(target.url, 5_000), pool, 'used since')
  pools.sweep(1_001)
  t.equal(pools.size, 0)
  t.not(pools.get(target.url, 5_000), pool)
  await t.rejects(ask(pool), { name: 'ClientClosedError' })
  await pools.close()
})

t.test('a pool with a request under way is in use, however long it takes', async t => {
  const target = await startTarget(t, () => undefined)
  const pools = new Pools()
  const arrived = target.next()
  const answer = ask(pools.get(target.url, 5_000))
  const { response } = await arrived
  pools.sweep(1_000_000)
  t.equal(pools.size, 1)
  const closed = pools.close()
  response.end()
  t.equal(await answer, 200, 'close lets it end')
  await closed
})

t.test('a pool tells the first request on a connection from later ones', async t => {
  const sockets = new Set<object>()
  const expected: boolean[] = []
  const target = await startTarget(t, (request, response) => {
    expected.push(!sockets.has(request.socket))
    sockets.add(request.socket)
    response.end()
  })
  const pools = new Pools()
  const pool = pools.get(target.url, 5_000)
  const fresh: boolean[] = []
  for (let index = 0; index < 6; index++) {
    await ask(pool, () => void fresh.push(pool.onFreshConnection))
    // Undici takes a connection back one turn of the event loop after an answer.
    if (index > 2) await nextTurn()
  }
  t.same(fresh, expected)
  t.ok(fresh.includes(true) && fresh.includes(false), 'there were both')
  await pools.close()
})

t.test('a request of its own connection leaves none behind', async t => {
  let connections = 0
  const target = await startTarget(t, (request, response) => {
    connections++
    t.equal(request.headers.connection, 'close')
    response.end()
  })
  const pool = new Pools().get(target.url, 5_000)
  const arrived = target.next()
  const { handler, status } = toAsked()
  pool.dispatchOnce(get, handler)
  const { request } = await arrived
  await Promise.all([status, once(request.socket, 'close')])
  t.equal(connections, 1)
})
