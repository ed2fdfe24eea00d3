import { once } from 'node:events'
import { connect } from 'node:net'
import t from 'tap'
import { type Admin, type AdminOptions, startAdmin } from '../helpers/admin.ts'

const rule = { path: '/api', target: 'http://127.0.0.1:9' }

/** The admin app on a port: an answer that never ends cannot be injected. */
async function listen(t: { teardown(f: () => unknown): void }, options?: AdminOptions): Promise<Admin & { readonly url: string }> {
  const admin = await startAdmin(t, options)
  return { ...admin, url: await admin.app.listen({ host: '127.0.0.1', port: 0 }) }
}

/** Reads until `pattern` is there. */
async function readUntil(response: Response, pattern: RegExp): Promise<string> {
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  while (!pattern.test(text)) {
    const { done, value } = await reader.read()
    if (done) break
    text += value
  }
  await reader.cancel()
  return text
}

t.test('events are an event stream that nobody stores or buffers', async t => {
  const { url, call } = await listen(t)
  const response = await fetch(`${url}/events`)
  t.equal(response.status, 200)
  const expected = {
    'content-type': 'text/event-stream',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
    'sluice-revision': '0',
    'x-content-type-options': 'nosniff'
  }
  for (const [name, value] of Object.entries(expected)) t.equal(response.headers.get(name), value, name)
  t.ok(response.headers.get('x-request-id'))
  await call('PUT', '/forward-rules/r', rule)
  t.match(await readUntil(response, /data:/), /event: commit\nid: 1\ndata: \{"revision":1,.*"by":"anonymous".*\}\n\n$/)
})

t.test('Last-Event-ID is told what was missed', async t => {
  const { url, call } = await listen(t)
  for (const id of ['a', 'b', 'c']) await call('PUT', `/services/${id}`, {})
  const response = await fetch(`${url}/events`, { headers: { 'last-event-id': '1' } })
  t.same((await readUntil(response, /^id: 3\ndata: .*\n\n/m)).match(/^id: \d+$/gm), ['id: 2', 'id: 3'])
  const stranger = await fetch(`${url}/events`, { headers: { 'last-event-id': 'x' } })
  t.match(await readUntil(stranger, /data: .*\n\n/), 'event: resync\nid: 3\n')
})

t.test('a viewer may follow events, nobody may without a token', async t => {
  const { url } = await listen(t, { tokens: [{ name: 'grafana', role: 'viewer', token: 'view' }] })
  t.equal((await fetch(`${url}/events`)).status, 401)
  const response = await fetch(`${url}/events`, { headers: { authorization: 'Bearer view' } })
  t.equal(response.status, 200)
  await response.body!.cancel()
})

t.test('there is no HEAD: it would wait for ever', async t => {
  const { call } = await startAdmin(t)
  t.equal((await call('HEAD', '/events')).status, 404)
})

t.test('a reader that leaves is forgotten', async t => {
  const { url, feed } = await listen(t)
  const response = await fetch(`${url}/events`)
  t.equal(feed.readers, 1)
  await response.body!.cancel()
  const begin = performance.now()
  while (feed.readers > 0 && performance.now() - begin < 5000) await new Promise(resolve => setTimeout(resolve, 1))
  t.equal(feed.readers, 0)
})

t.test('the app closes at once although readers listen, also one that does not read', async t => {
  const { app, url, feed } = await listen(t)
  const response = await fetch(`${url}/events`)
  const stuck = connect(Number(new URL(url).port), '127.0.0.1').pause()
  t.teardown(() => stuck.destroy())
  stuck.write('GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n')
  const begin = performance.now()
  while (feed.readers < 2 && performance.now() - begin < 5000) await new Promise(resolve => setTimeout(resolve, 1))
  for (let at = 0; at < 50; at++) feed.publish({ event: 'test', data: { text: 'x'.repeat(10_000) } })
  const text = response.text()
  const gone = once(stuck, 'close')
  stuck.on('error', () => {})
  await app.close()
  t.ok(performance.now() - begin < 4000)
  t.match(await text, /event: test/)
  stuck.resume()
  await gone
})
