/** The admin app over a memory store, for tests. Every answer is held to the OpenAPI document. */
import type { FastifyInstance, InjectOptions } from 'fastify'
import { pino } from 'pino'
import { type AdminAppOptions, buildAdmin } from '../../src/app.ts'
import type { AdminToken } from '../../src/control/access.ts'
import { EventFeed } from '../../src/control/event-feed.ts'
import { Fleet } from '../../src/control/fleet.ts'
import { History } from '../../src/control/history.ts'
import { LiveConfig } from '../../src/control/live-config.ts'
import { createMetrics } from '../../src/control/metrics.ts'
import { parseItem } from '../../src/control/parse-item.ts'
import { ConfigWriter } from '../../src/control/writer.ts'
import type { WritableStore } from '../../src/core/store.ts'
import { Limiter } from '../../src/limits/limiter.ts'
import { createMemoryStore } from '../../src/stores/memory-store.ts'
import { Breakers } from '../../src/upstream/breakers.ts'
import { Connections } from '../../src/upstream/connections.ts'
import { ServiceStates } from '../../src/upstream/services.ts'
import { ServicesHealth } from '../../src/upstream/services-health.ts'
import type { Teardown } from './gateway.ts'
import { type ContractCheck, createContractCheck } from './openapi-contract.ts'

export interface AdminOptions {
  readonly tokens?: readonly AdminToken[]
  readonly adminHost?: string
  readonly store?: WritableStore
  /** Whether the configuration is loaded before the test begins. Default true. */
  readonly started?: boolean
  /** Default: calls are not counted. */
  readonly rateLimit?: AdminAppOptions['rateLimit']
  /** The WebSockets that are open. Default: none. */
  readonly connections?: Connections
}

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** Parsed when it is JSON, otherwise the text. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into bodies of every shape
  readonly body: any
}

export interface Admin {
  readonly app: FastifyInstance
  readonly live: LiveConfig
  readonly store: WritableStore
  readonly feed: EventFeed
  readonly breakers: Breakers
  readonly limiter: Limiter
  /** The live state of services. */
  readonly services: ServiceStates
  readonly readiness: { draining: boolean }
  /** Sends `body` as JSON unless it is a string or nothing. Throws when the answer is not what the OpenAPI document says. */
  call(method: string, url: string, body?: unknown, headers?: Readonly<Record<string, string>>): Promise<Answer>
}

export async function startAdmin(t: Teardown, options: AdminOptions = {}): Promise<Admin> {
  const { tokens = [], adminHost = '127.0.0.1', store = createMemoryStore(), started = true, connections = new Connections() } = options
  const { rateLimit } = options
  const live = new LiveConfig({ store, parse: parseItem })
  const listener = { onCount: () => {}, onMismatch: () => {}, onNamesake: () => {} }
  const fleet = new Fleet({ live, store, instance: 'test-1', version: '0.0.0', listener })
  const feed = new EventFeed(live)
  const readiness = { draining: false }
  const health = new ServicesHealth()
  const breakers = new Breakers()
  const limiter = new Limiter()
  const services = new ServiceStates()
  health.start(services, live)
  const app = buildAdmin({
    live,
    writer: new ConfigWriter({ live, store, parse: parseItem, fleet }),
    history: new History(store),
    fleet,
    feed,
    logger: pino({ level: 'silent' }),
    metrics: createMetrics({ measureProcess: false }),
    isReady: () => live.snapshot !== undefined && !readiness.draining,
    tokens,
    ...(rateLimit === undefined ? {} : { rateLimit }),
    connections,
    health,
    breakers,
    limiter,
    adminHost,
    instance: 'test-1'
  })
  t.teardown(async () => {
    await app.close()
    health.close()
    await fleet.close()
    live.close()
    await store.close()
  })
  await app.ready()
  if (started) await live.start()
  if (started) await fleet.start()
  const check = createContractCheck(app.swagger())
  return {
    app,
    live,
    store,
    feed,
    breakers,
    limiter,
    services,
    readiness,
    call: (method, url, body, headers) => call(app, check, method, url, body, headers)
  }
}

async function call(
  app: FastifyInstance,
  check: ContractCheck,
  method: string,
  url: string,
  body?: unknown,
  headers: Readonly<Record<string, string>> = {}
): Promise<Answer> {
  const json = body === undefined ? {} : { 'content-type': 'application/json' }
  const payload = body === undefined || typeof body === 'string' ? body : JSON.stringify(body)
  const options = { method, url, headers: { ...json, ...headers }, ...(payload === undefined ? {} : { payload }) }
  const { statusCode: status, headers: given, body: text } = await app.inject(options as InjectOptions)
  const isJson = text !== '' && /\bjson\b/.test(String(given['content-type']))
  const answer = { status, headers: given as Record<string, string>, body: isJson ? JSON.parse(text) : text }
  check(method, url, answer)
  return answer
}
