/** A proxy in this process, with the rules and services that a test names. */
import { EventEmitter, once } from 'node:events'
import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { pino } from 'pino'
import type { AccessLine } from '../../src/control/access-line.ts'
import { createMetrics, type Metrics } from '../../src/control/metrics.ts'
import { parseItem } from '../../src/control/parse-item.ts'
import { ConfigState } from '../../src/core/config-state.ts'
import { CidrSet } from '../../src/core/ip.ts'
import type { RolloutTraffic } from '../../src/core/rollout-traffic.ts'
import type { Snapshot } from '../../src/core/snapshot.ts'
import { buildProxy, type ProxyAppOptions } from '../../src/proxy-app.ts'
import type { Teardown } from './gateway.ts'
import { connect, type RawClient } from './raw-client.ts'

export interface Items {
  readonly rules?: readonly Record<string, unknown>[]
  readonly services?: readonly Record<string, unknown>[]
  readonly tiers?: readonly Record<string, unknown>[]
  readonly clients?: readonly Record<string, unknown>[]
}

/** A snapshot of items as an operator writes them. @throws when one of them is not valid */
export function toSnapshot({ rules = [], services = [], tiers = [], clients = [] }: Items): Snapshot {
  const changes = [
    ...services.map((item, seq) => ({ op: 'put' as const, kind: 'service' as const, id: String(item.id), seq, item })),
    ...tiers.map((item, seq) => ({ op: 'put' as const, kind: 'tier' as const, id: String(item.id), seq, item })),
    ...clients.map((item, seq) => ({ op: 'put' as const, kind: 'client' as const, id: String(item.id), seq, item })),
    ...rules.map((item, seq) => ({ op: 'put' as const, kind: 'forward_rule' as const, id: String(item.id), seq: 1_000 + seq, item }))
  ]
  const state = ConfigState.empty.apply({ revision: 1, changes }, parseItem)
  if (state.problems.length > 0) throw new Error(JSON.stringify(state.problems))
  return state.snapshot
}

export interface ProxyApp {
  readonly app: FastifyInstance
  readonly port: number
  readonly metrics: Metrics
  /** Access lines and errors so far. */
  readonly log: readonly Record<string, unknown>[]
  /** What the proxy follows; a test may put another snapshot or a rollout here. */
  readonly live: { snapshot: Snapshot | undefined; rollout?: RolloutTraffic }
  /** Resolves with the next access line. */
  nextLine(): Promise<AccessLine>
  /** A new connection to the proxy. */
  connect(): Promise<RawClient>
}

type Overrides = Partial<Omit<ProxyAppOptions, 'live' | 'trustedProxies'>> & { readonly trusted?: readonly string[] }

/** Starts a proxy that follows `items`; undefined: nothing is loaded. */
export async function startProxy(t: Teardown, items: Items | undefined, { trusted = [], ...overrides }: Overrides = {}): Promise<ProxyApp> {
  const log: Record<string, unknown>[] = []
  const events = new EventEmitter()
  const write = (text: string): void => {
    for (const part of text.trimEnd().split('\n')) {
      const line = JSON.parse(part) as Record<string, unknown>
      log.push(line)
      if (line.msg === 'request') events.emit('line', line)
    }
  }
  const live: ProxyApp['live'] = { snapshot: items === undefined ? undefined : toSnapshot(items) }
  const metrics = createMetrics({ measureProcess: false })
  const app = buildProxy({
    live,
    metrics,
    logger: pino({ level: 'error', base: null }, { write }),
    accessLog: true,
    isReady: () => live.snapshot !== undefined,
    trustedProxies: CidrSet.parse(trusted),
    ...overrides
  })
  await app.listen({ port: 0, host: '127.0.0.1' })
  t.teardown(() => {
    app.server.closeAllConnections()
    return app.close()
  })
  const { port } = app.server.address() as AddressInfo
  return { app, port, metrics, log, live, nextLine: async () => (await once(events, 'line'))[0], connect: () => connect(t, port) }
}

/** A rule that sends everything to `target`. */
export function ruleTo(target: string, more: Record<string, unknown> = {}): Items {
  return { rules: [{ id: 'r1', path: '/', target, ...more }] }
}
