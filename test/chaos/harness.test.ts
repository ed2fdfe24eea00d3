/** What the faults are judged with: a judge that lets everything pass would make every row of the table green. */
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { Redis } from 'ioredis'
import t from 'tap'
import { Bars, type Finding } from '../../chaos/harness/finding.ts'
import { parseOptions } from '../../chaos/harness/options.ts'
import { toTable, withReport } from '../../chaos/harness/report.ts'
import { isPublished, messageEnd } from '../../chaos/harness/resp.ts'
import { Versions } from '../../chaos/harness/versions.ts'
import { startWire } from '../../chaos/harness/wire.ts'
import { startRedis } from '../helpers/redis.ts'

const targets = ['even', 'odd'].map(name => ({ name, url: `http://${name}` }))
const answer = (version: number, target: string) => ({
  status: 200,
  headers: { 'x-target': target },
  body: JSON.stringify({ headers: { 'x-version': String(version) } })
})

t.test('the judge refuses answers that no valid version explains', async t => {
  const versions = new Versions(targets)
  versions.next()
  versions.next()
  t.equal(versions.judge('a', answer(2, 'even'), 0), undefined)
  t.equal(versions.judge('a', answer(2, 'odd'), 0), 'wrong target')
  t.equal(versions.judge('a', answer(3, 'odd'), 0), 'a version that nobody wrote')
  t.equal(versions.judge('a', answer(1, 'odd'), versions.mark('a')), 'went back to an older version')
  t.equal(versions.judge('b', answer(1, 'odd'), versions.mark('b')), undefined, 'another instance may be behind')
  t.equal(versions.judge('a', { status: 404, headers: {}, body: '' }, 0), 'status 404')
  versions.confirm('b', 2)
  t.equal(versions.judge('b', answer(1, 'odd'), versions.mark('b')), 'went back to an older version', 'not behind what it answered itself')
})

t.test('messages of Redis are cut where they end, however they arrive', async t => {
  const messages = [
    '+OK\r\n',
    ':7\r\n',
    '$-1\r\n',
    '$4\r\na\r\nb\r\n',
    '*2\r\n$1\r\na\r\n*0\r\n',
    '%1\r\n+k\r\n,1.5\r\n',
    '_\r\n',
    '>3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$2\r\nhi\r\n'
  ]
  for (const message of messages) {
    const bytes = Buffer.from(message)
    t.equal(messageEnd(Buffer.concat([bytes, bytes])), bytes.length, JSON.stringify(message))
    for (let length = 1; length < bytes.length; length++) t.equal(messageEnd(bytes.subarray(0, length)), undefined)
  }
  t.throws(() => messageEnd(Buffer.from('HTTP/1.1 200\r\n')), /begins with 'H'/)
  t.same(
    messages.filter(message => isPublished(Buffer.from(message))),
    messages.slice(-1)
  )
})

t.test('a wire loses the notices it is told to, and nothing else', async t => {
  const redis = await startRedis(t)
  const wire = await startWire(t, redis.port)
  const [listener, publisher] = [new Redis(wire.url), new Redis(wire.url)]
  t.teardown(() => [listener, publisher].map(client => client.disconnect()))
  await listener.subscribe('c')
  const heard: string[] = []
  listener.on('message', (_channel, text) => heard.push(text))
  const send = async (from: number, to: number) => {
    for (let at = from; at < to; at++) await publisher.publish('c', String(at))
    await listener.ping()
  }
  wire.dropNotices(0.5)
  await send(0, 10)
  t.equal(heard.length, 5)
  wire.dropNotices(1)
  await send(10, 20)
  t.equal(heard.length, 5)
  t.equal(wire.dropped, 15)
  wire.dropNotices(0)
  await send(20, 30)
  t.equal(heard.length, 15)
})

t.test('a wire that is slow delays every answer and keeps their order', async t => {
  const server = createServer(socket => socket.on('data', chunk => socket.write(`+${chunk}\r\n`)))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const wire = await startWire(t, (server.address() as { port: number }).port)
  const { connect } = await import('node:net')
  const socket: Socket = connect(Number(new URL(wire.url).port), '127.0.0.1')
  t.teardown(() => socket.destroy())
  wire.delay(50)
  const begin = performance.now()
  socket.write('first')
  await new Promise(resolve => setTimeout(resolve, 20))
  wire.delay(0)
  socket.write('second')
  let text = ''
  while (!text.includes('second')) text += String(await once(socket, 'data'))
  t.equal(text, '+first\r\n+second\r\n')
  t.ok(performance.now() - begin >= 49)
})

t.test('a promise that did not hold is in the table, with what was found', async t => {
  const bars = new Bars()
  bars.that('kept', true)
  bars.that('current within 1 s', false, '3.00 s')
  t.same(bars.broken, ['current within 1 s (found: 3.00 s)'])
  const finding: Finding = {
    requests: 1200,
    failed: { ECONNRESET: 2, 'status 502': 1 },
    currentMs: 3000,
    health: 'UP',
    measured: ['x | y'],
    broken: bars.broken
  }
  t.equal(
    toTable([{ fault: { title: 'T', meaning: '' }, finding }]).split('\n')[2],
    '| T | 1,200 | 3 | 3.00 s | UP | x \\| y; **did not hold: current within 1 s (found: 3.00 s)** |'
  )
})

t.test('the report goes between the markers, and replaces the one before', async t => {
  const document = 'a\n<!-- chaos:begin -->\nold\n<!-- chaos:end -->\nz\n'
  t.equal(withReport(document, 'new'), 'a\n<!-- chaos:begin -->\nnew\n<!-- chaos:end -->\nz\n')
  t.throws(() => withReport('nothing', 'new'), /lacks/)
})

t.test('only a run of everything at full length is written down', async t => {
  t.match(parseOptions([]), { isWhole: true, pace: { outageMs: 60_000, stormMs: 30_000 } })
  t.match(parseOptions(['--short']), { isWhole: false, pace: { outageMs: 2_000 } })
  t.match(parseOptions(['--only', 'redis', '--outage', '5']), { isWhole: false, only: /redis/, pace: { outageMs: 5_000 } })
  t.throws(() => parseOptions(['--outage', 'long']), /takes seconds/)
  t.throws(() => parseOptions(['--shrot']))
})
