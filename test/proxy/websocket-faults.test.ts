/** Frames that no WebSocket may send (RFC 6455 section 5), from either end: told so, and the gateway goes on. */
import { createHash } from 'node:crypto'
import t from 'tap'
import { Connections } from '../../src/upstream/connections.ts'
import type { Teardown } from '../helpers/gateway.ts'
import { type ProxyApp, ruleTo, startProxy } from '../helpers/proxy-app.ts'
import type { RawClient } from '../helpers/raw-client.ts'
import { startRawTarget, type TargetConnection } from '../helpers/target.ts'
import { closeOf, openWebSocket, startWebSocketTarget } from '../helpers/websocket.ts'

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex')

/** What is wrong, the frames without a mask, and the code of the close that answers them. */
const faults = [
  ['a reserved bit', 'c1 00', 1002],
  ['an unknown opcode', '83 00', 1002],
  ['an unknown control opcode', '8b 00', 1002],
  ['a control frame in fragments', '09 00', 1002],
  ['a control frame that is too long', '89 7e 007e', 1002],
  ['a continuation of nothing', '80 00', 1002],
  ['a new message inside another', '01 01 61 81 01 62', 1002],
  ['text that is no UTF-8', '81 02 c328', 1007],
  ['a close with half a code', '88 01 03', 1002],
  ['a close with a code that is none', '88 02 03ed', 1002],
  ['a close whose reason is no UTF-8', '88 04 03e8 c328', 1007],
  ['more than is allowed', '82 7f 0000000000100001', 1009],
  ['a length beyond all bounds', '82 7f 7fffffffffffffff', 1009]
] as const

const handshake = ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==']

/** Sets the mask bit of each frame, with a mask of zeros: what follows stays as it is. */
function masked(frames: Buffer): Buffer {
  const parts: Buffer[] = []
  for (let at = 0; at < frames.length; ) {
    const length = frames[at + 1]!
    const head = 2 + (length === 126 ? 2 : length === 127 ? 8 : 0)
    const size = length < 126 ? length : 0
    const frame = Buffer.from(frames.subarray(at, at + head))
    frame[1] = frame[1]! | 0x80
    parts.push(frame, Buffer.alloc(4), frames.subarray(at + head, at + head + size))
    at += head + size
  }
  return Buffer.concat(parts)
}

async function openRaw(t: Teardown, proxy: ProxyApp): Promise<RawClient> {
  const client = await proxy.connect()
  const answer = await client.request('GET /', handshake)
  if (answer.status !== 101) throw new Error(`answered with ${answer.status}`)
  t.teardown(() => client.socket.destroy())
  return client
}

/** A target that agrees to a WebSocket and then sends what it likes. */
async function agree(connection: TargetConnection): Promise<void> {
  const key = /sec-websocket-key: (.*)\r/i.exec(await connection.head())![1]!
  const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
  connection.send(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`
  )
}

const closeFrame = (code: number): string => Buffer.from([0x88, 0x02, code >> 8, code & 0xff]).toString('latin1')

t.test('a client that sends it is closed with the code for it, the target with 1001', async t => {
  const target = await startWebSocketTarget(t)
  const proxy = await startProxy(t, ruleTo(target.url))
  for (const [what, frames, code] of [...faults, ['a frame without a mask', '', 1002]] as const) {
    const arrived = target.next()
    const client = await openRaw(t, proxy)
    const closed = closeOf((await arrived).socket)
    client.send(frames === '' ? hex('81 01 61') : masked(hex(frames)))
    await client.seen(closeFrame(code))
    client.socket.end()
    t.equal((await closed)[0], 1001, what)
  }
})

t.test('a target that sends it is closed, the client with 1011', async t => {
  for (const [what, frames] of [...faults, ['a frame with a mask', '81 81 00000000 61']] as const) {
    const target = await startRawTarget(t, async connection => {
      await agree(connection)
      connection.socket.write(hex(frames))
      // A masked close frame is its answer.
      await connection.seen('\x88\x82')
      connection.socket.end()
    })
    const proxy = await startProxy(t, ruleTo(target.url))
    const client = await openWebSocket(t, `http://127.0.0.1:${proxy.port}/`)
    t.same(await closeOf(client), [1011, ''], what)
  }
})

t.test('rubbish, resets and half-closed connections from either end harm nobody else', async t => {
  const target = await startWebSocketTarget(t)
  const connections = new Connections()
  const proxy = await startProxy(t, ruleTo(target.url), { connections })
  for (let seed = 1; seed <= 60; seed++) {
    const client = await openRaw(t, proxy)
    let state = seed
    const bytes = Buffer.from(
      Array.from({ length: 200 }, () => {
        state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
        return state >> 16
      })
    )
    client.send(bytes)
    if (seed % 3 === 0) client.socket.resetAndDestroy()
    else client.socket.end()
    if (seed % 5 === 0) for (const socket of target.open) socket.terminate()
  }
  const client = await openWebSocket(t, `http://127.0.0.1:${proxy.port}/`)
  client.send('still here')
  t.equal(await new Promise(resolve => client.once('message', data => resolve(String(data)))), 'still here')
  client.close()
  while (proxy.log.filter(({ status }) => status === 101).length < 61) await proxy.nextLine()
  // The target's end may be closed a moment later.
  while (connections.size > 0) await new Promise(resolve => setImmediate(resolve))
  t.match(await proxy.metrics.registry.metrics(), 'sluice_websocket_connections{rule="r1"} 0', 'none is left behind')
  t.same(
    proxy.log.filter(({ level }) => Number(level) >= 50),
    [],
    'no error was logged'
  )
})
