/** The TLS listener of a real process: its certificate files, and what SIGHUP does. */
import { once } from 'node:events'
import { rmSync, writeFileSync } from 'node:fs'
import { connect as connectHttp2 } from 'node:http2'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import t from 'tap'
import { certificate, otherCertificate, otherPrivateKey, privateKey } from '../helpers/certificate.ts'
import { runGateway, startGateway, type Teardown, tempFolder } from '../helpers/gateway.ts'
import { ask } from '../helpers/tls-proxy.ts'

const settings = { SLUICE_TLS_PORT: '0', SLUICE_TLS_CERT: 'cert.pem', SLUICE_TLS_KEY: 'key.pem', SLUICE_STORE: 'memory:' }

function folderWith(t: Teardown, cert: string, key: string): string {
  const folder = tempFolder(t)
  writeFileSync(join(folder, 'cert.pem'), cert)
  writeFileSync(join(folder, 'key.pem'), key)
  return folder
}

/** The name in the certificate that a client is shown. */
async function nameAt(port: number, host?: string): Promise<unknown> {
  const name = host === undefined ? {} : { servername: host }
  const socket = connectTls({ host: '127.0.0.1', port, rejectUnauthorized: false, ...name })
  await once(socket, 'secureConnect')
  const { subject } = socket.getPeerCertificate()
  socket.destroy()
  return subject.CN
}

t.test('the certificate files are read again at SIGHUP, and open connections go on', async t => {
  const folder = folderWith(t, certificate, privateKey)
  const gateway = await startGateway(t, settings, folder)
  const line = await gateway.logged(({ proxy_tls }) => proxy_tls !== undefined)
  const port = Number(new URL(String(line.proxy_tls)).port)
  t.match(line.proxy_tls, /^https:/)
  await gateway.admin('POST', '/forward-rules', { id: 'r1', respond: { status: 200, body: 'hello' } })
  const session = connectHttp2(`https://localhost:${port}`, { ca: certificate })
  t.teardown(() => session.destroy())
  t.match(await ask(session, { ':path': '/' }), { status: 200, body: 'hello' })
  t.equal(await nameAt(port), 'target.test')

  writeFileSync(join(folder, 'cert.pem'), 'nonsense')
  gateway.child.kill('SIGHUP')
  const refused = await gateway.logged(({ msg }) => /certificate files cannot be used/.test(String(msg)))
  t.match(refused.reason, /^SLUICE_TLS_CERT: cert\.pem must be/)
  t.equal(await nameAt(port), 'target.test', 'the one from before stays')

  writeFileSync(join(folder, 'cert.pem'), otherCertificate)
  writeFileSync(join(folder, 'key.pem'), otherPrivateKey)
  gateway.child.kill('SIGHUP')
  await gateway.logged(({ msg }) => msg === 'the certificate files were read again')
  t.equal(await nameAt(port), 'other.test')
  t.match(await ask(session, { ':path': '/' }), { status: 200, body: 'hello' }, 'on the connection from before')
  session.close()
  t.equal(await gateway.stop(), 0)
})

t.test('certificate files that cannot be used are one line and exit code 1', async t => {
  const cases: [change: (folder: string) => void, message: RegExp][] = [
    [folder => writeFileSync(join(folder, 'cert.pem'), 'nonsense'), /^sluice: SLUICE_TLS_CERT: cert\.pem must be one or more certificates/],
    [folder => writeFileSync(join(folder, 'key.pem'), otherPrivateKey), /^sluice: SLUICE_TLS_KEY: key\.pem is not the key/],
    [folder => rmSync(join(folder, 'key.pem')), /^sluice: SLUICE_TLS_KEY: cannot read key\.pem \(ENOENT\)/]
  ]
  for (const [change, message] of cases) {
    const folder = folderWith(t, certificate, privateKey)
    change(folder)
    const { code, stderr } = await runGateway(settings, folder)
    t.equal(code, 1)
    t.match(stderr, message)
    t.equal(stderr.trim().split('\n').length, 1)
  }
})

t.test('half of the settings is refused', async t => {
  const folder = folderWith(t, certificate, privateKey)
  const { SLUICE_TLS_KEY: _key, ...withoutKey } = settings
  t.match(await runGateway(withoutKey, folder), { code: 1, stderr: /SLUICE_TLS_CERT needs SLUICE_TLS_KEY/ })
  const { SLUICE_TLS_PORT: _port, ...withoutPort } = settings
  t.match(await runGateway(withoutPort, folder), { code: 1, stderr: /SLUICE_TLS_CERT needs SLUICE_TLS_PORT/ })
})

t.test('certificates of the admin API are shown by name at once, and open connections go on', async t => {
  const gateway = await startGateway(t, settings, folderWith(t, certificate, privateKey))
  const line = await gateway.logged(({ proxy_tls }) => proxy_tls !== undefined)
  const port = Number(new URL(String(line.proxy_tls)).port)
  await gateway.admin('POST', '/forward-rules', { id: 'r1', respond: { status: 200, body: 'hello' } })
  const session = connectHttp2(`https://localhost:${port}`, { ca: certificate })
  t.teardown(() => session.destroy())
  t.match(await ask(session, { ':path': '/' }), { status: 200 })
  t.equal(await nameAt(port, 'www.example.com'), 'target.test')

  const item = { id: 'own', cert: otherCertificate, key: otherPrivateKey }
  t.equal((await gateway.admin('POST', '/certificates', item)).status, 201)
  t.equal(await nameAt(port, 'www.example.com'), 'other.test', 'by the wildcard')
  t.equal(await nameAt(port, 'API.example.com'), 'other.test', 'by its name')
  t.equal(await nameAt(port, 'a.b.example.com'), 'target.test', 'a star is one label')
  t.equal(await nameAt(port), 'target.test', 'without a name')
  t.match(await ask(session, { ':path': '/' }), { status: 200 }, 'on the connection from before')

  t.equal((await gateway.admin('DELETE', '/certificates/own')).status, 204)
  t.equal(await nameAt(port, 'www.example.com'), 'target.test')
  session.close()
  const key = otherPrivateKey.split('\n')[1]!
  t.notOk(JSON.stringify(gateway.log).includes(key), 'no line of the log holds the key')
})
