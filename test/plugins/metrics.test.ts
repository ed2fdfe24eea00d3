/** Every request is counted once, however it ends. */
import t from 'tap'
import { ruleTo, startProxy, toSnapshot } from '../helpers/proxy-app.ts'
import { startRawTarget, startTarget } from '../helpers/target.ts'

type App = Awaited<ReturnType<typeof startProxy>>

async function samplesOf({ metrics }: App, name: string): Promise<string[]> {
  const text = await metrics.registry.metrics()
  return text.split('\n').filter(line => line.startsWith(name))
}

t.test('requests are counted by rule and status, and timed', async t => {
  const target = await startTarget(t, (request, response) => {
    response.statusCode = request.url === '/teapot' ? 418 : 200
    response.end()
  })
  const proxy = await startProxy(t, ruleTo(target.url))
  const client = await proxy.connect()
  for (const path of ['/', '/', '/teapot', '/a%2fb']) {
    const line = proxy.nextLine()
    await client.request(`GET ${path}`)
    await line
  }
  t.same((await samplesOf(proxy, 'sluice_http_requests_total')).sort(), [
    'sluice_http_requests_total{rule="",code="400"} 1',
    'sluice_http_requests_total{rule="r1",code="200"} 2',
    'sluice_http_requests_total{rule="r1",code="418"} 1'
  ])
  const durations = await samplesOf(proxy, 'sluice_http_request_duration_seconds')
  t.ok(durations.includes('sluice_http_request_duration_seconds_count{rule="r1"} 3'), durations.join('\n'))
  t.ok(durations.includes('sluice_http_request_duration_seconds_bucket{le="+Inf",rule="r1"} 3'))
  t.same(await samplesOf(proxy, 'sluice_http_requests_in_flight'), ['sluice_http_requests_in_flight 0'])
})

t.test('a request under way is in flight, one that the client left is 499, one that the target broke keeps its status', async t => {
  const target = await startTarget(t, () => undefined)
  const broken = await startRawTarget(t, async connection => {
    await connection.head()
    connection.send('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart')
    await seen.promise
    connection.reset()
  })
  const seen = Promise.withResolvers<void>()
  const rules = [
    { id: 'held', path: '/held', target: target.url },
    { id: 'broken', path: '/broken', target: broken.url }
  ]
  const proxy = await startProxy(t, { rules })
  const client = await proxy.connect()
  const arrived = target.next()
  client.send('GET /held HTTP/1.1\r\nHost: a\r\n\r\n')
  await arrived
  t.same(await samplesOf(proxy, 'sluice_http_requests_in_flight'), ['sluice_http_requests_in_flight 1'])
  let line = proxy.nextLine()
  client.socket.destroy()
  await line
  line = proxy.nextLine()
  const other = await proxy.connect()
  other.send('GET /broken HTTP/1.1\r\nHost: a\r\n\r\n')
  await other.seen('part')
  seen.resolve()
  await line
  const counted = await samplesOf(proxy, 'sluice_http_requests_total')
  t.same(counted.sort(), ['sluice_http_requests_total{rule="broken",code="200"} 1', 'sluice_http_requests_total{rule="held",code="499"} 1'])
  t.same(await samplesOf(proxy, 'sluice_http_requests_in_flight'), ['sluice_http_requests_in_flight 0'])
})

t.test('the series of a rule that is gone go, even when its last request ends later', async t => {
  const target = await startTarget(t, () => undefined)
  const proxy = await startProxy(t, ruleTo(target.url))
  const client = await proxy.connect()
  const arrived = target.next()
  client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  const { response } = await arrived
  proxy.live.snapshot = toSnapshot({ rules: [] })
  proxy.metrics.forgetRule('r1')
  const line = proxy.nextLine()
  response.end()
  await line
  t.equal((await samplesOf(proxy, 'sluice_http_requests_total{')).length, 1, 'it is counted all the same')
  proxy.metrics.retainRules(rule => proxy.live.snapshot!.rule(rule) !== undefined)
  t.same(await samplesOf(proxy, 'sluice_http_requests_total{'), [])
  t.same(await samplesOf(proxy, 'sluice_http_request_duration_seconds_'), [])
})
