/** Conditional requests on items: If-Match, If-None-Match. */
import t from 'tap'
import { startAdmin } from '../helpers/admin.ts'

const rule = { path: '/api', target: 'http://127.0.0.1:9' }
const url = '/forward-rules/r1'

t.test('If-Match lets a write through only while the item is what the client saw', async t => {
  const { call } = await startAdmin(t)
  const first = await call('PUT', url, rule)
  const second = await call('PUT', url, { ...rule, priority: 1 }, { 'if-match': `"other", ${first.headers.etag}` })
  t.equal(second.status, 200)
  t.not(second.headers.etag, first.headers.etag)
  for (const [method, body] of [['PUT', rule], ['PATCH', { priority: 2 }], ['DELETE']] as const) {
    const late = await call(method, url, body, { 'if-match': first.headers.etag! })
    t.match(late, { status: 412, body: { code: 'precondition_failed' } }, method)
    const weak = await call(method, url, body, { 'if-match': `W/${second.headers.etag}` })
    t.equal(weak.status, 412, `${method} with a weak tag`)
  }
  t.equal((await call('GET', url)).headers.etag, second.headers.etag, 'nothing was written')
  t.equal((await call('DELETE', url, undefined, { 'if-match': '*' })).status, 204)
})

t.test('If-Match on what is not there is 412', async t => {
  const { call } = await startAdmin(t)
  for (const [method, body] of [['PUT', rule], ['PATCH', {}], ['DELETE']] as const)
    t.equal((await call(method, url, body, { 'if-match': '*' })).status, 412, method)
  t.equal((await call('GET', url)).status, 404)
})

t.test('If-None-Match: * only creates', async t => {
  const { call } = await startAdmin(t)
  t.equal((await call('PUT', url, rule, { 'if-none-match': '*' })).status, 201)
  const again = await call('PUT', url, { ...rule, priority: 9 }, { 'if-none-match': '*' })
  t.match(again, { status: 412, body: { code: 'precondition_failed' } })
  t.equal((await call('GET', url)).body.priority, 0)
})

t.test('GET with If-None-Match answers 304 while the item is the same', async t => {
  const { call } = await startAdmin(t)
  const { headers } = await call('PUT', url, rule)
  for (const value of [headers.etag!, `W/${headers.etag}`, '*']) {
    const answer = await call('GET', url, undefined, { 'if-none-match': value })
    t.strictSame([answer.status, answer.body, answer.headers.etag], [304, '', headers.etag], value)
  }
  await call('PATCH', url, { priority: 1 })
  t.equal((await call('GET', url, undefined, { 'if-none-match': headers.etag! })).status, 200)
})

t.test('an entity tag is the same after the item went and came back', async t => {
  const { call } = await startAdmin(t)
  const first = await call('PUT', url, { ...rule, methods: ['GET'] })
  await call('DELETE', url)
  const second = await call('PUT', url, { target: rule.target, method: 'get', path: rule.path })
  t.equal(second.headers.etag, first.headers.etag)
})

t.test('a malformed condition is 400 and writes nothing', async t => {
  const { call } = await startAdmin(t)
  const { status, body } = await call('PUT', url, rule, { 'if-match': 'no-quotes' })
  t.match({ status, body }, { status: 400, body: { code: 'bad_request', detail: /^If-Match/ } })
  t.equal((await call('GET', url)).status, 404)
})

t.test('of 50 writers at once that saw the same item, exactly one wins each round', async t => {
  const { call } = await startAdmin(t)
  let { headers } = await call('PUT', url, rule)
  for (let round = 1; round <= 3; round++) {
    const etag = headers.etag!
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, writer) => call('PUT', url, { ...rule, priority: round * 100 + writer }, { 'if-match': etag }))
    )
    const winners = answers.filter(({ status }) => status === 200)
    t.equal(winners.length, 1, `round ${round}`)
    t.equal(answers.filter(({ status }) => status === 412).length, 49)
    const now = await call('GET', url)
    t.strictSame(now.body, winners[0]!.body, 'what the winner was told is what is there')
    headers = now.headers
  }
})
