/**
 * `npm run bench:slowloris`: how honest requests fare while many clients never come to the end of their header section, and when those are
 * cut. How to read it: `docs/performance.md`.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { createScope } from '../chaos/harness/scope.ts'
import { startGateway } from '../test/helpers/gateway.ts'
import { quantile, startLoad } from '../test/helpers/load.ts'
import { startSlowloris } from '../test/helpers/slowloris.ts'
import { startTarget } from '../test/helpers/target.ts'

const usage = `npm run bench:slowloris -- [options]
  --connections N   how many clients are slow (1000)
  --rate N          honest requests per second (200)`

const boundMs = { honestP99: 50, cut: 15_000 }
const warmUpMs = 3_000
const quietMs = 5_000

function positive(text: string): number {
  if (!/^[1-9]\d{0,4}$/.test(text)) throw new Error(usage)
  return Number(text)
}

/** Honest requests while something happens: how long they took, and how many failed. */
async function measure(url: string, perSecond: number, meanwhile: () => Promise<unknown>) {
  const latencies: number[] = []
  const judge = (_answer: unknown, began: unknown): undefined => void latencies.push(performance.now() - (began as number))
  const load = startLoad({ url, perSecond, judge, mark: () => performance.now() })
  await meanwhile()
  const { sent, failed } = await load.stop()
  return {
    sent,
    failed: Object.values(failed).reduce((sum, count) => sum + count, 0),
    p50: quantile(latencies, 0.5),
    p99: quantile(latencies, 0.99)
  }
}

const text = { type: 'string' } as const
const { values } = parseArgs({ options: { connections: text, rate: text } })
const connections = positive(values.connections ?? '1000')
const rate = positive(values.rate ?? '200')
const scope = createScope()
try {
  const target = await startTarget(scope, (_request, response) => response.end('fine'))
  const gateway = await startGateway(scope, { SLUICE_ACCESS_LOG: 'false', SLUICE_STORE: 'memory:' })
  const port = Number(new URL(gateway.proxyUrl).port)
  await gateway.admin('PUT', '/forward-rules/r1', { path: '/', target: target.url })
  await measure(gateway.proxyUrl, rate, () => delay(warmUpMs))
  const before = await measure(gateway.proxyUrl, rate, () => delay(quietMs))
  let livesMs: readonly number[] = []
  const during = await measure(gateway.proxyUrl, rate, async () => {
    const slow = await startSlowloris(scope, port, connections)
    livesMs = await slow.cut
  })
  console.log('| slow clients | honest requests | failed | p50 ms | p99 ms | slow ones cut after, s |\n|--:|--:|--:|--:|--:|--:|')
  for (const [count, { sent, failed, p50, p99 }, lives] of [
    [0, before, []],
    [connections, during, livesMs]
  ] as const) {
    const cut = lives.length === 0 ? '' : `${seconds(Math.min(...lives))} to ${seconds(Math.max(...lives))}`
    console.log(`| ${count} | ${sent} | ${failed} | ${p50.toFixed(1)} | ${p99.toFixed(1)} | ${cut} |`)
  }
  const holds = during.failed === 0 && during.p99 < boundMs.honestP99 && livesMs.every(life => life < boundMs.cut)
  if (!holds) process.exitCode = 1
} finally {
  await scope.close()
}

function seconds(ms: number): string {
  return (ms / 1_000).toFixed(1)
}
