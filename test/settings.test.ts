import t from 'tap'
import { readSettings, SettingsError, settingsHelp } from '../src/settings.ts'

const refused = (env: Record<string, string>, args: string[] = []): string => {
  try {
    readSettings(env, args)
  } catch (error) {
    if (error instanceof SettingsError) return error.message
    throw error
  }
  return 'accepted'
}

t.test('without any setting the defaults hold', async t => {
  const settings = readSettings({})
  t.match(settings, {
    port: undefined,
    host: '0.0.0.0',
    adminPort: 9000,
    adminHost: '127.0.0.1',
    adminRateLimit: { max: 10_000, windowMs: 10_000 },
    store: 'file:./sluice.yaml',
    namespace: 'default',
    logLevel: 'info',
    accessLog: true,
    shutdownGraceMs: 30_000,
    readyPath: undefined,
    maxConnections: 20_000,
    maxRequests: 20_000,
    maxEventLoopDelayMs: 1_000,
    maxHeapPercent: 90,
    clientHeaderTimeoutMs: 10_000,
    clientMinBytesPerSecond: 100,
    limitStore: undefined,
    limitMaxKeys: 1_000_000,
    paths: 'strict',
    register: undefined
  })
  t.same(settings.tokens, [])
  t.match(settings.instance, new RegExp(`-${process.pid}$`))
})

t.test('the environment and the flags set the same things, and the flag wins', async t => {
  t.equal(readSettings({ SLUICE_ADMIN_PORT: '9001' }).adminPort, 9001)
  t.equal(readSettings({ SLUICE_ADMIN_PORT: '9001' }, ['--admin-port', '9002']).adminPort, 9002)
  t.equal(readSettings({}, ['--admin-port=9003']).adminPort, 9003)
  t.same(readSettings({ SLUICE_TRUSTED_PROXIES: '10.0.0.0/8, ::1' }).trustedProxies, ['10.0.0.0/8', '::1'])
  t.equal(readSettings({ SLUICE_PORT: '' }).port, undefined, 'an empty variable is not set')
})

t.test('a bad setting is one line that names it', async t => {
  t.equal(refused({ SLUICE_PORT: '80x' }), "SLUICE_PORT must be a port number from 0 to 65535, not '80x'")
  t.equal(refused({}, ['--port', '70000']), "--port must be a port number from 0 to 65535, not '70000'")
  t.match(refused({ SLUICE_LOG_LEVEL: 'loud' }), /^SLUICE_LOG_LEVEL must be one of trace, /)
  t.match(refused({ SLUICE_ACCESS_LOG: 'yes' }), /must be true or false/)
  t.match(refused({ SLUICE_SHUTDOWN_GRACE_MS: '-1' }), /whole number of milliseconds/)
  t.match(refused({ SLUICE_MAX_CONNECTIONS: '-1' }), /SLUICE_MAX_CONNECTIONS must be a whole number/)
  t.match(refused({ SLUICE_MAX_HEAP_PERCENT: '101' }), /from 0 to 100/)
  t.match(refused({ SLUICE_CLIENT_HEADER_TIMEOUT_MS: '0' }), /at least 1 millisecond/)
  t.match(refused({ SLUICE_LIMIT_STORE: 'memory:' }), /SLUICE_LIMIT_STORE must be redis:/)
  t.match(refused({ SLUICE_LIMIT_MAX_KEYS: '0' }), /SLUICE_LIMIT_MAX_KEYS must be at least 1/)
  t.match(refused({ SLUICE_PATHS: 'loose' }), /must be one of strict, lenient/)
  t.match(refused({ SLUICE_TLS_PORT: 'https' }), /SLUICE_TLS_PORT must be a port number/)
  t.match(refused({ SLUICE_TLS_PORT: '443', SLUICE_TLS_KEY: 'key.pem' }), /SLUICE_TLS_KEY needs SLUICE_TLS_CERT/)
  t.match(refused({ SLUICE_READY_PATH: 'ready' }), /begins with '\/'/)
  t.match(refused({ SLUICE_REGISTER: 'consul://s3cret@host' }), /^(?!.*s3cret).*must be consul:/)
  t.match(refused({ SLUICE_NAMESPACE: 'a b' }), /SLUICE_NAMESPACE/)
  t.match(refused({ SLUICE_ADMIN_TOKENS: 'ci:root:x' }), /name:role:token/)
  t.match(refused({}, ['--prot', '80']), /Unknown option '--prot'/)
  for (const message of [refused({}, ['--prot', '80']), refused({ SLUICE_STORE: 'mysql://x' })]) t.notMatch(message, /\n/)
})

t.test('the limit of admin calls is a number in ten seconds or in as many as it says, and 0 is none', async t => {
  const limitOf = (text: string) => readSettings({ SLUICE_ADMIN_RATE_LIMIT: text }).adminRateLimit
  t.same(limitOf('50'), { max: 50, windowMs: 10_000 })
  t.same(limitOf('50/60'), { max: 50, windowMs: 60_000 })
  t.equal(limitOf('0'), undefined)
  for (const text of ['-1', 'none', '1/0', '1/', '/1', '1.5', '1/1/1'])
    t.equal(refused({ SLUICE_ADMIN_RATE_LIMIT: text }), `SLUICE_ADMIN_RATE_LIMIT must be N or N/seconds, not '${text}'`)
  t.match(settingsHelp(), /SLUICE_ADMIN_RATE_LIMIT .*\(10000\/10\)\n/)
})

t.test('every store of the documentation is taken', async t => {
  for (const store of [
    'file:./a.yaml',
    'redis://h',
    'rediss://h',
    'redis+sentinel://h/m',
    'rediss+cluster://h',
    'etcd://h/p',
    'etcds://h',
    'memory:'
  ]) {
    t.equal(readSettings({ SLUICE_STORE: store }).store, store)
  }
})

t.test('a refused store never prints its password', async t => {
  t.notMatch(refused({ SLUICE_STORE: 'mysql://user:hunter2@db' }), /hunter2/)
})

t.test('the admin API leaves loopback only with a token', async t => {
  t.match(refused({ SLUICE_ADMIN_HOST: '0.0.0.0' }), /SLUICE_ADMIN_TOKEN/)
  t.match(refused({ SLUICE_ADMIN_HOST: '10.1.2.3' }), /SLUICE_ADMIN_TOKEN/)
  for (const host of ['localhost', '::1', '127.0.0.1', '127.1.2.3']) t.equal(refused({ SLUICE_ADMIN_HOST: host }), 'accepted', host)
  t.equal(refused({ SLUICE_ADMIN_HOST: '0.0.0.0', SLUICE_ADMIN_TOKEN: 'secret' }), 'accepted')
})

t.test('tokens carry a name and a role', async t => {
  const { tokens } = readSettings({ SLUICE_ADMIN_TOKEN: 'root-secret', SLUICE_ADMIN_TOKENS: 'ci:editor:abc:def,eyes:viewer:xyz' })
  t.same(tokens, [
    { name: 'admin', role: 'admin', token: 'root-secret' },
    { name: 'ci', role: 'editor', token: 'abc:def' },
    { name: 'eyes', role: 'viewer', token: 'xyz' }
  ])
})

t.test('what Kubernetes puts into the environment for a Service named sluice is not taken for a setting', async t => {
  const settings = readSettings({
    SLUICE_PORT: 'tcp://10.0.0.1:80',
    SLUICE_PORT_80_TCP_ADDR: '10.0.0.1',
    SLUICE_SERVICE_HOST: '10.0.0.1',
    SLUICE_SERVICE_PORT: '80'
  })
  t.equal(settings.port, undefined)
  t.same(settings.unknown, [])
})

t.test('a misspelt variable is noticed', async t => {
  t.same(readSettings({ SLUICE_PROT: '80' }).unknown, ['SLUICE_PROT'])
})

t.test('the help lists every setting', async t => {
  for (const name of ['SLUICE_PORT', 'SLUICE_STORE', '--trusted-proxies', '--ready-path']) t.match(settingsHelp(), name)
})
