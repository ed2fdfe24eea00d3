/** The channel on which instances tell each other of the health of targets, against a real redis-server. */
import { EventEmitter, on, once } from 'node:events'
import { Redis } from 'ioredis'
import t, { type Test } from 'tap'
import type { FleetMessage } from '../../src/core/fleet-health.ts'
import type { StoreState } from '../../src/core/store.ts'
import { readMessage, writeMessage } from '../../src/stores/fleet-message.ts'
import { createRedisHealth } from '../../src/stores/redis-health.ts'
import { startRedis } from '../helpers/redis.ts'
import { startTcpProxy } from '../helpers/tcp-proxy.ts'

const server = await startRedis(t)

const message: FleetMessage = {
  isLeaving: false,
  ejections: [{ service: 's', target: 'http://a', remainingMs: 1_200 }],
  probes: [
    { key: 'k1', n: 3, isOk: true, ageMs: 12, status: 200, tookMs: 1.5, error: undefined },
    { key: 'k2', n: 4, isOk: false, ageMs: 0, status: undefined, tookMs: 3, error: 'connect ECONNREFUSED' }
  ]
}

/** A link and all that it has told; `first` resolves with the first thing of a kind, past or to come. */
function open(t: Test, instance: string, { port = server.port, namespace = 'ns' } = {}) {
  const told: { readonly what: 'up' | 'down' | 'message'; readonly from?: string; readonly message?: FleetMessage }[] = []
  const states: StoreState[] = []
  const events = new EventEmitter()
  const tell = (entry: (typeof told)[number]) => {
    told.push(entry)
    events.emit('told')
  }
  const url = `redis://127.0.0.1:${port}`
  const link = createRedisHealth({ url, namespace, instance, onState: state => void states.push(state) })
  link.open({
    onUp: () => tell({ what: 'up' }),
    onDown: () => tell({ what: 'down' }),
    onMessage: (from, message) => tell({ what: 'message', from, message })
  })
  t.teardown(() => link.close())
  const until = async (test: (entry: (typeof told)[number]) => boolean) => {
    while (!told.some(test)) await once(events, 'told')
    return told.find(test)!
  }
  return { link, told, states, until }
}

t.test('what one sends all hear, itself too, and nobody of another namespace', async t => {
  const [one, other, stranger] = [open(t, 'one'), open(t, 'other'), open(t, 'one', { namespace: 'strange' })]
  for (const { until } of [one, other, stranger]) await until(({ what }) => what === 'up')
  one.link.send(message)
  stranger.link.send(message)
  for (const { until } of [one, other, stranger]) await until(({ what }) => what === 'message')
  t.strictSame((await other.until(({ what }) => what === 'message')).message, message)
  t.match(one.link.self, /^one#[0-9a-f]{12}$/)
  for (const { told } of [one, other])
    t.same(
      told.flatMap(({ from }) => from ?? []),
      [one.link.self]
    )
  t.same(
    stranger.told.flatMap(({ from }) => from ?? []),
    [stranger.link.self]
  )
})

t.test('a lost connection is told once, and its return', async t => {
  const proxy = await startTcpProxy(t, server.port)
  const { until, told, states, link } = open(t, 'one', { port: proxy.port })
  await until(({ what }) => what === 'up')
  link.send(message)
  await until(({ what }) => what === 'message')
  proxy.shut()
  await until(({ what }) => what === 'down')
  link.send(message)
  proxy.open()
  told.splice(0)
  await until(({ what }) => what === 'up')
  t.same(
    states.map(({ up }) => up),
    [true, false, true]
  )
  t.match(states[1]!.reason, /127\.0\.0\.1/)
})

t.test('a server that falls silent is a lost one, within five seconds', async t => {
  const proxy = await startTcpProxy(t, server.port)
  const { until } = open(t, 'one', { port: proxy.port })
  await until(({ what }) => what === 'up')
  const beganMs = performance.now()
  proxy.silence()
  await until(({ what }) => what === 'down')
  t.ok(performance.now() - beganMs < 5_000)
})

t.test('who may not publish judges alone, and says why', async t => {
  const admin = new Redis(server.url)
  t.teardown(() => admin.disconnect())
  await admin.call('ACL', 'SETUSER', 'deaf', 'on', '>secret', '+@all', '-publish', 'allkeys', 'allchannels')
  const states: StoreState[] = []
  const url = `redis://deaf:secret@127.0.0.1:${server.port}`
  const events = new EventEmitter()
  const onState = (state: StoreState) => {
    states.push(state)
    events.emit('state')
  }
  const link = createRedisHealth({ url, namespace: 'ns', instance: 'deaf', onState })
  t.teardown(() => link.close())
  link.open({ onUp: () => link.send(message), onDown: () => undefined, onMessage: () => t.fail('nothing is heard') })
  for await (const _ of on(events, 'state')) if (states.length === 2) break
  t.match(states, [{ up: true }, { up: false, reason: /NOPERM/ }])
  t.notMatch(states[1]!.reason, /secret/)
})

t.test('what is no message is not read', async t => {
  const text = writeMessage('a#1', message)
  t.strictSame(readMessage(text), { from: 'a#1', message })
  const with_ = (change: Record<string, unknown>) => JSON.stringify({ ...JSON.parse(text), ...change })
  const bad = [
    '',
    'x',
    'null',
    '[]',
    '"a"',
    with_({ v: 2 }),
    with_({ from: 1 }),
    with_({ leaving: null }),
    with_({ ejections: {} }),
    with_({ ejections: [['s', 'http://a', -1]] }),
    with_({ ejections: [['s', 'http://a', '1']] }),
    with_({ ejections: [null] }),
    with_({ probes: [['k', 1.5, true, 0, 0, null, null]] }),
    with_({ probes: [['k', 1, 'true', 0, 0, null, null]] }),
    with_({ probes: 1 })
  ]
  for (const one of bad) t.equal(readMessage(one), undefined, one.slice(0, 80))
  const long = writeMessage('a#1', { ...message, probes: [{ ...message.probes[1]!, error: 'x'.repeat(10_000) }] })
  t.ok(long.length < 1_000, 'words are cut')
})
