/** The floor that the gateway is measured against is a correct proxy: otherwise the ratio would flatter the floor. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { freePort } from '../../bench/harness/children.ts'

const floor = fileURLToPath(new URL('../../bench/floor.ts', import.meta.url))

let onRequest: (request: IncomingMessage, response: ServerResponse) => void
const target = createServer((request, response) => onRequest(request, response))
let port: number

t.before(async () => {
  target.listen(0, '127.0.0.1')
  await once(target, 'listening')
  port = await freePort()
  const url = `http://127.0.0.1:${(target.address() as AddressInfo).port}`
  const child = spawn(process.execPath, [floor, '--port', `${port}`, '--target', url], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => {
    child.kill('SIGKILL')
    target.closeAllConnections()
    target.close()
  })
  await once(child.stdout, 'data')
})

async function ask(options: { path?: string; method?: string; headers?: Record<string, string>; body?: string }): Promise<IncomingMessage> {
  const { path = '/', method = 'GET', headers = {}, body } = options
  const sent = request({ host: '127.0.0.1', port, path, method, headers, agent: false }).end(body)
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  return response
}

t.test('it passes the path, the fields and the body on, and keeps what belongs to the hop', async t => {
  let seen: unknown
  onRequest = async (incoming, response) => {
    const chunks = await incoming.toArray()
    const { method, url, headers } = incoming
    seen = { method, url, hop: headers['x-hop'], keep: headers['x-keep'], te: headers.te, body: Buffer.concat(chunks).toString() }
    response.writeHead(201, { 'x-answer': 'yes', connection: 'x-private', 'x-private': '1', 'set-cookie': ['a=1', 'b=2'] }).end('made')
  }
  const headers = { 'x-hop': '1', 'x-keep': '2', te: 'trailers', connection: 'X-Hop, close' }
  const response = await ask({ method: 'POST', path: '/a%20b?x=1', headers, body: 'hello' })
  t.same(seen, { method: 'POST', url: '/a%20b?x=1', hop: undefined, keep: '2', te: undefined, body: 'hello' })
  t.equal(response.statusCode, 201)
  t.match(response.headers, { 'x-answer': 'yes', 'set-cookie': ['a=1', 'b=2'] })
  t.equal(response.headers['x-private'], undefined)
  t.equal((await response.toArray()).join(''), 'made')
})

t.test('it streams: the first part arrives before the last is sent', async t => {
  onRequest = (_request, response) => response.write('first')
  const response = await ask({})
  const [chunk] = (await once(response, 'data')) as [Buffer]
  t.equal(chunk.toString(), 'first')
  response.destroy()
})

t.test('a client that leaves ends the request to the target', async t => {
  const left = new Promise<void>(resolve => {
    onRequest = (_request, response) => {
      response.once('close', resolve)
      response.write('first')
    }
  })
  const response = await ask({})
  response.destroy()
  await left
  t.pass('the target saw it')
})

t.test('a target that breaks off breaks the client off too, or is a 502 before the head', async t => {
  onRequest = (_request, response) => {
    response.writeHead(200, { 'content-length': '10' }).write('half')
    response.socket?.end()
  }
  await t.rejects(
    ask({}).then(response => response.toArray()),
    { code: 'ECONNRESET' }
  )
  onRequest = (_request, response) => response.destroy()
  t.equal((await ask({})).statusCode, 502)
})
