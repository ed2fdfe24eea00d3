import { Pool } from 'undici'
import { createScope, type Scope } from '../../chaos/harness/scope.ts'
import { type GatewayProcess, startGateway } from '../../test/helpers/gateway.ts'
import { startRedis } from '../../test/helpers/redis.ts'

/** Gateways that count together, and clients that send as fast as they are answered. */
export interface LimitFleet {
  readonly gateways: readonly GatewayProcess[]
  /** Makes the one rule, a new one with fresh counters, and waits until all gateways follow it. */
  setLimit(rate_limit: object): Promise<void>
  /** Requests for which Redis was to be asked and did not answer in time, under the rule of the moment. */
  storeFailures(): Promise<number>
  /** Answers of `clients` clients, spread over the gateways, in `seconds`; by status. */
  hammer(clients: number, seconds: number): Promise<Readonly<Record<number, number>>>
  close(): Promise<void>
}

/** @param nodeArgsOf for the gateway of that number */
export async function startLimitFleet(count: number, nodeArgsOf: (index: number) => readonly string[] = () => []): Promise<LimitFleet> {
  const scope: Scope = createScope()
  const redis = await startRedis(scope)
  const gateways = await Promise.all(
    Array.from({ length: count }, (_, index) => {
      const env = { SLUICE_STORE: redis.url, SLUICE_ACCESS_LOG: 'false', SLUICE_INSTANCE: `gateway-${index}` }
      return startGateway(scope, env, undefined, { nodeArgs: nodeArgsOf(index) })
    })
  )
  let made = 0
  return {
    gateways,
    async setLimit(rate_limit) {
      if (made > 0) await gateways[0]!.admin('DELETE', `/forward-rules/r${made}?wait=all`)
      made++
      const { status } = await gateways[0]!.admin('PUT', `/forward-rules/r${made}?wait=all`, { path: '/', respond: {}, rate_limit })
      if (status !== 201) throw new Error(`the rule was answered ${status}`)
    },
    async storeFailures() {
      const texts = await Promise.all(gateways.map(async ({ adminUrl }) => (await fetch(`${adminUrl}/metrics`)).text()))
      const counts = texts.map(
        text => new RegExp(`^sluice_rate_limit_store_failures_total\\{limit="rule/r${made}/[^}]*\\} (\\d+)`, 'm').exec(text)?.[1]
      )
      return counts.reduce((sum, found) => sum + Number(found ?? 0), 0)
    },
    async hammer(clients, seconds) {
      const pools = gateways.map(({ proxyUrl }) => new Pool(proxyUrl, { connections: Math.ceil(clients / count) }))
      const answers: Record<number, number> = {}
      const untilMs = performance.now() + seconds * 1_000
      const client = async (pool: Pool): Promise<void> => {
        while (performance.now() < untilMs) {
          const { statusCode, body } = await pool.request({ path: '/', method: 'GET' })
          await body.dump()
          answers[statusCode] = (answers[statusCode] ?? 0) + 1
        }
      }
      await Promise.all(Array.from({ length: clients }, (_, index) => client(pools[index % count]!)))
      await Promise.all(pools.map(pool => pool.close()))
      return answers
    },
    close: () => scope.close()
  }
}
