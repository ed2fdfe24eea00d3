/** What docker-compose.yml promises, read from its text: there is no Docker engine here. */
import { existsSync, readFileSync } from 'node:fs'
import t from 'tap'
import { parse } from 'yaml'
import { readSettings } from '../../src/settings.ts'

interface ComposeService {
  readonly image?: string
  readonly build?: string
  readonly profiles?: readonly string[]
  readonly ports?: readonly string[]
  readonly volumes?: readonly string[]
  readonly command?: readonly string[]
  readonly environment?: Readonly<Record<string, string | number>>
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>
  readonly healthcheck?: { readonly test: readonly string[] }
  readonly stop_grace_period?: string
}

const root = new URL('../..', import.meta.url)
const compose = parse(readFileSync(new URL('docker-compose.yml', root), 'utf8'), { merge: true }) as {
  readonly services: Readonly<Record<string, ComposeService>>
  readonly volumes: Readonly<Record<string, unknown>>
}
const services = Object.entries(compose.services)
/** What a plain `docker compose up` starts; the others wait for their profile. */
const started = services.filter(([, { profiles }]) => profiles === undefined)
const gateways = services.filter(([, service]) => service.build !== undefined)

/** The environment as the gateway sees it, with the operator's token filled in. */
function environmentOf(service: ComposeService): Record<string, string> {
  const fill = (value: string | number) => `${value}`.replace(/\$\{SLUICE_ADMIN_TOKEN:\?[^}]*\}/, 'operator-token')
  return Object.fromEntries(Object.entries(service.environment ?? {}).map(([name, value]) => [name, fill(value)]))
}

t.test('two gateways share one redis in front of two targets', async t => {
  t.same(started.map(([name]) => name).sort(), ['gateway-1', 'gateway-2', 'orders', 'redis', 'users'])
  t.same(
    gateways.map(([name]) => name),
    ['gateway-1', 'gateway-2']
  )
  const settings = gateways.map(([, service]) => readSettings(environmentOf(service)))
  for (const { store, unknown } of settings) {
    t.equal(store, 'redis://redis:6379')
    t.same(unknown, [], 'every setting is one that the gateway knows')
  }
  t.equal(new Set(settings.map(({ instance }) => instance)).size, 2, 'each has a name of its own')
})

t.test('one is published on port 80, its admin API to this machine only', async t => {
  t.same(compose.services['gateway-1']?.ports, ['80:80', '127.0.0.1:9000:9000'])
  t.same(compose.services['gateway-2']?.ports, ['8081:80'])
  for (const [name, { ports }] of started.filter(([name]) => !name.startsWith('gateway'))) t.equal(ports, undefined, `${name} is inside`)
})

t.test('sources of targets wait for their profile and are open to this machine only', async t => {
  const waiting = services.filter(service => !started.includes(service))
  t.same(
    waiting.map(([name, { profiles }]) => [name, profiles]),
    [
      ['consul', ['discovery']],
      ['nacos', ['discovery']]
    ]
  )
  for (const [name, { ports = [] }] of waiting) for (const port of ports) t.match(port, /^127\.0\.0\.1:/, name)
})

t.test('the admin token is the operator’s, never a default', async t => {
  for (const [, service] of gateways) {
    t.match(service.environment?.SLUICE_ADMIN_TOKEN, /^\$\{SLUICE_ADMIN_TOKEN:\?.+\}$/)
    t.throws(() => readSettings({ ...environmentOf(service), SLUICE_ADMIN_TOKEN: undefined }), 'without one it does not start')
  }
})

t.test('a gateway may finish its requests before it is killed', async t => {
  for (const [, service] of gateways) {
    const seconds = Number(/^(\d+)s$/.exec(service.stop_grace_period ?? '')?.[1])
    t.ok(seconds * 1000 > readSettings(environmentOf(service)).shutdownGraceMs)
  }
})

t.test('images are pinned', async t => {
  for (const [name, { image }] of services) t.match(image, /^[a-z-]+(\/[a-z-]+)?:(?!latest)[\w.-]+$/, name)
})

t.test('what a service waits for exists and can become healthy', async t => {
  for (const [name, { depends_on = {} }] of services) {
    for (const [other, { condition }] of Object.entries(depends_on)) {
      t.equal(condition, 'service_healthy', `${name} waits until ${other} is healthy`)
      t.equal(compose.services[other]?.healthcheck?.test[0], 'CMD', `${other} has an exec-form check`)
    }
  }
  t.same(Object.keys(compose.services['gateway-1']?.depends_on ?? {}), ['redis', 'users', 'orders'])
})

t.test('volumes are declared, mounted files are there, redis keeps its data', async t => {
  const sources = services.flatMap(([, { volumes = [] }]) => volumes.map(volume => volume.split(':')[0]!))
  for (const source of sources) {
    if (source.startsWith('.')) t.ok(existsSync(new URL(source, root)), `${source} is there`)
    else t.ok(source in compose.volumes, `${source} is declared`)
  }
  t.same(
    Object.keys(compose.volumes).filter(name => !sources.includes(name)),
    [],
    'none is left over'
  )
  t.same(compose.services.redis?.command?.slice(1), ['--appendonly', 'yes'])
})
