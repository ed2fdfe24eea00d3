/** What the live state of a target hears of each request, over real sockets: one beginning and one end, however it ends. */
import { EventEmitter, once } from 'node:events'
import t from 'tap'
import type { FlightEnd } from '../../src/core/flight.ts'
import type { ServiceStates } from '../../src/upstream/services.ts'
import { type FollowedConfig, ServicesHealth } from '../../src/upstream/services-health.ts'
import type { Teardown } from '../helpers/gateway.ts'
import { startProxy, toSnapshot } from '../helpers/proxy-app.ts'
import { startRawTarget, type TargetConnection } from '../helpers/target.ts'

const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'

/** Hands out the services of a gateway. */
class Window extends ServicesHealth {
  services: ServiceStates | undefined
  override start(services: ServiceStates, config: FollowedConfig): void {
    this.services = services
    super.start(services, config)
  }
}

/** A gateway with one service of one target that follows `script`, and what is heard of its requests. */
async function start(t: Teardown, script: (connection: TargetConnection, index: number) => unknown, rule: Record<string, unknown> = {}) {
  const target = await startRawTarget(t, script)
  const health = new Window()
  const items = { services: [{ id: 's', targets: [{ url: target.url }] }], rules: [{ id: 'r', target_service: 's', ...rule }] }
  const proxy = await startProxy(t, items, { health })
  const state = health.services!.get(toSnapshot(items).service('s')!)
  const events = new EventEmitter()
  const ends: FlightEnd[] = []
  let began = 0
  state.observe({
    began: () => {
      began++
      events.emit('began')
    },
    ended: (_target, end) => {
      ends.push(end)
      events.emit('ended')
    }
  })
  const ended = async (count: number): Promise<readonly FlightEnd[]> => {
    while (ends.length < count) await once(events, 'ended')
    return ends
  }
  return { proxy, target, ended, ends, began: () => began, inFlight: () => state.candidates[0]!.state.inFlight }
}

type Started = Awaited<ReturnType<typeof start>>

/** `count` requests have begun and ended, the last one so; nothing is left in flight. */
async function expectEnd(t: Tap, { ended, began, inFlight }: Started, count: number, expected: Partial<FlightEnd>): Promise<void> {
  const ends = await ended(count)
  t.match(ends.at(-1), expected)
  t.strictSame([ends.length, began(), inFlight()], [count, count, 0])
}

type Tap = Pick<typeof t, 'match' | 'strictSame'>

for (const [path, rule] of [
  ['plain', {}],
  ['with retries', { retry: { attempts: 1, on: ['504'], backoff_ms: 0 } }]
] as const) {
  t.test(`${path}: a whole answer`, async t => {
    const started = await start(
      t,
      async connection => {
        await connection.head()
        connection.send(ok)
      },
      rule
    )
    const { status } = await (await started.proxy.connect()).request('GET /')
    t.equal(status, 200)
    await expectEnd(t, started, 1, { status: 200, failure: undefined })
    const [end] = started.ends
    t.ok(end!.headMs! > 0 && end!.headMs! <= end!.totalMs)
  })

  t.test(`${path}: an answer that breaks off`, async t => {
    const started = await start(
      t,
      async connection => {
        await connection.head()
        connection.send('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc')
        connection.socket.end()
      },
      rule
    )
    const client = await started.proxy.connect()
    client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    await client.closed()
    await expectEnd(t, started, 1, { status: 200, failure: 'reset' })
  })

  t.test(`${path}: a connection that is reset, and one that is refused`, async t => {
    const started = await start(
      t,
      async connection => {
        await connection.head()
        connection.reset()
      },
      rule
    )
    const client = await started.proxy.connect()
    t.equal((await client.request('POST /', ['Content-Length: 2'], 'ab')).status, 502)
    await expectEnd(t, started, 1, { status: undefined, failure: 'reset', headMs: undefined })
    await started.target.stop()
    t.equal((await client.request('GET /')).status, 502)
    await expectEnd(t, started, 2, { status: undefined, failure: 'connect_error', headMs: undefined })
  })

  t.test(`${path}: a target that says nothing, and one that takes longer than the exchange may`, async t => {
    for (const timeout_ms of [{ read: 200 }, { total: 200 }]) {
      const started = await start(t, connection => connection.head(), { ...rule, timeout_ms })
      t.equal((await (await started.proxy.connect()).request('GET /')).status, 504)
      await expectEnd(t, started, 1, { status: undefined, failure: 'timeout' })
    }
  })

  t.test(`${path}: a client that leaves, before and after the head of the answer`, async t => {
    for (const answer of ['', 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc']) {
      const asked = new EventEmitter()
      const started = await start(
        t,
        async connection => {
          await connection.head()
          if (answer !== '') connection.send(answer)
          asked.emit('asked')
          await connection.closed()
        },
        rule
      )
      const client = await started.proxy.connect()
      const isAsked = once(asked, 'asked')
      client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
      await isAsked
      if (answer !== '') await client.seen('abc')
      t.equal(started.inFlight(), 1)
      client.socket.destroy()
      await expectEnd(t, started, 1, { status: answer === '' ? undefined : 200, failure: 'cancelled' })
    }
  })
}

t.test('each attempt is one of its own', async t => {
  const started = await start(
    t,
    async (connection, index) => {
      await connection.head()
      connection.send(index === 0 ? 'HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n' : ok)
    },
    { retry: { attempts: 1, backoff_ms: 0 } }
  )
  t.equal((await (await started.proxy.connect()).request('GET /')).status, 200)
  await expectEnd(t, started, 2, { status: 200, failure: undefined })
  t.match(started.ends[0], { status: 503, failure: undefined })
})

t.test('an idle connection that the target closed is no failure of the target', async t => {
  const started = await start(t, async (connection, index) => {
    await connection.head()
    connection.send(ok)
    if (index > 0) return
    await connection.head()
    connection.reset()
  })
  const client = await started.proxy.connect()
  t.equal((await client.request('GET /')).status, 200)
  t.equal((await client.request('GET /')).status, 200)
  await expectEnd(t, started, 2, { status: 200, failure: undefined })
})
