import { setTimeout as delay } from 'node:timers/promises'
import { createScope } from '../../chaos/harness/scope.ts'
import { startGateway } from '../../test/helpers/gateway.ts'
import { quantile, startLoad } from '../../test/helpers/load.ts'
import { startQueueTarget } from '../../test/helpers/queue-target.ts'

const workers = 10
const serviceMs = 50
const perSecond = 400
const phaseMs = 20_000

/** A gateway and a target with sockets between, under twice the load that the target can take; in the middle half of its workers stop. A table. */
export async function measureForReal(): Promise<string> {
  const scope = createScope()
  try {
    const target = await startQueueTarget(scope, { workers, serviceMs })
    const gateway = await startGateway(scope, { SLUICE_ACCESS_LOG: 'false', SLUICE_STORE: 'memory:' })
    const rate_limit = { algorithm: 'adaptive', limit: 100, min: 10, max: 5_000, target_latency_ms: 100, key: 'rule' }
    await gateway.admin('PUT', '/forward-rules/r1', { path: '/', target: target.url, rate_limit })
    let took: number[] = []
    const load = startLoad({
      url: gateway.proxyUrl,
      perSecond,
      mark: () => performance.now(),
      judge: ({ status }, began) => {
        if (status === 200) took.push(performance.now() - (began as number))
        return undefined
      }
    })
    const rows: string[] = []
    for (const [phase, share] of [
      ['full', 1],
      ['half', 0.5],
      ['full again', 1]
    ] as const) {
      await target.change({ workers: workers * share })
      await delay(phaseMs / 2)
      // It has settled.
      took = []
      await delay(phaseMs / 2)
      const meanMs = took.reduce((sum, ms) => sum + ms, 0) / took.length
      rows.push(
        `| ${phase} | ${((took.length * 2_000) / phaseMs).toFixed(0)} | ${meanMs.toFixed(1)} | ${quantile(took, 0.5).toFixed(1)} | ${quantile(took, 0.95).toFixed(1)} |`
      )
    }
    const { failed } = await load.stop()
    const table = ['| capacity | answered/s | mean ms | p50 ms | p95 ms |', '|---|---|---|---|---|', ...rows].join('\n')
    return `${table}\n\nfailed: ${JSON.stringify(failed)}`
  } finally {
    await scope.close()
  }
}
