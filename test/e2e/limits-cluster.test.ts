/** Limits that gateways count together, over real processes and a real Redis. */
import t from 'tap'
import { startGateway } from '../helpers/gateway.ts'
import { startRedis } from '../helpers/redis.ts'

const minute = 60_000

async function startFleet(test: Parameters<typeof startGateway>[0], count: number) {
  const redis = await startRedis(test)
  const env = { SLUICE_STORE: redis.url, SLUICE_ACCESS_LOG: 'false' }
  const gateways = await Promise.all(
    Array.from({ length: count }, (_, index) => startGateway(test, { ...env, SLUICE_INSTANCE: `gateway-${index}` }))
  )
  const send = async (requests: number, path = '/'): Promise<number> => {
    const answers = await Promise.all(
      Array.from({ length: requests }, (_, index) =>
        fetch(`${gateways[index % count]!.proxyUrl}${path}`).then(async response => {
          await response.arrayBuffer()
          return response.status
        })
      )
    )
    const other = answers.filter(status => status !== 200 && status !== 429)
    if (other.length > 0) throw new Error(`answered ${other}`)
    return answers.filter(status => status === 200).length
  }
  return { redis, gateways, send }
}

t.test('exact: four gateways let through what the limit says, to the request', async t => {
  const { gateways, send } = await startFleet(t, 4)
  for (const [path, algorithm] of [
    ['/token', 'token_bucket'],
    ['/fixed', 'fixed_window'],
    ['/log', 'sliding_log']
  ] as const) {
    // A window that began long ago and ends long after.
    const rate_limit = { algorithm, limit: 50, window_ms: 2_600_000_000, mode: 'exact', key: 'rule', on_store_failure: 'deny' }
    const put = await gateways[0]!.admin('PUT', `/forward-rules/${algorithm}?wait=all`, { path, respond: {}, rate_limit })
    t.equal(put.status, 201)
    // On a busy machine Redis may be late: then one is refused that could have gone, and none goes that must not.
    let passed = 0
    for (let round = 0; round < 20 && passed < 50; round++) passed += await send(100, path)
    t.equal(passed, 50, algorithm)
    t.equal(await send(40, path), 0, `${algorithm}, again`)
  }
})

t.test('bounded: what comes through stays within the overshoot that is stated', async t => {
  const { gateways, send } = await startFleet(t, 3)
  const rate_limit = { limit: 60, window_ms: minute, key: 'rule' }
  await gateways[0]!.admin('PUT', '/forward-rules/r1?wait=all', { path: '/', respond: {}, rate_limit })
  const explain = async () =>
    (
      await gateways[1]!.admin<{ limits: [{ max_overshoot: number; counted: string; mode: string }] }>('POST', '/explain', {
        url: 'http://a/'
      })
    ).body.limits[0]
  const { max_overshoot, counted, mode } = await explain()
  t.same([counted, mode], ['cluster', 'bounded'])
  t.ok(max_overshoot > 0 && max_overshoot <= 90, `${max_overshoot}`)
  let passed = 0
  for (let round = 0; round < 10; round++) passed += await send(60)
  t.ok(passed >= 50, `${passed} of 600`)
  // In this time some come back.
  t.ok(passed <= 60 + max_overshoot + 20, `${passed} of 600`)
})
