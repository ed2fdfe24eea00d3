/** One switch for all that reads paths: the proxy, `POST /explain` and the tests of rules. */
import { connect } from 'node:net'
import t, { type Test } from 'tap'
import { type GatewayProcess, startGateway } from '../helpers/gateway.ts'
import { RawClient } from '../helpers/raw-client.ts'
import { startTarget } from '../helpers/target.ts'

interface Explanation {
  readonly rule: string | null
  readonly upstream_path: string
}

async function start(t: Test, env: Record<string, string>): Promise<GatewayProcess> {
  return startGateway(t, { SLUICE_STORE: 'memory:', SLUICE_ACCESS_LOG: 'false', ...env })
}

// fetch() would resolve dot segments itself.
async function get(t: Test, { proxyUrl }: GatewayProcess, path: string): Promise<string> {
  const socket = connect({ port: Number(new URL(proxyUrl).port), host: '127.0.0.1' })
  t.teardown(() => socket.destroy())
  const { status, body } = await new RawClient(socket).request(`GET ${path}`)
  return status === 200 ? body : `${status} ${JSON.parse(body).code}`
}

const files = (target: string, url: string, upstreamPath: string) => ({
  path: '/files/{name}',
  path_type: 'template',
  target,
  rewrite: '/store/{name}',
  tests: [{ request: { url }, expect: { rule: 'files', upstream_path: upstreamPath } }]
})

t.test('lenient: an encoded slash is data of its segment, for the proxy, explain and tests of rules', async t => {
  const target = await startTarget(t, (request, response) => response.end(request.url))
  const gateway = await start(t, { SLUICE_PATHS: 'lenient' })
  const written = await gateway.admin('PUT', '/forward-rules/files', files(target.url, '/files/a%2fb', '/store/a%2fb'))
  t.equal(written.status, 201)
  await gateway.admin('PUT', '/forward-rules/private', { path: '/files/private', respond: { status: 403 } })
  t.equal(await get(t, gateway, '/files/a%2Fb%5cc'), '/store/a%2Fb%5cc')
  const { body } = await gateway.admin<Explanation>('POST', '/explain', { url: '/files/a%2Fb' })
  t.match(body, { rule: 'files', upstream_path: '/store/a%2Fb' })
  for (const path of ['/files/..%2Fprivate', '/files/x%2f%2e%2e%2fprivate', '/files/..;/private', '/files/a%00', '/files/a\\b'])
    t.equal(await get(t, gateway, path), '400 bad_path', path)
})

t.test('strict: it is refused by all three', async t => {
  const gateway = await start(t, {})
  const written = await gateway.admin('PUT', '/forward-rules/files', files('http://127.0.0.1:1', '/files/a%2fb', '/store/a%2fb'))
  t.equal(written.status, 400)
  t.match(written.body, { code: 'validation_failed', errors: [{ pointer: '/tests/0/request/url' }] })
  t.equal((await gateway.admin('POST', '/explain', { url: '/files/a%2Fb' })).status, 400)
  t.equal(await get(t, gateway, '/files/a%2Fb'), '400 bad_path')
})
