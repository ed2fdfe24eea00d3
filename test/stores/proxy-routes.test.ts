import { Redis } from 'ioredis'
import t, { type Test } from 'tap'
import { parseItem } from '../../src/control/parse-item.ts'
import { openProxyRoutes, type ProxyRouteItems, type ProxyRoutes, type ProxyRoutesOptions } from '../../src/stores/proxy-routes.ts'
import { proxyRouteId, toProxyRouteItem } from '../../src/stores/proxy-routes-items.ts'
import { startRedis } from '../helpers/redis.ts'

const server = await startRedis(t)
const admin = new Redis(server.url)
t.teardown(() => admin.disconnect())
t.beforeEach(async () => void (await admin.flushall()))

function open(t: Test, options: Partial<ProxyRoutesOptions> = {}): ProxyRoutes {
  const routes = openProxyRoutes({ url: server.url, ...options })
  t.teardown(() => routes.close())
  return routes
}

interface Seen {
  readonly sets: readonly ProxyRouteItems[]
  readonly states: readonly boolean[]
  next(ms?: number): Promise<ProxyRouteItems>
}

async function watch(routes: ProxyRoutes): Promise<Seen> {
  const sets: ProxyRouteItems[] = []
  const states: boolean[] = []
  let look = (): void => {}
  let taken = 0
  await routes.watch(
    items => {
      sets.push(items)
      look()
    },
    ({ up }) => states.push(up)
  )
  return {
    sets,
    states,
    next: (ms = 5_000) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`nothing changed within ${ms} ms`)), ms)
        look = () => {
          const set = sets[taken]
          if (set === undefined) return
          taken += 1
          clearTimeout(timer)
          look = () => {}
          resolve(set)
        }
        look()
      })
  }
}

const targets = (items: ProxyRouteItems): [string, unknown][] =>
  [...items.values()].map(({ item }) => {
    const { path, target } = item as { path: string; target: unknown }
    return [path, target]
  })

t.test('a route is a rule for its exact path, of lowest priority', async t => {
  await admin.hset('proxy_routes', '/api/v1/user', 'http://backend-user:8080')
  const items = await open(t).read()
  const [item] = [...items.values()]
  t.match(item!.id, /^proxy_routes\.api-v1-user\.[0-9a-f]{12}$/)
  t.same(item, {
    kind: 'forward_rule',
    id: item!.id,
    seq: 0,
    item: {
      id: item!.id,
      path: '/api/v1/user',
      path_type: 'exact',
      target: 'http://backend-user:8080',
      priority: -1_000_000,
      labels: { source: 'proxy_routes' }
    }
  })
  t.equal(parseItem(item!).refused, false)
})

t.test('ids are stable and valid, whatever the path', async t => {
  t.equal(proxyRouteId('/a'), proxyRouteId('/a'))
  const paths = ['/', '', '/a/b', '/a-b', '/a_b/', '/ä/ö', `/${'x'.repeat(5_000)}`, '/__proto__', '//', '/a?b#c']
  for (const path of paths) t.match(proxyRouteId(path), /^proxy_routes\.[A-Za-z0-9._-]{1,51}$/, path.slice(0, 20))
  t.equal(new Set(paths.map(proxyRouteId)).size, paths.length)
})

t.test('a bad path or target is a fault of that route alone', async t => {
  const bad: Record<string, string> = {
    '/ftp': 'ftp://x',
    '/text': 'backend',
    '/query': 'http://x/?a=1',
    'no-slash': 'http://x',
    '/empty': ''
  }
  await admin.hset('proxy_routes', {
    ...bad,
    '/long': `http://x/${'x'.repeat(20_000)}`,
    [`/${'p'.repeat(20_000)}`]: 'http://x',
    '/good': 'http://x'
  })
  const items = await open(t).read()
  t.equal(items.size, 7, 'a path that no request can have is left out')
  for (const [path, target] of Object.entries(bad)) {
    t.equal(parseItem(items.get(proxyRouteId(path))!).refused, true, `${path} ${target}`)
  }
  t.match(items.get(proxyRouteId('/long')), { item: undefined, fault: /too long/ })
  t.equal(parseItem(items.get(proxyRouteId('/good'))!).refused, false)
})

t.test('a change is told at once after a message, and what is unchanged stays the same object', async t => {
  await admin.hset('proxy_routes', '/a', 'http://a')
  // It looks only when told to.
  const seen = await watch(open(t, { pollMs: 60_000 }))
  const first = await seen.next()
  t.same(targets(first), [['/a', 'http://a']])
  while ((await admin.pubsub('NUMSUB', 'config.update'))[1] !== 1) await new Promise(setImmediate)
  await admin.hset('proxy_routes', '/b', 'http://b')
  await admin.publish('config.update', 'anything')
  const second = await seen.next(1_000)
  t.same(targets(second).sort(), [
    ['/a', 'http://a'],
    ['/b', 'http://b']
  ])
  t.equal(second.get(proxyRouteId('/a')), first.get(proxyRouteId('/a')))
  await admin.hdel('proxy_routes', '/a', '/b')
  await admin.publish('config.update', '')
  t.same(targets(await seen.next(1_000)), [])
})

t.test('without a message a change is told within a second, and what has not changed is not told', async t => {
  const seen = await watch(open(t))
  t.same(targets(await seen.next()), [])
  await admin.hset('proxy_routes', '/a', 'http://a')
  t.same(targets(await seen.next(1_000)), [['/a', 'http://a']])
  await admin.publish('config.update', 'nothing')
  await admin.hset('proxy_routes', '/a', 'http://other')
  t.same(targets(await seen.next(1_000)), [['/a', 'http://other']])
  t.equal(seen.sets.length, 3)
  t.same(seen.states, [true])
})

t.test('while Redis is away nothing changes, and afterwards all is current', async t => {
  const own = await startRedis(t)
  const client = new Redis(own.url)
  await client.hset('proxy_routes', '/a', 'http://a')
  client.disconnect()
  const routes = open(t, { url: own.url })
  const seen = await watch(routes)
  await seen.next()
  await own.kill()
  await t.rejects(routes.read(), { code: 'STORE_UNAVAILABLE' })
  await own.restart()
  const again = new Redis(own.url)
  await again.hset('proxy_routes', '/b', 'http://b')
  again.disconnect()
  t.same((await seen.next()).size, 2)
  t.equal(seen.sets.length, 2)
  t.same(seen.states.at(-1), true)
})

t.test('a key of another type is a state, not an empty set', async t => {
  await admin.set('proxy_routes', 'text')
  const routes = open(t, { pollMs: 20 })
  await t.rejects(routes.read(), { code: 'STORE_UNAVAILABLE', cause: { message: /WRONGTYPE/ } })
  const seen = await watch(routes)
  t.same(seen.sets, [])
  await admin.del('proxy_routes')
  t.equal((await seen.next()).size, 0)
})

t.test('closed, it rejects and says no more', async t => {
  const routes = open(t)
  const seen = await watch(routes)
  await seen.next()
  await Promise.all([routes.close(), routes.close()])
  await t.rejects(routes.read(), { code: 'STORE_UNAVAILABLE' })
  await t.rejects(
    routes.watch(() => {}),
    { code: 'STORE_UNAVAILABLE' }
  )
  t.same(toProxyRouteItem('/a', undefined).item, undefined)
})
