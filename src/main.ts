/** The process: opens the store, follows it, listens on both planes, and ends in good order. */
import { resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import { type DestinationStream, type Logger, pino } from 'pino'
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
import { openRegistration } from './discovery/consul-registration.ts'
import { Discoveries } from './discovery/discoveries.ts'
import { checkPort, listen, listenProxy, listenSecure } from './listen.ts'
import { type Settings, SettingsError } from './settings.ts'
import { LastGoodFile } from './stores/last-good.ts'
import { openStore } from './stores/open-store.ts'
import { openProxyRoutes, type ProxyRoutes } from './stores/proxy-routes.ts'
import { Breakers } from './upstream/breakers.ts'
import { Connections } from './upstream/connections.ts'
import { ServicesHealth } from './upstream/services-health.ts'
import { version } from './version.ts'

/** A running gateway. */
export interface Gateway {
  /** `http://127.0.0.1:8080`: where traffic goes. */
  readonly proxyUrl: string
  /** `https://127.0.0.1:8443`; undefined without TLS. */
  readonly secureUrl: string | undefined
  readonly adminUrl: string
  /** Reads the certificate files and the whole configuration again. Rejects when the store does not answer. */
  reload(): Promise<void>
  /** Not ready any more, no new connections, requests in flight finish (at most `shutdownGraceMs`), everything is released. */
  close(): Promise<void>
}

/**
 * Starts a gateway. With a store that does not answer it starts all the same, is not ready, and goes on trying.
 * @throws {SettingsError} when it cannot listen where the settings say
 */
export async function startGateway(settings: Settings, destination?: DestinationStream): Promise<Gateway> {
  const logger = pino(
    { level: settings.logLevel, base: null },
    destination ?? pino.destination({ dest: 1, sync: false, minLength: 4096, periodicFlush: 200 })
  )
  for (const name of settings.unknown) logger.warn({ setting: name }, `${name} is not a setting of this version; it is ignored`)
  const parts = build(settings, logger)
  const planes: FastifyInstance[] = []
  try {
    // The store connects meanwhile.
    const [proxy, secureProxy] = await parts.buildProxies()
    planes.push(proxy)
    if (secureProxy !== undefined) planes.push(secureProxy)
    await follow(parts)
    // Known to the others before traffic comes: nobody's write is answered without waiting for this instance.
    await parts.fleet.start()
    // Traffic first: what the admin plane is made of takes a third of the start. But no traffic for a gateway that could not start.
    await checkPort(settings.adminHost, settings.adminPort, 'SLUICE_ADMIN_PORT')
    const proxyUrl = await listenProxy(proxy, settings, logger)
    const secureUrl = secureProxy && (await listenSecure(secureProxy, settings))
    const admin = await parts.buildAdmin()
    planes.push(admin)
    const adminUrl = await listen(admin, settings.adminHost, settings.adminPort, 'SLUICE_ADMIN_PORT')
    announce(logger, settings, { proxyUrl, secureUrl, adminUrl })
    const registration = register(settings, parts, proxyUrl, logger)
    return {
      proxyUrl,
      secureUrl,
      adminUrl,
      reload: () => reload(parts, logger),
      close: () => close(registration, stop(parts, planes, settings, logger))
    }
  } catch (error) {
    await release(parts, planes)
    throw error
  } finally {
    logger.flush()
  }
}

async function close(registration: { close(): Promise<void> } | undefined, stopped: Promise<void>): Promise<void> {
  await Promise.all([registration?.close(), stopped])
}

function register({ register: registration, instance }: Settings, parts: Parts, proxyUrl: string, logger: Logger) {
  if (registration === undefined) return undefined
  const { service } = registration
  return openRegistration({
    registration,
    instance,
    port: Number(new URL(proxyUrl).port || 80),
    isReady: () => parts.live.snapshot !== undefined && !parts.readiness.draining,
    onState: error =>
      error === undefined
        ? logger.info({ service }, `registered in Consul as '${service}'`)
        : logger.warn({ service, error }, `Consul does not take this gateway as '${service}'; trying again`)
  })
}

/** What a gateway is made of. */
interface Parts {
  readonly store: WritableStore
  readonly live: LiveConfig
  readonly fleet: Fleet
  readonly coordinator: RolloutCoordinator
  readonly keeper: LastGoodKeeper | undefined
  /** The hash `proxy_routes`; with a Redis store only. */
  readonly routes: ProxyRoutes | undefined
  readonly overload: Overload
  readonly discoveries: Discoveries
  /** The WebSockets that are open. */
  readonly connections: Connections
  /** Undefined: without TLS. */
  readonly certificates: ServerCertificates | undefined
  readonly buildProxies: () => Promise<[plain: FastifyInstance, secure?: FastifyInstance]>
  readonly buildAdmin: () => Promise<FastifyInstance>
  readonly readiness: { draining: boolean }
}

function build(settings: Settings, logger: Logger): Parts {
  const certificates = readCertificates(settings, () => live.state)
  const store = openStore(settings.store, { namespace: settings.namespace })
  const metrics = createMetrics()
  const { live, keeper } = createLive(settings, store, logger, metrics)
  const readiness = { draining: false }
  const isReady = () => live.snapshot !== undefined && !readiness.draining
  const trustedProxies = toTrusted(settings.trustedProxies)
  const { accessLog, readyPath, tokens, adminHost, instance, paths, clientHeaderTimeoutMs } = settings
  const connections = new Connections()
  const overload = new Overload(settings, reportOverload(logger, metrics))
  const fleet = new Fleet({ live, store, instance, version, listener: reportFleet(logger, metrics) })
  const writer = new ConfigWriter({ live, store, parse: createItemParser(paths), fleet })
  const parts = { live, writer, history: new History(store), fleet, feed: new EventFeed(live) }
  observeRollouts(live, logger, metrics, parts.feed)
  const health = new ServicesHealth({ listener: reportHealth(logger, parts.feed) })
  metrics.readHealth(() => health.read())
  const breakers = new Breakers({ onChange: reportBreakers(logger, metrics, parts.feed) })
  metrics.readBreakers(() => breakers.read())
  const discoveries = new Discoveries({ listener: reportDiscovery(logger) })
  metrics.readDiscovery(() => discoveries.read())
  const onTrouble = (error: unknown) => logger.warn({ err: error }, 'the rollout could not be moved; trying again')
  const coordinator = new RolloutCoordinator({ live, writer, fleet, instance, onTrouble })
  const buildProxies: Parts['buildProxies'] = async () => {
    const app = await import('./proxy-app.ts')
    const optional = readyPath === undefined ? {} : { readyPath }
    const basic = { live, logger, accessLog, metrics, trustedProxies, isReady, connections, health, breakers, discoveries }
    const { clientMinBytesPerSecond: minBytesPerSecond } = settings
    const limits = minBytesPerSecond === 0 ? {} : { clientRate: { minBytesPerSecond, afterMs: clientGraceMs } }
    const options = { ...basic, limits, ...optional, overload, paths, clientHeaderTimeoutMs }
    return certificates === undefined ? [app.buildProxy(options)] : app.buildProxies(options, certificates)
  }
  const buildAdmin = async () => {
    const app = await import('./app.ts')
    return app.buildAdmin({
      ...parts,
      logger,
      metrics,
      isReady,
      tokens,
      adminHost,
      instance,
      paths,
      overload,
      connections,
      health,
      breakers,
      discoveries
    })
  }
  const routes = store.name === 'redis' ? openProxyRoutes({ url: settings.store }) : undefined
  return {
    store,
    live,
    fleet,
    coordinator,
    keeper,
    routes,
    overload,
    discoveries,
    connections,
    certificates,
    buildProxies,
    buildAdmin,
    readiness
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

async function reload({ live, certificates }: Parts, logger: Logger): Promise<void> {
  try {
    if (certificates?.reload()) logger.info('the certificate files were read again')
  } catch (error) {
    logger.error({ reason: (error as Error).message }, 'the certificate files cannot be used; the certificate from before stays')
  }
  await live.reload()
}

/** From when on a slow request body counts as too slow: a client may begin slowly. */
const clientGraceMs = 20_000
const routesPatienceMs = 300

// The routes of the hash should be there with the first request, but a Redis that hangs is not waited for.
async function follow({ live, routes }: Parts): Promise<void> {
  const watching = routes?.watch(items => live.setOverlay(items))
  await live.start()
  if (live.storeState.up) await Promise.race([watching, delay(routesPatienceMs)])
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

function toTrusted(list: readonly string[]): CidrSet {
  try {
    return CidrSet.parse(list)
  } catch (error) {
    throw new SettingsError(`SLUICE_TRUSTED_PROXIES ${(error as Error).message}`)
  }
}

interface Urls {
  readonly proxyUrl: string
  readonly secureUrl: string | undefined
  readonly adminUrl: string
}

function announce(logger: Logger, settings: Settings, { proxyUrl, secureUrl, adminUrl }: Urls): void {
  const curl = `curl -X POST ${adminUrl}/forward-rules -H 'content-type: application/json' -d '{"path":"/","target":"http://127.0.0.1:3000"}'`
  logger.info(
    {
      instance: settings.instance,
      proxy: proxyUrl,
      ...(secureUrl === undefined ? {} : { proxy_tls: secureUrl }),
      admin: adminUrl,
      docs: `${adminUrl}/docs`,
      store: withoutCredentials(settings.store)
    },
    `proxy on ${proxyUrl}, admin API on ${adminUrl}, Swagger UI on ${adminUrl}/docs; try: ${curl}`
  )
}

async function stop(parts: Parts, planes: readonly FastifyInstance[], settings: Settings, logger: Logger): Promise<void> {
  logger.info('stopping: not ready any more, requests in flight may finish')
  parts.readiness.draining = true
  const servers = planes.map(({ server }) => server)
  // A connection whose answer had begun before is kept alive by its headers: it is closed as soon as it is idle.
  const idle = setInterval(() => {
    for (const server of servers) server.closeIdleConnections()
  }, 50)
  const late = setTimeout(() => {
    logger.warn(`requests were still in flight after ${settings.shutdownGraceMs} ms; their connections are closed`)
    for (const server of servers) server.closeAllConnections()
    parts.connections.terminateAll()
  }, settings.shutdownGraceMs)
  await release(parts, planes)
  clearInterval(idle)
  clearTimeout(late)
  logger.info('stopped')
  logger.flush()
}

async function release(
  { live, fleet, coordinator, keeper, routes, overload, discoveries, store }: Parts,
  planes: readonly FastifyInstance[]
): Promise<void> {
  await Promise.all(planes.map(plane => plane.close()))
  overload.close()
  await discoveries.close()
  await coordinator.close()
  live.close()
  await fleet.close()
  await Promise.all([keeper?.close(), routes?.close()])
  await store.close()
}
