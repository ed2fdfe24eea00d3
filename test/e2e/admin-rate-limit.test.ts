/** Real gateways whose admin calls are limited: over one Redis, and while that is away or hangs. */
import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { type GatewayProcess, startGateway } from '../helpers/gateway.ts'
import { startRedis } from '../helpers/redis.ts'
import { startTcpProxy } from '../helpers/tcp-proxy.ts'

const limit = 30
const env = (url: string) => ({ SLUICE_STORE: url, SLUICE_ADMIN_RATE_LIMIT: `${limit}/600` })

async function ask({ adminUrl }: GatewayProcess): Promise<number> {
  const response = await fetch(`${adminUrl}/forward-rules`)
  await response.text()
  return response.status
}

/** Asks until the gateway refuses. Resolves with how many calls were let in; every other answer fails the test. */
async function untilRefused(t: Test, gateway: GatewayProcess): Promise<number> {
  for (let calls = 0; ; calls++) {
    const status = await ask(gateway)
    if (status === 429) return calls
    if (status !== 200) t.equal(status, 200)
  }
}

async function remaining({ adminUrl }: GatewayProcess): Promise<number> {
  const response = await fetch(`${adminUrl}/status`)
  await response.text()
  return Number(response.headers.get('x-ratelimit-remaining'))
}

t.test('two gateways with one Redis count together, and another namespace apart', async t => {
  const { url } = await startRedis(t)
  const shared = { ...env(url), SLUICE_ADMIN_RATE_LIMIT: '10000/600' }
  const [a, b] = await Promise.all([startGateway(t, shared), startGateway(t, shared)])
  // A machine that is busy may make one count alone for a second: then B, which is asked half as often, has more left than A.
  for (;;) {
    await remaining(a)
    const left = await remaining(a)
    if ((await remaining(b)) === left - 1) break
  }
  const other = await startGateway(t, { ...shared, SLUICE_NAMESPACE: 'other' })
  t.ok((await remaining(other)) > (await remaining(a)), 'it has used less')
})

t.test('a Redis that is killed fails no call and delays none; each gateway then counts alone', async t => {
  const redis = await startRedis(t)
  const gateway = await startGateway(t, env(redis.url))
  t.equal(await ask(gateway), 200)
  await redis.kill()
  const from = performance.now()
  const calls = await untilRefused(t, gateway)
  t.comment(`${calls} calls in ${Math.round(performance.now() - from)} ms`)
  t.ok(calls >= limit - 1 && calls <= limit + 1, `${calls} calls`)
  await redis.restart()
  while ((await gateway.admin('GET', '/health')).body.status !== 'UP') await delay(50)
  t.equal(await gateway.stop(), 0)
})

t.test('a Redis that hangs fails no call, and delays hardly any', async t => {
  const redis = await startRedis(t)
  const proxy = await startTcpProxy(t, redis.port)
  const gateway = await startGateway(t, env(`redis://127.0.0.1:${proxy.port}`))
  t.equal(await ask(gateway), 200)
  proxy.silence()
  const took: number[] = []
  for (let calls = 0; calls < 20; calls++) {
    const from = performance.now()
    t.equal(await ask(gateway), 200)
    took.push(performance.now() - from)
  }
  took.sort((a, b) => a - b)
  t.comment(`median ${took[10]!.toFixed(1)} ms, longest ${took[19]!.toFixed(1)} ms`)
  t.ok(took[10]! < 50, 'most of them wait for nothing')
  t.ok(took[19]! < 500, 'no more than the patience is waited')
  t.equal((await untilRefused(t, gateway)) < 3 * limit, true, 'it is limited all the same')
})
