/** Redis dies, hangs and comes back under load: what becomes of limits that gateways count together is what `on_store_failure` says. */
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { type GatewayProcess, startGateway } from '../helpers/gateway.ts'
import { startRedis } from '../helpers/redis.ts'

const windowMs = 2_600_000_000
const policies = ['local', 'allow', 'deny'] as const

interface Seen {
  readonly status: number
  readonly tookMs: number
}

/** Sends a request to each path 50 times a second until it is stopped; what came of them since the last look. */
function keepAsking(url: string, paths: readonly string[]) {
  const seen = new Map<string, Seen[]>(paths.map(path => [path, []]))
  let isOver = false
  const loops = paths.map(async path => {
    while (!isOver) {
      const begunMs = performance.now()
      const response = await fetch(url + path)
      await response.arrayBuffer()
      seen.get(path)!.push({ status: response.status, tookMs: performance.now() - begunMs })
      await delay(20)
    }
  })
  return {
    take: (path: string): readonly Seen[] => seen.get(path)!.splice(0),
    until: async (path: string, holds: (latest: Seen) => boolean): Promise<void> => {
      for (;;) {
        const latest = seen.get(path)!.at(-1)
        if (latest !== undefined && holds(latest)) return
        await delay(5)
      }
    },
    stop: async () => {
      isOver = true
      await Promise.all(loops)
    }
  }
}

const countOf = (seen: readonly Seen[], wanted: number) => seen.filter(({ status }) => status === wanted).length

t.test('with Redis killed and restarted under load nothing is a 5xx, and each limit does what it says', async t => {
  const redis = await startRedis(t)
  const gateway = await startGateway(t, { SLUICE_STORE: 'memory:', SLUICE_LIMIT_STORE: redis.url, SLUICE_ACCESS_LOG: 'false' })
  // Nobody runs into a limit while Redis answers; the share of one instance is small.
  for (const policy of policies)
    for (const mode of ['exact', 'bounded'] as const) {
      const rate_limit = { limit: 1_000_000, window_ms: windowMs, key: 'rule', mode, on_store_failure: policy }
      await gateway.admin('PUT', `/forward-rules/${policy}-${mode}`, { path: `/${policy}/${mode}`, respond: {}, rate_limit })
    }
  const paths = policies.flatMap(policy => [`/${policy}/exact`, `/${policy}/bounded`])
  const asking = keepAsking(gateway.proxyUrl, paths)
  await asking.until('/deny/exact', ({ status }) => status === 200)
  await redis.kill()
  await asking.until('/deny/exact', ({ status }) => status === 429)
  // What was leased before is used up, and the connection known to be gone.
  await asking.until('/deny/bounded', ({ status }) => status === 429)
  for (const path of paths) asking.take(path)
  await delay(500)
  for (const path of paths) {
    const seen = asking.take(path)
    const wanted = path.startsWith('/deny') ? 429 : 200
    t.ok(seen.length > 3, `${path}: ${seen.length} answers`)
    t.equal(countOf(seen, wanted), seen.length, `${path}: all ${wanted} while Redis is away`)
  }
  await redis.restart()
  const backMs = performance.now()
  await asking.until('/deny/exact', ({ status }) => status === 200)
  await asking.until('/deny/bounded', ({ status }) => status === 200)
  t.comment(`after the restart limits hold again after ${Math.round(performance.now() - backMs)} ms`)
  t.ok(performance.now() - backMs < 5_000)
  await asking.stop()
  t.same(
    gateway.log.filter(({ level }) => Number(level) >= 50),
    [],
    'nothing is an error'
  )
})

t.test('with on_store_failure local an instance keeps to its share while Redis is away', async t => {
  const redis = await startRedis(t)
  const env = { SLUICE_STORE: redis.url, SLUICE_ACCESS_LOG: 'false' }
  const [one, two] = await Promise.all([startGateway(t, env), startGateway(t, env)])
  const rate_limit = { limit: 20, window_ms: windowMs, key: 'rule', mode: 'exact' }
  await one!.admin('PUT', '/forward-rules/r1?wait=all', { path: '/', respond: {}, rate_limit })
  const passed = async (url: string, requests: number) => {
    let count = 0
    for (let left = requests; left > 0; left--) if ((await fetch(url)).status === 200) count++
    return count
  }
  t.equal(await passed(one!.proxyUrl, 2), 2)
  const knowsBoth = async ({ adminUrl }: GatewayProcess) =>
    (await (await fetch(`${adminUrl}/metrics`)).text()).includes('\nsluice_rate_limit_instances 2\n')
  for (const gateway of [one!, two!]) while (!(await knowsBoth(gateway))) await delay(20)
  await redis.kill()
  const local = await Promise.all([one!, two!].map(({ proxyUrl }) => passed(proxyUrl, 30)))
  t.same(local, [10, 10], 'half of the limit each')
})

t.test('with Redis hung an exact limit holds a request back for 50 ms at most, and the next ones not at all', async t => {
  const redis = await startRedis(t)
  const gateway = await startGateway(t, { SLUICE_STORE: 'memory:', SLUICE_LIMIT_STORE: redis.url, SLUICE_ACCESS_LOG: 'false' })
  const rate_limit = { limit: 1_000_000, key: 'rule', mode: 'exact', on_store_failure: 'allow' }
  await gateway.admin('PUT', '/forward-rules/r1', { path: '/', respond: {}, rate_limit })
  const asking = keepAsking(gateway.proxyUrl, ['/'])
  await asking.until('/', ({ status }) => status === 200)
  asking.take('/')
  redis.pause()
  await delay(1_000)
  redis.resume()
  await asking.stop()
  const seen = asking.take('/')
  const longest = Math.max(...seen.map(({ tookMs }) => tookMs))
  t.equal(countOf(seen, 200), seen.length)
  t.comment(`${seen.length} answers, the longest after ${longest.toFixed(1)} ms`)
  // The machine may be busy: how long it is without that, docs/rate-limits.md says.
  t.ok(longest < 1_000, `${longest}`)
  t.ok(seen.filter(({ tookMs }) => tookMs > 45).length < seen.length / 2, 'most are not held back')
})
