/** What a gateway is made of, put together from the settings. */
import { resolve } from 'node:path'
import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import { createCertificateLookup } from './control/certificate-table.ts'
import { EventFeed } from './control/event-feed.ts'
import { Fleet } from './control/fleet.ts'
import { History } from './control/history.ts'
import { LastGoodKeeper, lastGoodFallback, withoutRollouts } from './control/keep-last-good.ts'
import { LiveConfig } from './control/live-config.ts'
import { createMetrics, type Metrics } from './control/metrics.ts'
import { observe, reportFleet, reportLastGood } from './control/observe.ts'
import { reportBreakers } from './control/observe-breakers.ts'
import { reportDiscovery } from './control/observe-discovery.ts'
import { reportHealth } from './control/observe-health.ts'
import { reportLimitStore, reportRefusals } from './control/observe-limits.ts'
import { reportOverload } from './control/observe-overload.ts'
import { observeRollouts } from './control/observe-rollouts.ts'
import { Overload } from './control/overload.ts'
import { createItemParser } from './control/parse-item.ts'
import { RolloutCoordinator } from './control/rollout-coordinator.ts'
import { ServerCertificates } from './control/server-certificates.ts'
import { withoutCredentials } from './control/without-credentials.ts'
import { ConfigWriter } from './control/writer.ts'
import type { ConfigState } from './core/config-state.ts'
import { CidrSet } from './core/ip.ts'
import type { WritableStore } from './core/store.ts'
import { Discoveries } from './discovery/discoveries.ts'
import { Limiter } from './limits/limiter.ts'
import { RedisCluster } from './limits/redis-cluster.ts'
import { type Settings, SettingsError } from './settings.ts'
import { LastGoodFile } from './stores/last-good.ts'
import { openStore } from './stores/open-store.ts'
import { openProxyRoutes, type ProxyRoutes } from './stores/proxy-routes.ts'
import { openSharedCounts, type SharedCounts } from './stores/shared-counts.ts'
import { Breakers } from './upstream/breakers.ts'
import { Connections } from './upstream/connections.ts'
import { ServicesHealth } from './upstream/services-health.ts'
import { version } from './version.ts'

/** What a gateway is made of. */
export interface Parts {
  readonly store: WritableStore
  readonly live: LiveConfig
  readonly fleet: Fleet
  readonly coordinator: RolloutCoordinator
  readonly keeper: LastGoodKeeper | undefined
  /** The hash `proxy_routes`; with a Redis store only. */
  readonly routes: ProxyRoutes | undefined
  /** Where admin calls are counted with the other instances; with a Redis store only. */
  readonly adminCalls: SharedCounts | undefined
  readonly overload: Overload
  readonly discoveries: Discoveries
  /** The WebSockets that are open. */
  readonly connections: Connections
  /** What counts rate limits together with other instances; with a Redis only. */
  readonly limitCluster: RedisCluster | undefined
  /** Undefined: without TLS. */
  readonly certificates: ServerCertificates | undefined
  readonly buildProxies: () => Promise<[plain: FastifyInstance, secure?: FastifyInstance]>
  readonly buildAdmin: () => Promise<FastifyInstance>
  readonly readiness: { draining: boolean }
}

/** From when on a slow request body counts as too slow: a client may begin slowly. */
const clientGraceMs = 20_000

/**
 * Makes everything and starts nothing.
 * @throws {SettingsError} when the certificate files or the list of trusted proxies cannot be used
 */
export function buildParts(settings: Settings, logger: Logger): Parts {
  const certificates = readCertificates(settings, () => live.state)
  const store = openStore(settings.store, { namespace: settings.namespace })
  const metrics = createMetrics()
  const { live, keeper } = createLive(settings, store, logger, metrics)
  const readiness = { draining: false }
  const isReady = () => live.snapshot !== undefined && !readiness.draining
  const { instance, paths } = settings
  const fleet = new Fleet({ live, store, instance, version, listener: reportFleet(logger, metrics) })
  const writer = new ConfigWriter({ live, store, parse: createItemParser(paths), fleet })
  const feed = new EventFeed(live)
  observeRollouts(live, logger, metrics, feed)
  const onTrouble = (error: unknown) => logger.warn({ err: error }, 'the rollout could not be moved; trying again')
  const coordinator = new RolloutCoordinator({ live, writer, fleet, instance, onTrouble })
  const overload = new Overload(settings, reportOverload(logger, metrics))
  const limitCluster = openLimitCluster(settings, store, logger)
  const limiter = new Limiter({ maxKeys: settings.limitMaxKeys, cluster: limitCluster, onRefusal: reportRefusals(logger, feed) })
  metrics.readLimits(limiter)
  const state = { connections: new Connections(), overload, limiter, ...createServiceParts(logger, metrics, feed) }
  const shared = { live, logger, metrics, isReady, paths, ...state }
  const adminCalls = openAdminCalls(settings, store)
  const admin = {
    ...shared,
    writer,
    history: new History(store),
    fleet,
    feed,
    instance,
    tokens: settings.tokens,
    adminHost: settings.adminHost,
    ...toRateLimit(settings, adminCalls)
  }
  const proxy = { ...shared, ...toProxyOptions(settings) }
  return {
    store,
    live,
    fleet,
    coordinator,
    keeper,
    routes: store.name === 'redis' ? openProxyRoutes({ url: settings.store }) : undefined,
    adminCalls,
    limitCluster,
    ...state,
    certificates,
    buildProxies: async () => {
      const app = await import('./proxy-app.ts')
      return certificates === undefined ? [app.buildProxy(proxy)] : app.buildProxies(proxy, certificates)
    },
    buildAdmin: async () => (await import('./app.ts')).buildAdmin(admin),
    readiness
  }
}

/** Undefined: each instance counts for itself. */
function openLimitCluster({ limitStore, store: url, namespace }: Settings, store: WritableStore, logger: Logger): RedisCluster | undefined {
  const where = limitStore ?? (store.name === 'redis' ? url : undefined)
  return where === undefined ? undefined : new RedisCluster({ url: where, namespace, onChange: reportLimitStore(logger) })
}

/** What is known about services while they serve: told to the log, the metrics and the events. */
function createServiceParts(logger: Logger, metrics: Metrics, feed: EventFeed) {
  const health = new ServicesHealth({ listener: reportHealth(logger, feed) })
  metrics.readHealth(() => health.read())
  const breakers = new Breakers({ onChange: reportBreakers(logger, metrics, feed) })
  metrics.readBreakers(() => breakers.read())
  const discoveries = new Discoveries({ listener: reportDiscovery(logger) })
  metrics.readDiscovery(() => discoveries.read())
  return { health, breakers, discoveries }
}

function toProxyOptions({ accessLog, readyPath, trustedProxies, clientHeaderTimeoutMs, clientMinBytesPerSecond }: Settings) {
  return {
    accessLog,
    trustedProxies: toTrusted(trustedProxies),
    clientHeaderTimeoutMs,
    limits: clientMinBytesPerSecond === 0 ? {} : { clientRate: { minBytesPerSecond: clientMinBytesPerSecond, afterMs: clientGraceMs } },
    ...(readyPath === undefined ? {} : { readyPath })
  }
}

// Before anything is opened: what is wrong with the files ends the start.
function readCertificates({ tlsPort, tlsCert, tlsKey }: Settings, stateOf: () => ConfigState | undefined): ServerCertificates | undefined {
  if (tlsPort === undefined) return undefined
  const files = tlsCert === undefined || tlsKey === undefined ? undefined : { cert: tlsCert, key: tlsKey }
  try {
    return new ServerCertificates({ files, find: createCertificateLookup(stateOf) })
  } catch (error) {
    throw new SettingsError((error as Error).message)
  }
}

// What is kept in memory only is not kept on disk either.
function createLive(settings: Settings, store: WritableStore, logger: Logger, metrics: Metrics): Pick<Parts, 'live' | 'keeper'> {
  const report = reportLastGood(logger, metrics)
  const file = store.name === 'memory' ? undefined : new LastGoodFile(settings.dataDir, nameStore(settings))
  const lastGood = file === undefined ? undefined : lastGoodFallback(file, report)
  const fallback = lastGood !== undefined && store.name === 'file' ? withoutRollouts(lastGood) : lastGood
  const live = new LiveConfig({ store, parse: createItemParser(settings.paths), ...(fallback === undefined ? {} : { fallback }) })
  observe(live, logger, metrics)
  return { live, keeper: file === undefined ? undefined : new LastGoodKeeper(file, live, report) }
}

function nameStore({ store, namespace }: Settings): string {
  if (store.startsWith('file:')) return `file:${resolve(store.slice('file:'.length))}`
  return `${withoutCredentials(store)} ${namespace}`
}

function openAdminCalls({ adminRateLimit, store: url, namespace }: Settings, store: WritableStore): SharedCounts | undefined {
  return store.name === 'redis' && adminRateLimit !== undefined ? openSharedCounts({ url, namespace }) : undefined
}

function toRateLimit({ adminRateLimit: limit }: Settings, shared: SharedCounts | undefined) {
  return limit === undefined ? {} : { rateLimit: { limit, ...(shared === undefined ? {} : { shared }) } }
}

function toTrusted(list: readonly string[]): CidrSet {
  try {
    return CidrSet.parse(list)
  } catch (error) {
    throw new SettingsError(`SLUICE_TRUSTED_PROXIES ${(error as Error).message}`)
  }
}

/** Ends all parts in good order: the planes first. */
export async function release(
  { live, fleet, coordinator, keeper, routes, adminCalls, limitCluster, overload, discoveries, store }: Parts,
  planes: readonly FastifyInstance[]
): Promise<void> {
  await Promise.all(planes.map(plane => plane.close()))
  overload.close()
  await discoveries.close()
  await coordinator.close()
  live.close()
  await fleet.close()
  await Promise.all([keeper?.close(), routes?.close(), adminCalls?.close(), limitCluster?.close()])
  await store.close()
}
