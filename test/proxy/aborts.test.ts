/** Clients that leave at every stage of an exchange, a thousand times each: nothing of them is left over. */
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { connect, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import { Overload } from '../../src/control/overload.ts'
import { type ProxyApp, startProxy } from '../helpers/proxy-app.ts'
import { type HttpTarget, startTarget } from '../helpers/target.ts'

const times = 1_000
const atOnce = 50

const head = 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n'
const get = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'

interface Lab {
  readonly proxy: ProxyApp
  readonly overload: Overload
  readonly target: HttpTarget
  /** What the target has not answered. */
  readonly held: Set<ServerResponse>
  /** Resolves once the target has got the request of this connection. */
  arrival(socket: Socket): Promise<ServerResponse>
}

async function startLab(t: Test): Promise<Lab> {
  const held = new Set<ServerResponse>()
  const waiting = new Map<string, (response: ServerResponse) => void>()
  const target = await startTarget(t, (request, response) => {
    const id = request.headers['x-request-id'] as string
    if (id === undefined || !waiting.has(id)) return void response.end()
    held.add(response)
    response.on('close', () => held.delete(response))
    waiting.get(id)!(response)
  })
  const overload = new Overload(
    { maxConnections: 0, maxRequests: 0, maxEventLoopDelayMs: 0, maxHeapPercent: 0 },
    { onReading: () => undefined, onStrain: () => undefined }
  )
  t.teardown(() => overload.close())
  const services = [{ id: 's', max_connections: atOnce, targets: [{ url: target.url }] }]
  const proxy = await startProxy(t, { services, rules: [{ id: 'r', target_service: 's' }] }, { overload })
  const arrival = (socket: Socket): Promise<ServerResponse> =>
    new Promise(resolve => {
      const id = `c${socket.localPort}`
      waiting.set(id, response => {
        waiting.delete(id)
        resolve(response)
      })
    })
  return { proxy, overload, target, held, arrival }
}

/** How far a client goes before it leaves. */
type Stage = (socket: Socket, lab: Lab) => unknown

const withId = (text: string, socket: Socket): string => text.replace('\r\n\r\n', `\r\nX-Request-Id: c${socket.localPort}\r\n\r\n`)

async function arrive(text: string, socket: Socket, lab: Lab): Promise<ServerResponse> {
  const arrived = lab.arrival(socket)
  socket.write(withId(text, socket))
  return arrived
}

const stages: Readonly<Record<string, Stage>> = {
  'after connecting': () => undefined,
  'within the header section': socket => socket.write('GET / HTTP/1.1\r\nHost: a\r\nX-'),
  'with the whole request': socket => socket.write(get),
  'with the whole request, and another one behind it': socket => socket.write(get + get),
  'within the body': (socket, lab) => arrive(`${head}5\r\nhello\r\n`, socket, lab),
  'while it waits for the target': (socket, lab) => arrive(get, socket, lab),
  'within the answer': async (socket, lab) => {
    const response = await arrive(get, socket, lab)
    response.write('part')
    await once(socket, 'data')
  },
  'within an answer that it does not read': async (socket, lab) => {
    const response = await arrive(get, socket, lab)
    socket.pause()
    response.write(Buffer.alloc(100_000))
  }
}

const leaving: Readonly<Record<string, (socket: Socket) => void>> = {
  'closes its connection': socket => socket.destroy(),
  'resets it': socket => socket.resetAndDestroy(),
  'closes only its side': socket => socket.end()
}

async function leaveOften(lab: Lab, stage: Stage, leave: (socket: Socket) => void, count: number): Promise<void> {
  let left = count
  const one = async (): Promise<void> => {
    while (left-- > 0) {
      const socket = connect({ port: lab.proxy.port, host: '127.0.0.1', allowHalfOpen: false })
      socket.on('error', () => undefined)
      const closed = new Promise(resolve => socket.once('close', resolve))
      await once(socket, 'connect')
      await stage(socket, lab)
      leave(socket)
      socket.resume()
      await closed
    }
  }
  await Promise.all(Array.from({ length: atOnce }, one))
}

async function totalOf({ metrics }: ProxyApp, name: string): Promise<number> {
  const lines = (await metrics.registry.metrics()).split('\n').filter(line => line.startsWith(name))
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0)
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise(resolve => setTimeout(resolve, 5))
}

t.test('nothing is left of a thousand clients that left', async t => {
  const lab = await startLab(t)
  const { proxy, overload, held } = lab
  const warnings: Error[] = []
  const onWarning = (warning: Error): void => void warnings.push(warning)
  process.on('warning', onWarning)
  t.teardown(() => process.off('warning', onWarning))
  const listeners = () => proxy.app.server.eventNames().map(name => proxy.app.server.listenerCount(name))
  const before = listeners()
  const share = Math.ceil(times / Object.keys(leaving).length)
  for (const [where, stage] of Object.entries(stages)) {
    for (const [how, leave] of Object.entries(leaving)) {
      await leaveOften(lab, stage, leave, share)
      await until(() => overload.report().connections === 0)
      t.equal(overload.report().requests_in_flight, 0, `a client that leaves ${where} and ${how}: no request is in flight`)
      await until(() => held.size === 0)
      t.equal(await totalOf(proxy, 'sluice_http_requests_in_flight'), 0, 'every exchange has ended, and the target was told')
    }
  }
  t.same(listeners(), before, 'no listener was added')
  t.same(
    warnings.map(({ message }) => message),
    []
  )
  await t.test('and every place at the target is free', async t => {
    const sockets = await Promise.all(
      Array.from({ length: atOnce }, async () => {
        const socket = connect({ port: proxy.port, host: '127.0.0.1' })
        t.teardown(() => socket.destroy())
        await once(socket, 'connect')
        await arrive(get, socket, lab)
        return socket
      })
    )
    t.equal(sockets.length, atOnce)
    const client = await proxy.connect()
    t.equal((await client.request('GET /')).status, 503, 'one more has no place')
    for (const response of held) response.end()
    await until(() => overload.report().requests_in_flight === 0)
    t.equal((await client.request('GET /')).status, 200)
  })
})
