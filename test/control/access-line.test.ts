import t from 'tap'
import { type AccessLine, toText } from '../../src/control/access-line.ts'
import { LineBuffer } from '../../src/control/line-buffer.ts'

const line: AccessLine = {
  request_id: 'id-1',
  client_ip: '2001:db8::1',
  method: 'GET',
  host: 'example.com:80',
  path: '/a',
  query: '?b',
  protocol: 'HTTP/1.1',
  status: 200,
  rule: 'r1',
  client: 'acme',
  service: 's1',
  target: 'http://10.0.0.7:8080',
  bytes_sent: 12,
  duration_ms: 1.2345,
  upstream_ms: 0.9994,
  attempts: 2,
  aborted: true,
  error: 'bad_gateway',
  upstream_error: 'ECONNRESET'
}

t.test('a line is JSON in the form of pino, with every field', async t => {
  const text = toText(line, 1_700_000_000_123)
  t.match(text, /^\{.*\}\n$/)
  t.same(JSON.parse(text), { level: 30, time: 1_700_000_000_123, ...line, duration_ms: 1.235, upstream_ms: 0.999, msg: 'request' })
})

t.test('what does not apply is left out', async t => {
  const { request_id, method, path, protocol, status, bytes_sent, duration_ms } = line
  const none = { client_ip: undefined, host: undefined, query: undefined, rule: undefined, service: undefined, target: undefined }
  const rest = { upstream_ms: undefined, attempts: undefined, aborted: undefined, error: undefined, upstream_error: undefined }
  const least = { request_id, method, path, protocol, status, bytes_sent, duration_ms }
  t.same(JSON.parse(toText({ ...least, ...none, ...rest }, 7)), { level: 30, time: 7, ...least, duration_ms: 1.235, msg: 'request' })
})

t.test('no request can forge a line or break one', async t => {
  for (const hostile of ['/"a\\b', '/\n{"level":30}', '/\x00\x1f\x7f', '/caf\xe9\u2028\ud800', '/"},{"']) {
    const text = toText({ ...line, path: hostile, query: hostile, host: hostile }, 1)
    t.equal(text.indexOf('\n'), text.length - 1)
    const { path, query, host } = JSON.parse(text)
    t.same([path, query, host], [hostile, hostile, hostile])
  }
})

t.test('durations have three decimals at any size', async t => {
  const written = (ms: number) => /"duration_ms":([^,]+)/.exec(toText({ ...line, duration_ms: ms }, 1))?.[1]
  t.equal(written(0), '0.000')
  t.equal(written(0.0004), '0.000')
  t.equal(written(0.05), '0.050')
  t.equal(written(12.3456), '12.346')
  t.equal(written(999.9996), '1000.000')
  t.equal(written(86_400_000.5), '86400000.500')
})

t.test('the lines of one turn are one write, in order', async t => {
  const written: string[] = []
  const buffer = new LineBuffer({ write: text => written.push(text) })
  buffer.write('a\n')
  buffer.write('b\n')
  t.same(written, [])
  await new Promise(resolve => setImmediate(resolve))
  t.same(written, ['a\nb\n'])
  buffer.write('c\n')
  buffer.flush()
  buffer.flush()
  await new Promise(resolve => setImmediate(resolve))
  t.same(written, ['a\nb\n', 'c\n'])
})
