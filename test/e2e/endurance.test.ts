/** Long and hostile traffic through a real gateway process. `npm run bench:memory` and `bench:slowloris` measure the same at full length. */
import { once } from 'node:events'
import { connect } from 'node:net'
import t from 'tap'
import { type GatewayProcess, startGateway } from '../helpers/gateway.ts'
import { startLoad } from '../helpers/load.ts'
import { startSlowloris } from '../helpers/slowloris.ts'
import { startRawTarget, startTarget, type TargetConnection } from '../helpers/target.ts'
import { download, growthWhile, startTransferTarget, upload } from '../helpers/transfer.ts'

const quiet = { SLUICE_ACCESS_LOG: 'false', SLUICE_STORE: 'memory:' }

async function putRule(gateway: GatewayProcess, target: string): Promise<void> {
  await gateway.admin('PUT', '/forward-rules/r1', { path: '/', target })
}

const framings = {
  length: 'HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n',
  chunked: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'
}
const part = { length: 'x'.repeat(1_000), chunked: `3e8\r\n${'x'.repeat(1_000)}\r\n` }

/** How the connection of a client ended, and whether what it got looks whole. */
async function takeAnswer(port: number, path: string): Promise<{ begun: boolean; clean: boolean }> {
  const socket = connect({ port, host: '127.0.0.1' })
  let text = ''
  socket.setEncoding('latin1').on('data', chunk => {
    text += chunk
  })
  socket.on('error', () => undefined)
  const closed = once(socket, 'close').catch(() => undefined)
  socket.write(`GET /${path} HTTP/1.1\r\nHost: a\r\n\r\n`)
  await closed
  const [head = '', body = ''] = text.split('\r\n\r\n', 2)
  const length = /content-length: (\d+)/i.exec(head)?.[1]
  const isWhole = length === undefined ? text.endsWith('0\r\n\r\n') : body.length >= Number(length)
  return { begun: head.startsWith('HTTP/1.1 200'), clean: isWhole }
}

t.test('a target that dies a thousand times in the middle of its answer: no client takes it for whole', async t => {
  const target = await startRawTarget(t, async (connection: TargetConnection, index) => {
    const framing = (await connection.head()).startsWith('GET /length') ? 'length' : 'chunked'
    connection.send(framings[framing] + part[framing])
    // What was sent shall arrive: a reset throws away what is still in buffers.
    await new Promise(resolve => setTimeout(resolve, 5))
    if (index % 4 < 2) connection.reset()
    else connection.socket.end()
  })
  const gateway = await startGateway(t, quiet)
  await putRule(gateway, target.url)
  const port = Number(new URL(gateway.proxyUrl).port)
  const results: { begun: boolean; clean: boolean }[] = []
  let left = 1_000
  const client = async (): Promise<void> => {
    while (left > 0) results.push(await takeAnswer(port, left-- % 2 === 0 ? 'length' : 'chunked'))
  }
  await Promise.all(Array.from({ length: 20 }, client))
  t.equal(results.length, 1_000)
  t.equal(results.filter(({ begun }) => begun).length, 1_000, 'every answer had begun')
  t.equal(results.filter(({ clean }) => clean).length, 0, 'and none ended as if it were whole')
  t.equal(gateway.child.exitCode, null)
  const healthy = await startTarget(t, (_request, response) => response.end('fine'))
  await putRule(gateway, healthy.url)
  t.equal(await (await fetch(gateway.proxyUrl)).text(), 'fine', 'the same process serves on')
})

t.test('a thousand clients that never finish their header section are cut; all others are served meanwhile', async t => {
  const target = await startTarget(t, (_request, response) => response.end('fine'))
  const gateway = await startGateway(t, { ...quiet, SLUICE_CLIENT_HEADER_TIMEOUT_MS: '2000' })
  await putRule(gateway, target.url)
  const judge = ({ body }: { readonly body: string }) => (body === 'fine' ? undefined : body)
  const load = startLoad({ url: gateway.proxyUrl, perSecond: 100, judge })
  const { cut } = await startSlowloris(t, Number(new URL(gateway.proxyUrl).port), 1_000)
  const livesMs = await cut
  t.equal(livesMs.length, 1_000, 'all were cut')
  t.ok(Math.min(...livesMs) > 1_000, `none early: after ${Math.round(Math.min(...livesMs))} ms`)
  const { sent, failed } = await load.stop()
  t.ok(sent > 100)
  t.same(failed, {}, 'every honest request was answered')
})

t.test('bodies of 100 MB, up and down, past somebody slow: memory stays as it was', async t => {
  const bytes = 100_000_000
  const bytesPerSecond = 50_000_000
  const target = await startTransferTarget(t, bytesPerSecond)
  const gateway = await startGateway(t, quiet)
  await putRule(gateway, target.url)
  const memory = async () => (await gateway.admin<{ memory: { rss_bytes: number } }>('GET', '/status')).body.memory.rss_bytes
  await Promise.all([download(gateway.proxyUrl, 5_000_000, bytesPerSecond), upload(gateway.proxyUrl, 5_000_000)])
  const grown = await growthWhile(memory, async () => {
    const [down, up] = await Promise.all([download(gateway.proxyUrl, bytes, bytesPerSecond), upload(gateway.proxyUrl, bytes)])
    t.equal(down, bytes)
    t.equal(up, bytes)
  })
  t.ok(grown < 50_000_000, `grown by ${Math.round(grown / 1e6)} MB`)
})
