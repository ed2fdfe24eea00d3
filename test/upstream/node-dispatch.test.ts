/** Requests over `node:http`, told as undici would, against scripted targets. */
import { EventEmitter, once } from 'node:events'
import t from 'tap'
import { buildConnector, type Dispatcher } from 'undici'
import { codeOf } from '../../src/upstream/failures.ts'
import type { BodySource, NodeExchangeOptions } from '../../src/upstream/node-exchange.ts'
import { NodePool } from '../../src/upstream/node-pool.ts'
import { startSilentListener } from '../helpers/silent-listener.ts'
import { startRawTarget } from '../helpers/target.ts'

/** A body that is given when it is asked for. */
class Body extends EventEmitter implements BodySource {
  readonly #text: string
  asked = false
  destroyed = false

  constructor(text: string) {
    super()
    this.#text = text
  }

  pause(): void {}

  resume(): void {
    if (this.asked) return
    this.asked = true
    setImmediate(() => {
      if (this.destroyed) return
      this.emit('data', Buffer.from(this.#text))
      this.emit('end')
    })
  }

  destroy(): void {
    this.destroyed = true
  }
}

/** Records what it is told. */
class Handler extends EventEmitter implements Dispatcher.DispatchHandler {
  readonly interim: number[] = []
  controller: Dispatcher.DispatchController | undefined
  status = 0
  fields: Readonly<Record<string, unknown>> = {}
  body = ''
  ends = 0

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.controller = controller
    this.emit('start')
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, fields: Readonly<Record<string, unknown>>): void {
    if (status < 200) this.interim.push(status)
    else {
      this.status = status
      this.fields = fields
    }
    this.emit('status', status)
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.body += chunk
    this.emit('data')
  }

  onResponseEnd(_controller: Dispatcher.DispatchController, trailers: Readonly<Record<string, unknown>>): void {
    this.ends++
    this.emit('end', trailers)
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.ends++
    this.emit('end', error)
  }
}

type Tap = Parameters<typeof startRawTarget>[0]

function open(t: Tap, url: string, connectMs = 5_000): NodePool {
  const pool = new NodePool(url, buildConnector({ timeout: connectMs, allowH2: false }))
  t.teardown(() => pool.close())
  return pool
}

interface Sent {
  readonly handler: Handler
  readonly body: Body
  /** Resolves with the trailers or the error. */
  readonly ended: Promise<unknown>
}

function post(pool: NodePool, more: Partial<NodeExchangeOptions> = {}, how: 'dispatch' | 'dispatchOnce' = 'dispatch'): Sent {
  const handler = new Handler()
  const body = new Body('hello')
  const ended = once(handler, 'end').then(([end]) => end)
  const headers = ['host', 'example.com', 'content-length', '5']
  const limits = { headersTimeout: 30_000, bodyTimeout: 30_000 }
  pool[how]({ path: '/', method: 'POST', headers, body, expectContinue: false, ...limits, ...more }, handler)
  return { handler, body, ended }
}

const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'

t.test('a body is sent when the target asks for it, and not before', async t => {
  const target = await startRawTarget(t, async connection => {
    const head = await connection.head()
    t.match(head, /^POST \/ HTTP\/1\.1\r\nhost: example\.com\r\ncontent-length: 5\r\nexpect: 100-continue\r\n/)
    t.equal(asked.body.asked, false)
    connection.send('HTTP/1.1 100 Continue\r\n\r\n')
    await connection.seen('hello')
    connection.send(ok)
  })
  const asked = post(open(t, target.url), { expectContinue: true })
  await asked.ended
  t.same(asked.handler.interim, [100])
  t.match(asked.handler, { status: 200, body: 'ok', ends: 1 })
  t.equal(asked.body.destroyed, true)
})

t.test('a target that keeps silent gets the body after a second', async t => {
  const target = await startRawTarget(t, async connection => {
    await connection.seen('\r\n\r\nhello')
    connection.send(`HTTP/1.1 100 Continue\r\n\r\n${ok}`)
  })
  const sent = post(open(t, target.url), { expectContinue: true })
  await sent.ended
  t.same(sent.handler.interim, [100], 'the answer that came too late is not told again')
  t.equal(sent.handler.body, 'ok')
})

t.test('a target that answers at once is not sent the body, and its connection is not used again', async t => {
  const target = await startRawTarget(t, async connection => {
    await connection.head()
    connection.send('HTTP/1.1 417 Expectation Failed\r\nContent-Length: 2\r\n\r\nno')
    await connection.closed()
  })
  const pool = open(t, target.url)
  for (const connections of [1, 2]) {
    const sent = post(pool, { expectContinue: true })
    await sent.ended
    t.match(sent.handler, { status: 417, body: 'no', interim: [] })
    t.equal(sent.body.asked, false)
    t.equal(sent.body.destroyed, true)
    t.equal(target.connections, connections)
  }
})

t.test('a target that answered in HTTP/1.0 is not asked again', async t => {
  const heads: string[] = []
  const target = await startRawTarget(t, async connection => {
    heads.push(await connection.head())
    await connection.seen('hello')
    connection.send('HTTP/1.0 200 OK\r\n\r\nall').socket.end()
  })
  const pool = open(t, target.url)
  for (const _ of [1, 2]) {
    const sent = post(pool, { expectContinue: true })
    await sent.ended
    t.match(sent.handler, { status: 200, body: 'all', interim: [100] })
  }
  t.match(heads[0], 'expect: 100-continue')
  t.notMatch(heads[1], 'expect')
})

t.test('trailers follow a chunked body', async t => {
  const target = await startRawTarget(t, async connection => {
    t.match(await connection.seen('\r\n0\r\nx-sum: 7\r\nx-sum: 8\r\n\r\n'), 'trailer: x-sum\r\n')
    connection.send(ok)
  })
  const headers = ['host', 'a', 'transfer-encoding', 'chunked', 'trailer', 'x-sum']
  const sent = post(open(t, target.url), {
    headers,
    trailers: () => [
      ['x-sum', '7'],
      ['x-sum', '8']
    ]
  })
  await sent.ended
  t.equal(sent.handler.status, 200)
})

t.test('fields, interim answers and trailers are told with nothing dropped or merged', async t => {
  const target = await startRawTarget(t, async connection => {
    await connection.seen('hello')
    connection.send('HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 199 What\r\n\r\n')
    connection.send('HTTP/1.1 200 OK\r\nAge: 1\r\nAge: 2\r\nSet-Cookie: a\r\nSet-Cookie: b\r\nSet-Cookie: c\r\n')
    connection.send('Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 7\r\n\r\n')
  })
  const sent = post(open(t, target.url))
  t.same(await sent.ended, { 'x-sum': '7' })
  t.same(sent.handler.interim, [103, 199])
  t.match(sent.handler.fields, { age: ['1', '2'], 'set-cookie': ['a', 'b', 'c'], 'transfer-encoding': 'chunked' })
})

t.test('a connection is used again after a whole exchange', async t => {
  const target = await startRawTarget(t, async connection => {
    for (;;) {
      await connection.head()
      await connection.seen('hello')
      // The body is forgotten with the next header section.
      connection.send(ok)
    }
  })
  const pool = open(t, target.url)
  for (let index = 0; index < 3; index++) {
    const sent = post(pool)
    sent.handler.on('start', () => t.equal(pool.onFreshConnection, index === 0))
    await sent.ended
  }
  t.equal(target.connections, 1)
})

t.test('a request can have a connection of its own', async t => {
  const heads: string[] = []
  const target = await startRawTarget(t, async connection => {
    heads.push(await connection.head())
    await connection.seen('hello')
    connection.send(ok)
  })
  const pool = open(t, target.url)
  await post(pool).ended
  const sent = post(pool, {}, 'dispatchOnce')
  await sent.ended
  t.equal(sent.handler.body, 'ok')
  t.equal(target.connections, 2)
  t.match(heads[1], /\r\nConnection: close\r\n/i)
})

t.test('a connection is not used again when anything about it is doubtful', async t => {
  const closing = 'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok'
  const unasked = `${ok}HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\npoisoned`
  const bodyOf204 = 'HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nok'
  for (const answer of [closing, unasked, bodyOf204]) {
    const target = await startRawTarget(t, async connection => {
      await connection.seen('hello')
      connection.send(answer)
      await connection.closed()
    })
    const pool = open(t, target.url)
    for (const connections of [1, 2]) {
      const sent = post(pool)
      await sent.ended
      t.notMatch(sent.handler.body, 'poisoned')
      t.equal(target.connections, connections, answer)
    }
  }
})

t.test('what comes on an idle connection ends it', async t => {
  const said = Promise.withResolvers<void>()
  const target = await startRawTarget(t, async (connection, index) => {
    await connection.seen('hello')
    connection.send(ok)
    if (index > 0) return
    await said.promise
    connection.send('HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\npoisoned')
    await connection.closed()
    closed.resolve()
  })
  const closed = Promise.withResolvers<void>()
  const pool = open(t, target.url)
  await post(pool).ended
  said.resolve()
  await closed.promise
  const sent = post(pool)
  await sent.ended
  t.equal(sent.handler.body, 'ok')
  t.equal(target.connections, 2)
})

t.test('what goes wrong is told once, with a code', async t => {
  for (const [answer, code] of [
    ['', 'ECONNRESET'],
    ['SSH-2.0-OpenSSH_9.2\r\n', /^HPE_/],
    ['HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello', /^HPE_/],
    ['HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel', 'ECONNRESET'],
    ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel', 'ECONNRESET'],
    ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhel', /^HPE_/],
    ['HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n', /./]
  ] as const) {
    const target = await startRawTarget(t, async connection => {
      await connection.seen('hello')
      connection.send(answer).socket.end()
    })
    const sent = post(open(t, target.url))
    const error = (await sent.ended) as Error
    t.match(codeOf(error), code, answer)
    t.equal(sent.handler.ends, 1)
    t.equal(sent.body.destroyed, true)
  }
})

t.test('a reset where the end of the connection ends the body is no clean end', async t => {
  const target = await startRawTarget(t, async connection => {
    await connection.seen('hello')
    connection.send('HTTP/1.1 200 OK\r\n\r\npart')
    await received.promise
    connection.reset()
  })
  const received = Promise.withResolvers<void>()
  const sent = post(open(t, target.url))
  await once(sent.handler, 'data')
  received.resolve()
  t.match(await sent.ended, { code: 'ECONNRESET' })
})

t.test('time is limited: to connect, to answer, between two parts of the answer', async t => {
  const port = await startSilentListener(t)
  const connecting = post(open(t, `http://127.0.0.1:${port}`, 50))
  t.match(await connecting.ended, { code: 'UND_ERR_CONNECT_TIMEOUT' })

  const silent = await startRawTarget(t, () => undefined)
  t.match(await post(open(t, silent.url), { headersTimeout: 50 }).ended, { code: 'UND_ERR_HEADERS_TIMEOUT' })

  const slow = await startRawTarget(t, connection => void connection.send('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel'))
  t.match(await post(open(t, slow.url), { bodyTimeout: 50 }).ended, { code: 'UND_ERR_BODY_TIMEOUT' })
})

t.test('a refused connection is told', async t => {
  const target = await startRawTarget(t, () => undefined)
  await target.stop()
  const sent = post(open(t, target.url), { expectContinue: true })
  t.match(await sent.ended, { code: 'ECONNREFUSED' })
  t.equal(sent.body.asked, false)
})

t.test('an answer can be paused, for longer than the target may pause', async t => {
  const target = await startRawTarget(t, async connection => {
    await connection.seen('hello')
    connection.send('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\none')
    await paused.promise
    connection.send('two')
  })
  const paused = Promise.withResolvers<void>()
  const sent = post(open(t, target.url), { bodyTimeout: 100 })
  await once(sent.handler, 'data')
  sent.handler.controller!.pause()
  t.equal(sent.handler.controller!.paused, true)
  paused.resolve()
  // Due later than the limit under test.
  await new Promise(resolve => setTimeout(resolve, 250))
  t.equal(sent.handler.body, 'one')
  sent.handler.controller!.resume()
  await sent.ended
  t.equal(sent.handler.body, 'onetwo')
})

t.test('an aborted request ends its connection, whenever that is', async t => {
  const target = await startRawTarget(t, async connection => {
    await connection.head()
    arrived.resolve()
    await connection.closed()
    left.resolve()
  })
  const arrived = Promise.withResolvers<void>()
  const left = Promise.withResolvers<void>()
  const pool = open(t, target.url)
  const early = post(pool)
  early.handler.on('start', () => early.handler.controller!.abort(new Error('cancelled')))
  t.match(await early.ended, { message: 'cancelled' })

  const waiting = post(pool, { expectContinue: true })
  await arrived.promise
  waiting.handler.controller!.abort(new Error('cancelled'))
  t.match(await waiting.ended, { message: 'cancelled' })
  await left.promise
  t.equal(pool.running, 0)
  t.equal(waiting.body.asked, false)
})

t.test('a request that cannot be written is told', async t => {
  const target = await startRawTarget(t, () => undefined)
  const sent = post(open(t, target.url), { headers: ['host', 'a', 'x-bad', 'a\nb'] })
  t.match(await sent.ended, { code: 'ERR_INVALID_CHAR' })
})

t.test('what the handler throws ends the exchange, and is told to it', async t => {
  const target = await startRawTarget(t, async connection => {
    await connection.seen('hello')
    connection.send(ok)
    await connection.closed()
    left.resolve()
  })
  const left = Promise.withResolvers<void>()
  const pool = open(t, target.url)
  const sent = post(pool)
  sent.handler.on('status', () => {
    throw new Error('not to my taste')
  })
  t.match(await sent.ended, { message: 'not to my taste' })
  await left.promise
  t.match(sent.handler, { ends: 1, body: '' })
})

t.test('closing waits for the requests under way', async t => {
  const target = await startRawTarget(t, async connection => {
    await connection.seen('hello')
    arrived.resolve(connection)
  })
  const arrived = Promise.withResolvers<{ send(text: string): unknown }>()
  const pool = open(t, target.url)
  const sent = post(pool)
  const connection = await arrived.promise
  let isClosed = false
  const closed = pool.close().then(() => {
    isClosed = true
  })
  await new Promise(resolve => setImmediate(resolve))
  t.equal(isClosed, false)
  connection.send(ok)
  await sent.ended
  await closed
  t.equal(sent.handler.body, 'ok')
})
