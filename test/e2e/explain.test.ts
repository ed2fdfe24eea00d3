/** `POST /explain` says of 10,000 generated requests what the live route then does. */
import t from 'tap'
import { Pool } from 'undici'
import { startGateway } from '../helpers/gateway.ts'

const requests = 10_000
const atOnce = 24

/** A small deterministic generator (mulberry32): a failure can be run again. */
function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

const random = randomFrom(20261120)
const one = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!
const maybe = <T>(share: number, value: () => T): T | undefined => (random() < share ? value() : undefined)

const segments = ['api', 'users', 'orders', 'v1', '7']
const path = () => `/${Array.from({ length: Math.floor(random() * 4) }, () => one(segments)).join('/')}`
const hosts = ['a.example.com', 'b.example.com', 'example.org']

function rule(at: number): Record<string, unknown> {
  const type = one(['prefix', 'exact', 'template', 'regex'])
  const written = {
    id: `r${at}`,
    path_type: type,
    path: type === 'regex' ? `^/${one(segments)}/[a-z0-9]+` : type === 'template' ? `/${one(segments)}/{x}` : path(),
    host: maybe(0.3, () => one([...hosts, '*.example.com'])),
    methods: maybe(0.3, () => [one(['GET', 'POST'])]),
    headers: maybe(0.2, () => ({ 'x-v': one(['1', '2']) })),
    query: maybe(0.1, () => ({ q: one<unknown>(['1', { present: true }]) })),
    cookies: maybe(0.1, () => ({ uid: { regex: '^[0-4]' } })),
    source_ip: maybe(0.2, () => one(['10.0.0.0/8', '2001:db8::/32'])),
    priority: one([0, 0, 0, 5, 10]),
    weight: 1,
    split_on: 'cookie:uid',
    respond: { body: `r${at}` }
  }
  return Object.fromEntries(Object.entries(written).filter(([, value]) => value !== undefined))
}

interface Asked {
  readonly method: string
  readonly url: string
  readonly headers: Record<string, string>
  readonly source_ip: string
}

function ask(): Asked {
  const query = maybe(0.3, () => `?q=${one(['1', '2'])}`) ?? ''
  const version = maybe(0.5, () => one(['1', '2']))
  const headers = { host: one(hosts), cookie: `uid=${Math.floor(random() * 10)}`, ...(version === undefined ? {} : { 'x-v': version }) }
  return { method: one(['GET', 'POST']), url: path() + query, headers, source_ip: one(['10.1.2.3', '192.0.2.1', '2001:db8::7']) }
}

t.test('explain agrees with the live route', async t => {
  const gateway = await startGateway(t, { SLUICE_TRUSTED_PROXIES: '127.0.0.1', SLUICE_ACCESS_LOG: 'false' })
  const put = await gateway.admin('PUT', '/config', { forward_rules: Array.from({ length: 150 }, (_, at) => rule(at)) })
  t.equal(put.status, 200, JSON.stringify(put.body))
  const proxy = new Pool(gateway.proxyUrl, { connections: atOnce })
  const admin = new Pool(gateway.adminUrl, { connections: atOnce })
  t.teardown(() => Promise.all([proxy.close(), admin.close()]))
  const differences: unknown[] = []
  const outcomes = new Map<string, number>()
  let left = requests
  const worker = async (): Promise<void> => {
    while (left-- > 0) {
      const asked = ask()
      const { method, url, headers, source_ip } = asked
      const told = await admin.request({
        path: '/explain',
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(asked)
      })
      const explained = ((await told.body.json()) as { rule: string | null }).rule ?? 'no_rule'
      const live = await proxy.request({ path: url, method, headers: { ...headers, 'x-forwarded-for': source_ip } })
      const text = await live.body.text()
      const followed = live.statusCode === 404 ? (JSON.parse(text) as { code: string }).code : text
      outcomes.set(followed, (outcomes.get(followed) ?? 0) + 1)
      if (explained !== followed) differences.push({ asked, explained, followed })
    }
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
  t.same(differences.slice(0, 3), [])
  t.ok(outcomes.size > 25, `${outcomes.size} rules took part`)
  t.ok((outcomes.get('no_rule') ?? 0) < requests / 2, 'most requests found a rule')
})
