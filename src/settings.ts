/** Settings: environment variables `SLUICE_*`, or the same as flags of `sluice start` (`--admin-port 9001`). Flags win. */
import { hostname } from 'node:os'
import { parseArgs } from 'node:util'
import type { AdminToken } from './control/access.ts'
import type { CallLimit } from './control/call-limit.ts'
import { pathModes } from './core/path.ts'
import { type Registration, toRegistration } from './discovery/consul-registration.ts'
import {
  oneOf,
  toBoolean,
  toCallLimit,
  toCount,
  toFile,
  toList,
  toMilliseconds,
  toNamespace,
  toPath,
  toPercent,
  toPort,
  toPositiveCount,
  toPositiveMilliseconds,
  toRedis,
  toStore,
  toText,
  toToken,
  toTokens
} from './setting-values.ts'

/** A bad setting. `message` is one line for the person who made it. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError'
}

interface Setting<T> {
  /** Without `SLUICE_`; the flag is the same in kebab case. */
  readonly name: string
  readonly help: string
  /** @throws {Error} whose message says what was expected */
  readonly parse: (text: string) => T
  readonly fallback: T
}

const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']

// One line per setting: the same table parses the environment, the flags and prints the help.
const table = {
  port: setting('PORT', 'port of the proxy; 80 when not set (8080 if 80 is not permitted)', toPort, undefined as number | undefined),
  host: setting('HOST', 'address the proxy listens on', toText, '0.0.0.0'),
  adminPort: setting('ADMIN_PORT', 'port of the admin API', toPort, 9000),
  adminHost: setting('ADMIN_HOST', 'address the admin API listens on; other than loopback needs a token', toText, '127.0.0.1'),
  adminToken: setting('ADMIN_TOKEN', 'bearer token with the role admin', toToken, undefined as string | undefined),
  adminTokens: setting('ADMIN_TOKENS', 'name:role:token,… with the roles viewer, editor, admin', toTokens, [] as readonly AdminToken[]),
  adminRateLimit: setting(
    'ADMIN_RATE_LIMIT',
    'calls of the admin API per caller: N in 10 s, or N/seconds; 0 is no limit (10000/10)',
    toCallLimit,
    { max: 10_000, windowMs: 10_000 } as CallLimit | undefined
  ),
  store: setting(
    'STORE',
    'file:PATH | redis://… | rediss://… | redis+sentinel://… | redis+cluster://… | etcd://… | memory:',
    toStore,
    'file:./sluice.yaml'
  ),
  namespace: setting('NAMESPACE', 'separates configurations in one Redis or etcd', toNamespace, 'default'),
  dataDir: setting('DATA_DIR', 'folder of the last good configuration, for starts without the store', toText, './data'),
  instance: setting('INSTANCE', 'name of this instance', toText, `${hostname()}-${process.pid}`),
  trustedProxies: setting(
    'TRUSTED_PROXIES',
    'addresses or CIDR blocks, comma separated, whose X-Forwarded-* are believed',
    toList,
    [] as readonly string[]
  ),
  logLevel: setting('LOG_LEVEL', logLevels.join(' | '), oneOf(logLevels), 'info'),
  accessLog: setting('ACCESS_LOG', 'one line per request: true | false', toBoolean, true),
  shutdownGraceMs: setting('SHUTDOWN_GRACE_MS', 'how long requests in flight may take to finish at shutdown', toMilliseconds, 30_000),
  maxConnections: setting('MAX_CONNECTIONS', 'connections of clients that are taken; 0 is no limit', toCount, 20_000),
  maxRequests: setting('MAX_REQUESTS', 'requests in flight that are taken, in all; 0 is no limit', toCount, 20_000),
  maxEventLoopDelayMs: setting(
    'MAX_EVENT_LOOP_DELAY_MS',
    'event loop delay above which requests are refused; 0 is no limit',
    toMilliseconds,
    1_000
  ),
  maxHeapPercent: setting('MAX_HEAP_PERCENT', 'share of the heap limit above which requests are refused; 0 is no limit', toPercent, 90),
  clientHeaderTimeoutMs: setting(
    'CLIENT_HEADER_TIMEOUT_MS',
    'how long a client may take over the header section',
    toPositiveMilliseconds,
    10_000
  ),
  clientMinBytesPerSecond: setting(
    'CLIENT_MIN_BYTES_PER_SECOND',
    'how fast the body of a request must at least come, after 20 s; 0 is no limit',
    toCount,
    100
  ),
  limitStore: setting(
    'LIMIT_STORE',
    'redis://… where instances count rate limits together; the store when that is a Redis',
    toRedis,
    undefined as string | undefined
  ),
  limitMaxKeys: setting('LIMIT_MAX_KEYS', 'keys that rate limits count in memory, over all limits', toPositiveCount, 1_000_000),
  paths: setting('PATHS', 'encoded slashes and backslashes in paths: strict (refused) | lenient (data)', oneOf(pathModes), 'strict'),
  tlsPort: setting(
    'TLS_PORT',
    'port of the proxy with TLS (HTTP/2 and HTTP/1.1); off when not set',
    toPort,
    undefined as number | undefined
  ),
  tlsCert: setting(
    'TLS_CERT',
    'PEM file: certificate and chain for hosts without one of their own',
    toFile,
    undefined as string | undefined
  ),
  tlsKey: setting('TLS_KEY', 'PEM file: the key of SLUICE_TLS_CERT', toFile, undefined as string | undefined),
  readyPath: setting(
    'READY_PATH',
    'a path on the proxy port that answers readiness, for load balancers',
    toPath,
    undefined as string | undefined
  ),
  register: setting(
    'REGISTER',
    'consul://[token@]host[:8500]/service-name[?tags=a,b&address=…]: this gateway is a service in Consul while it runs',
    toRegistration,
    undefined as Registration | undefined
  )
} as const

type Table = typeof table
export type Settings = { readonly [K in keyof Table]: Table[K] extends Setting<infer T> ? T : never } & {
  /** Every admin token: `adminToken` and `adminTokens` together. */
  readonly tokens: readonly AdminToken[]
  /** Settings in the environment that nothing reads: most likely misspelt. */
  readonly unknown: readonly string[]
}

/**
 * Reads the settings. Each has its default in the table above.
 * @param args what follows `sluice start`
 * @throws {SettingsError}
 */
export function readSettings(env: Readonly<Record<string, string | undefined>>, args: readonly string[] = []): Settings {
  const flags = readFlags(args)
  const entries = Object.entries(table).map(([key, { name, parse, fallback }]) => {
    const flag = flags[toFlag(name)]
    const text = flag ?? fromEnvironment(env, name)
    const called = flag === undefined ? `SLUICE_${name}` : `--${toFlag(name)}`
    return [key, text === undefined || text === '' ? fallback : parseAs<unknown>(called, text, parse)]
  })
  const settings = Object.fromEntries(entries) as Omit<Settings, 'tokens' | 'unknown'>
  const tokens = [
    ...(settings.adminToken === undefined ? [] : [{ name: 'admin', role: 'admin' as const, token: settings.adminToken }]),
    ...settings.adminTokens
  ]
  if (tokens.length === 0 && !isLoopback(settings.adminHost))
    throw new SettingsError(`SLUICE_ADMIN_HOST=${settings.adminHost} is not a loopback address: set SLUICE_ADMIN_TOKEN as well`)
  checkTls(settings)
  return { ...settings, tokens, unknown: unknownIn(env) }
}

function checkTls({ tlsPort, tlsCert, tlsKey }: Pick<Settings, 'tlsPort' | 'tlsCert' | 'tlsKey'>): void {
  if (tlsCert !== undefined && tlsKey === undefined) throw new SettingsError('SLUICE_TLS_CERT needs SLUICE_TLS_KEY as well')
  if (tlsKey !== undefined && tlsCert === undefined) throw new SettingsError('SLUICE_TLS_KEY needs SLUICE_TLS_CERT as well')
  if (tlsCert !== undefined && tlsPort === undefined) throw new SettingsError('SLUICE_TLS_CERT needs SLUICE_TLS_PORT as well')
}

/** The settings for `--help`, one line each. */
export function settingsHelp(): string {
  return Object.values(table)
    .map(({ name, help, fallback }) => `  --${toFlag(name).padEnd(28)} SLUICE_${name.padEnd(28)} ${help}${describe(name, fallback)}`)
    .join('\n')
}

function describe(name: string, fallback: unknown): string {
  if (name === 'INSTANCE') return ' (host name and pid)'
  // What is no plain value is in the help text itself.
  return fallback === undefined || typeof fallback === 'object' ? '' : ` (${fallback})`
}

// Kubernetes puts SLUICE_PORT=tcp://10.0.0.1:80 into every pod beside a Service named "sluice": not meant for us.
function fromEnvironment(env: Readonly<Record<string, string | undefined>>, name: string): string | undefined {
  const text = env[`SLUICE_${name}`]
  return name === 'PORT' && text?.startsWith('tcp://') ? undefined : text
}

const kubernetesNoise = /^SLUICE_(PORT_\d+_.*|SERVICE_HOST|SERVICE_PORT.*)$/

function unknownIn(env: Readonly<Record<string, string | undefined>>): string[] {
  const known = new Set(Object.values(table).map(({ name }) => `SLUICE_${name}`))
  return Object.keys(env).filter(name => name.startsWith('SLUICE_') && !known.has(name) && !kubernetesNoise.test(name))
}

function readFlags(args: readonly string[]): Record<string, string | undefined> {
  const options = Object.fromEntries(Object.values(table).map(({ name }) => [toFlag(name), { type: 'string' as const }]))
  try {
    return parseArgs({ args: [...args], options, strict: true }).values as Record<string, string | undefined>
  } catch (error) {
    throw new SettingsError((error as Error).message.split('. ')[0] ?? 'unknown flag')
  }
}

function parseAs<T>(called: string, text: string, parse: (text: string) => T): T {
  try {
    return parse(text)
  } catch (error) {
    throw new SettingsError(`${called} ${(error as Error).message}`)
  }
}

function setting<T>(name: string, help: string, parse: (text: string) => T, fallback: T): Setting<T> {
  return { name, help, parse, fallback }
}

function toFlag(name: string): string {
  return name.toLowerCase().replaceAll('_', '-')
}

/** Whether an address to listen on can be reached from this machine only. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host)
}
