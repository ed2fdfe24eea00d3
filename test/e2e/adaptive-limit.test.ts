import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { startGateway } from '../helpers/gateway.ts'
import { startLoad } from '../helpers/load.ts'
import { startQueueTarget } from '../helpers/queue-target.ts'

const windowMs = 1_000
const deadlineMs = 30_000

t.test(
  'an adaptive limit holds the latency of a real target within 20 %, also when half of its workers stop',
  { timeout: 110_000 },
  async t => {
    const target = await startQueueTarget(t, { workers: 10, serviceMs: 50 })
    const gateway = await startGateway(t, { SLUICE_ACCESS_LOG: 'false', SLUICE_STORE: 'memory:' })
    const rate_limit = { algorithm: 'adaptive', limit: 400, min: 10, max: 5_000, target_latency_ms: 100, key: 'rule' }
    await gateway.admin('PUT', '/forward-rules/r1', { path: '/', target: target.url, rate_limit })
    let tookMs: number[] = []
    const load = startLoad({
      url: gateway.proxyUrl,
      perSecond: 300,
      mark: () => performance.now(),
      judge: ({ status }, began) => {
        if (status === 200) tookMs.push(performance.now() - (began as number))
        return status === 200 || status === 429 ? undefined : `status ${status}`
      }
    })
    /** Resolves once the mean was near the target in three windows, one after the other. A busy machine may need more of them. */
    const settles = async (): Promise<string> => {
      const means: number[] = []
      for (const endMs = performance.now() + deadlineMs; performance.now() < endMs; ) {
        tookMs = []
        await delay(windowMs)
        means.push(tookMs.reduce((sum, ms) => sum + ms, 0) / tookMs.length)
        if (means.length >= 3 && means.slice(-3).every(ms => Math.abs(ms - 100) <= 20)) return ''
      }
      return means.map(ms => ms.toFixed(0)).join(', ')
    }
    t.equal(await settles(), '', 'with all workers')
    await target.change({ workers: 5 })
    t.equal(await settles(), '', 'with half of them')
    await target.change({ workers: 10 })
    t.equal(await settles(), '', 'with all again')
    t.same((await load.stop()).failed, {})
  }
)
