/** Targets behind TLS: verified, and known by their own name. */
import { once } from 'node:events'
import { createSecureServer as createHttp2Server } from 'node:http2'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { getCACertificates, setDefaultCACertificates, type TLSSocket } from 'node:tls'
import t from 'tap'
import { certificate, otherCertificate, otherPrivateKey, privateKey } from '../helpers/certificate.ts'
import { startProxy } from '../helpers/proxy-app.ts'

type Tap = Parameters<typeof startProxy>[0]

async function startTlsTarget(t: Tap): Promise<{ port: number; names: unknown[]; connections: () => number }> {
  const names: unknown[] = []
  let connections = 0
  const server = createServer({ cert: certificate, key: privateKey }, (request, response) => {
    names.push((request.socket as TLSSocket).servername)
    request.resume().on('end', () => response.end(request.headers.host))
  })
  server.on('secureConnection', () => connections++)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.close()
    server.closeAllConnections()
  })
  return { port: (server.address() as AddressInfo).port, names, connections: () => connections }
}

t.test('a certificate that nobody vouches for is 502', async t => {
  const { port, connections } = await startTlsTarget(t)
  const proxy = await startProxy(t, { rules: [{ id: 'r1', target: `https://127.0.0.1:${port}` }] })
  const line = proxy.nextLine()
  t.equal((await (await proxy.connect()).request('GET /')).status, 502)
  t.match(await line, { upstream_error: 'DEPTH_ZERO_SELF_SIGNED_CERT' })
  t.equal(connections(), 0)
})

t.test("the name for TLS is the target's, whatever Host the client sends, and the connection is kept", async t => {
  const before = getCACertificates('default')
  setDefaultCACertificates([...before, certificate])
  t.teardown(() => setDefaultCACertificates(before))
  const { port, names, connections } = await startTlsTarget(t)
  const rules = [
    { id: 'name', path: '/name', target: `https://localhost:${port}` },
    { id: 'ip', path: '/ip', target: `https://127.0.0.1:${port}` }
  ]
  const client = await (await startProxy(t, { rules })).connect()
  for (const host of ['a.example', 'b.example', 'localhost']) t.equal((await client.request('GET /name', [`Host: ${host}`])).body, host)
  t.equal(connections(), 1)
  for (const host of ['a.example', 'b.example']) t.equal((await client.request('GET /ip', [`Host: ${host}`])).body, host)
  t.equal(connections(), 2)
  t.same(names, ['localhost', 'localhost', 'localhost', false, false], 'an address is no name')
})

t.test('the same holds for requests that wait for 100 (Continue)', async t => {
  const fields = ['Expect: 100-continue', 'Content-Length: 5', 'Host: a.example']
  const unknown = await startTlsTarget(t)
  const refusing = await startProxy(t, { rules: [{ id: 'r1', target: `https://localhost:${unknown.port}` }] })
  const line = refusing.nextLine()
  t.equal((await (await refusing.connect()).request('POST /', fields)).status, 502)
  t.match(await line, { upstream_error: 'DEPTH_ZERO_SELF_SIGNED_CERT' })

  const before = getCACertificates('default')
  setDefaultCACertificates([...before, certificate])
  t.teardown(() => setDefaultCACertificates(before))
  const { port, names, connections } = await startTlsTarget(t)
  const rules = [
    { id: 'name', path: '/name', target: `https://localhost:${port}` },
    { id: 'ip', path: '/ip', target: `https://127.0.0.1:${port}` }
  ]
  const client = await (await startProxy(t, { rules })).connect()
  for (const path of ['/name', '/name', '/ip']) {
    t.equal((await client.request(`POST ${path}`, fields)).status, 100)
    t.equal((await client.send('hello').response()).body, 'a.example')
  }
  t.same(names, ['localhost', 'localhost', false])
  t.equal(connections(), 2)
})

t.test('a target that asks for a certificate gets that of the service, by HTTP/1.1 and by HTTP/2', async t => {
  const server = createHttp2Server(
    { cert: certificate, key: privateKey, requestCert: true, ca: otherCertificate, allowHTTP1: true },
    (request, response) => {
      response.end(String((request.socket as TLSSocket).getPeerCertificate().subject.CN))
    }
  )
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`
  const tls = { ca: certificate, server_name: 'localhost' }
  const ours = { cert: otherCertificate, key: otherPrivateKey }
  const services = [
    { id: 'one', targets: [{ url }], tls: { ...tls, ...ours } },
    { id: 'two', targets: [{ url }], tls: { ...tls, ...ours }, http2: true },
    { id: 'none', targets: [{ url }], tls }
  ]
  const rules = services.map(({ id }) => ({ id, path: `/${id}`, target_service: id }))
  const proxy = await startProxy(t, { services, rules })
  t.teardown(() => void server.close())
  const client = await proxy.connect()
  t.match(await client.request('GET /one'), { status: 200, body: 'other.test' })
  t.match(await client.request('GET /two'), { status: 200, body: 'other.test' })
  t.match(await client.request('GET /none'), { status: 502 })
})
