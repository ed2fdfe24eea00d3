/** Sticky sessions, over real sockets. */
import t from 'tap'
import type { Teardown } from '../helpers/gateway.ts'
import { startProxy, toSnapshot } from '../helpers/proxy-app.ts'
import type { RawClient } from '../helpers/raw-client.ts'
import { type HttpTarget, startTarget } from '../helpers/target.ts'

const startNamed = (t: Teardown, name: string, status = 200): Promise<HttpTarget> =>
  startTarget(t, (request, response) => {
    request.resume()
    response.writeHead(status, { 'x-target': name, 'set-cookie': `app=${name}` }).end()
  })

const itemsOf = (targets: readonly { url: string; weight?: number }[], sticky: Record<string, unknown> = {}, rule: object = {}) => ({
  services: [{ id: 's', targets, sticky }],
  rules: [{ id: 'r', target_service: 's', ...rule }]
})

interface Answer {
  readonly target: string | undefined
  /** What the gateway set. */
  readonly cookie: string | undefined
}

async function ask(client: RawClient, cookie?: string): Promise<Answer> {
  const { header, headers } = await client.request('GET /', cookie === undefined ? [] : [`Cookie: ${cookie}`])
  const set = headers.filter(([name, value]) => name === 'set-cookie' && !value.startsWith('app=')).map(([, value]) => value)
  if (set.length > 1) throw new Error('two cookies')
  return { target: header('x-target'), cookie: set[0] }
}

/** Name and value. */
const pairOf = (cookie: string | undefined): string => cookie!.split(';')[0]!

t.test('a client stays at the target that its cookie names, and gets the cookie once', async t => {
  const targets = await Promise.all(['a', 'b', 'c'].map(name => startNamed(t, name)))
  const proxy = await startProxy(t, itemsOf(targets.map(({ url }) => ({ url }))))
  const client = await proxy.connect()
  for (const name of ['a', 'b', 'c']) {
    const first = await ask(client)
    t.equal(first.target, name, 'the balancer picks the first one')
    t.match(first.cookie, /^sluice_target=[\w-]{16}; Path=\/; Max-Age=3600; HttpOnly; SameSite=Lax$/)
    for (const { port } of targets) t.notMatch(first.cookie, String(port))
    for (let again = 0; again < 4; again++)
      t.strictSame(await ask(client, `x=1; ${pairOf(first.cookie)}`), { target: name, cookie: undefined })
  }
})

t.test('the cookie is called and lives as the service says, and is the same on every instance', async t => {
  const target = await startNamed(t, 'a')
  const cookies = []
  for (let instance = 0; instance < 2; instance++) {
    const proxy = await startProxy(t, itemsOf([{ url: target.url }], { cookie: 'at', ttl_s: null }))
    cookies.push((await ask(await proxy.connect())).cookie)
  }
  t.match(cookies[0], /^at=[\w-]{16}; Path=\/; HttpOnly; SameSite=Lax$/)
  t.equal(cookies[0], cookies[1])
})

t.test('a cookie that names nobody is replaced', async t => {
  const target = await startNamed(t, 'a')
  const client = await (await startProxy(t, itemsOf([{ url: target.url }]))).connect()
  for (const value of ['', 'nobody', target.url, 'x'.repeat(4_000)]) {
    const { target: name, cookie } = await ask(client, `sluice_target=${value}`)
    t.equal(name, 'a')
    t.match(cookie, /^sluice_target=[\w-]{16};/)
  }
})

t.test('over TLS, as a trusted proxy says, the cookie is Secure; from others that word is not taken', async t => {
  const target = await startNamed(t, 'a')
  for (const [trusted, isSecure] of [
    [['127.0.0.1'], true],
    [[], false]
  ] as const) {
    const client = await (await startProxy(t, itemsOf([{ url: target.url }]), { trusted })).connect()
    const { header } = await client.request('GET /', ['X-Forwarded-Proto: https'])
    t.equal(header('set-cookie')!.includes('; Secure'), isSecure)
  }
})

t.test('a target that is drained gives its clients up to another one, which keeps them', async t => {
  const [a, b] = await Promise.all([startNamed(t, 'a'), startNamed(t, 'b')])
  const proxy = await startProxy(t, itemsOf([{ url: a.url }, { url: b.url }]))
  const client = await proxy.connect()
  const before = await ask(client)
  t.equal(before.target, 'a')
  proxy.live.snapshot = toSnapshot(itemsOf([{ url: a.url, weight: 0 }, { url: b.url }]))
  const moved = await ask(client, pairOf(before.cookie))
  t.equal(moved.target, 'b')
  proxy.live.snapshot = toSnapshot(itemsOf([{ url: a.url }, { url: b.url }]))
  for (let again = 0; again < 3; again++) t.strictSame(await ask(client, pairOf(moved.cookie)), { target: 'b', cookie: undefined })
})

t.test('the cookie names the target that answered, when a further attempt did', async t => {
  const [a, b] = await Promise.all([startNamed(t, 'a', 503), startNamed(t, 'b')])
  const retry = { retry: { attempts: 1, backoff_ms: 0 } }
  const client = await (await startProxy(t, itemsOf([{ url: a.url }, { url: b.url }], {}, retry))).connect()
  const first = await ask(client)
  t.equal(first.target, 'b')
  for (let again = 0; again < 3; again++) t.strictSame(await ask(client, pairOf(first.cookie)), { target: 'b', cookie: undefined })
})

t.test('a target that fails gives its client up to the one that answers; a service that is not sticky sets nothing', async t => {
  let isBroken = false
  const a = await startTarget(t, (_request, response) => {
    if (isBroken) response.socket!.resetAndDestroy()
    else response.writeHead(200, { 'x-target': 'a' }).end()
  })
  const b = await startNamed(t, 'b')
  const sticky = await startProxy(t, itemsOf([{ url: a.url }, { url: b.url }], {}, { retry: { attempts: 1, backoff_ms: 0 } }))
  const client = await sticky.connect()
  const first = await ask(client)
  t.equal(first.target, 'a')
  isBroken = true
  const moved = await ask(client, pairOf(first.cookie))
  t.equal(moved.target, 'b')
  t.strictSame(await ask(client, pairOf(moved.cookie)), { target: 'b', cookie: undefined })
  const plain = await startProxy(t, { services: [{ id: 's', targets: [{ url: b.url }] }], rules: [{ id: 'r', target_service: 's' }] })
  t.strictSame(await ask(await plain.connect(), pairOf(first.cookie)), { target: 'b', cookie: undefined })
})
