/** The process: opens the store, follows it, listens on both planes, and ends in good order. */
import { setTimeout as delay } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import { type DestinationStream, type Logger, pino } from 'pino'
import { withoutCredentials } from './control/without-credentials.ts'
import { openRegistration } from './discovery/consul-registration.ts'
import { checkPort, listen, listenProxy, listenSecure } from './listen.ts'
import { buildParts, type Parts, release } from './parts.ts'
import type { Settings } from './settings.ts'

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
  const parts = buildParts(settings, logger)
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

async function reload({ live, certificates }: Parts, logger: Logger): Promise<void> {
  try {
    if (certificates?.reload()) logger.info('the certificate files were read again')
  } catch (error) {
    logger.error({ reason: (error as Error).message }, 'the certificate files cannot be used; the certificate from before stays')
  }
  await live.reload()
}

const routesPatienceMs = 300

// The routes of the hash should be there with the first request, but a Redis that hangs is not waited for.
async function follow({ live, routes }: Parts): Promise<void> {
  const watching = routes?.watch(items => live.setOverlay(items))
  await live.start()
  if (live.storeState.up) await Promise.race([watching, delay(routesPatienceMs)])
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
