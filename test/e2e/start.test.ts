/** The process: how it starts, refuses to start, and ends. */

import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { startEcho } from '../helpers/echo.ts'
import { runGateway, startGateway, tempFolder } from '../helpers/gateway.ts'

t.test('a first start makes sluice.yaml, says where it listens, and takes the first rule', async t => {
  const gateway = await startGateway(t)
  t.ok(existsSync(join(gateway.folder, 'sluice.yaml')))
  const line = gateway.log.find(({ proxy }) => proxy !== undefined)
  t.match(line?.msg, /proxy on http:.*admin API on http:.*\/docs; try: curl -X POST http:.*\/forward-rules/)
  t.equal((await fetch(`${gateway.proxyUrl}/api/x`)).status, 404)
  const { status, headers } = await gateway.admin('POST', '/forward-rules', { id: 'r1', path: '/api', target: await startEcho(t, 'one') })
  t.equal(status, 201)
  t.equal(headers.get('location'), '/forward-rules/r1')
  t.equal((await fetch(`${gateway.proxyUrl}/api/x`)).headers.get('x-target'), 'one')
  t.match(readFileSync(join(gateway.folder, 'sluice.yaml'), 'utf8'), /id: r1/)
})

t.test('what was written is there after a restart', async t => {
  const first = await startGateway(t)
  await first.admin('POST', '/forward-rules', { id: 'r1', path: '/api', respond: { body: 'kept' } })
  const tag = (await first.admin('GET', '/forward-rules/r1')).headers.get('etag')
  t.equal(await first.stop(), 0)
  const second = await startGateway(t, {}, first.folder)
  t.equal(await (await fetch(`${second.proxyUrl}/api`)).text(), 'kept')
  t.equal((await second.admin('GET', '/forward-rules/r1')).headers.get('etag'), tag)
})

t.test('a bad setting is one line and exit 1', async t => {
  const folder = tempFolder(t)
  const busy = createServer().listen(0, '127.0.0.1')
  await once(busy, 'listening')
  t.teardown(() => busy.close())
  const port = String((busy.address() as AddressInfo).port)
  const cases: [Record<string, string>, RegExp][] = [
    [{ SLUICE_PORT: 'eighty' }, /^sluice: SLUICE_PORT must be a port number/],
    [{ SLUICE_STORE: 'mysql://root:hunter2@db/x' }, /^sluice: SLUICE_STORE must be file:PATH/],
    [{ SLUICE_ADMIN_HOST: '0.0.0.0' }, /^sluice: SLUICE_ADMIN_HOST=0\.0\.0\.0 is not a loopback address/],
    [{ SLUICE_TRUSTED_PROXIES: '10.0.0.0/99' }, /^sluice: SLUICE_TRUSTED_PROXIES .*10\.0\.0\.0\/99/],
    [{ SLUICE_PORT: port, SLUICE_HOST: '127.0.0.1' }, /^sluice: SLUICE_PORT: port \d+ on 127\.0\.0\.1 is in use/]
  ]
  for (const [env, expected] of cases) {
    const { code, stderr } = await runGateway(env, folder)
    t.equal(code, 1, JSON.stringify(env))
    t.match(stderr, expected)
    t.equal(stderr.trimEnd().split('\n').length, 1, 'one line')
    t.notMatch(stderr, /hunter2/)
  }
})

t.test('--version and --help answer, an unknown command is refused', async t => {
  const folder = tempFolder(t)
  t.match(await runGateway({}, folder, ['--version']), { code: 0, stdout: /^\d+\.\d+\.\d+\n$/ })
  t.match(await runGateway({}, folder, ['--help']), { code: 0, stdout: /SLUICE_ADMIN_TOKEN/ })
  t.match(await runGateway({}, folder, ['strat']), { code: 1, stderr: /unknown command 'strat'/ })
})

t.test('SIGTERM lets a request in flight finish, takes no new ones, and ends with 0', async t => {
  const gateway = await startGateway(t)
  const target = createServer((_request, response) => {
    response.write('begun ')
    target.once('finish', () => response.end('ended'))
  }).listen(0, '127.0.0.1')
  await once(target, 'listening')
  t.teardown(() => target.close())
  await gateway.admin('POST', '/forward-rules', { path: '/', target: `http://127.0.0.1:${(target.address() as AddressInfo).port}` })
  const response = await fetch(gateway.proxyUrl)
  const exit = gateway.stop('SIGTERM')
  await gateway.logged(line => /^stopping/.test(String(line.msg)))
  await t.rejects(fetch(gateway.proxyUrl), 'new connections are refused')
  target.emit('finish')
  t.equal(await response.text(), 'begun ended')
  t.equal(await exit, 0)
})

t.test('with a file that cannot be parsed it starts, is not ready, and is as soon as the file is mended', async t => {
  const folder = tempFolder(t)
  const file = join(folder, 'sluice.yaml')
  writeFileSync(file, 'forward_rules: [\n')
  const gateway = await startGateway(t, {}, folder)
  t.match(await gateway.admin('GET', '/ready'), { status: 503, body: { code: 'not_ready' } })
  const refused = await fetch(`${gateway.proxyUrl}/x`)
  t.equal(refused.status, 503)
  t.match(await refused.json(), { code: 'not_ready', status: 503 })
  t.ok(refused.headers.get('retry-after'))
  t.match((await gateway.admin('GET', '/health')).status, 200, 'alive all the same')
  writeFileSync(file, 'forward_rules:\n  - {id: a, path: /, respond: {body: mended}}\n')
  await gateway.logged(line => line.msg === 'configuration applied')
  t.equal(await (await fetch(`${gateway.proxyUrl}/x`)).text(), 'mended')
  t.equal((await gateway.admin('GET', '/ready')).status, 200)
})

t.test('SIGHUP reads the configuration again', async t => {
  const gateway = await startGateway(t)
  writeFileSync(join(gateway.folder, 'sluice.yaml'), 'forward_rules:\n  - {id: a, path: /, respond: {body: reread}}\n')
  gateway.child.kill('SIGHUP')
  await gateway.logged(line => line.msg === 'configuration applied' && line.changes === 1)
  t.equal(await (await fetch(`${gateway.proxyUrl}/x`)).text(), 'reread')
})

t.test('with a token the admin API takes only those who know it', async t => {
  const gateway = await startGateway(t, { SLUICE_ADMIN_TOKEN: 'open-sesame', SLUICE_ADMIN_HOST: '0.0.0.0' })
  const url = gateway.adminUrl.replace('0.0.0.0', '127.0.0.1')
  t.equal((await fetch(`${url}/forward-rules`)).status, 401)
  t.equal((await fetch(`${url}/forward-rules`, { headers: { authorization: 'Bearer wrong' } })).status, 401)
  t.equal((await fetch(`${url}/forward-rules`, { headers: { authorization: 'Bearer open-sesame' } })).status, 200)
  t.equal((await fetch(`${url}/health`)).status, 200, '/health needs none')
})
