/** What a write leaves behind that may not be meant: in its answer, and as a refusal. */
import t from 'tap'
import { startAdmin } from '../helpers/admin.ts'

const target = 'http://127.0.0.1:9'
const all = { id: 'all', priority: 1, target }
const api = { id: 'api', path: '/api', target }
const unreachable = {
  code: 'unreachable',
  rule: 'api',
  other: 'all',
  detail: "'api' gets no request: 'all' takes every request that it matches, by priority"
}

t.test('the answer to a write of a rule has warnings only when there are any', async t => {
  const { call } = await startAdmin(t)
  const first = await call('POST', '/forward-rules', all)
  t.notOk('warnings' in first.body)
  const created = await call('POST', '/forward-rules', api)
  t.strictSame([created.status, created.body.warnings], [201, [unreachable]])
  const read = await call('GET', '/forward-rules/api')
  t.notOk('warnings' in read.body)
  t.equal(read.headers.etag, created.headers.etag, 'they are no part of the item')
  t.notOk('warnings' in (await call('GET', '/forward-rules')).body.items[1])
  t.strictSame((await call('PUT', '/forward-rules/api', { path: '/api', target })).body.warnings, [unreachable])
  t.strictSame(
    (await call('PATCH', '/forward-rules/all', { description: 'x' })).body.warnings,
    [unreachable],
    'also for the rule that takes the requests'
  )
  t.notOk('warnings' in (await call('PATCH', '/forward-rules/api', { priority: 2 })).body)
})

t.test('warnings are not input', async t => {
  const { call } = await startAdmin(t)
  for (const [method, url] of [
    ['POST', '/forward-rules'],
    ['PUT', '/forward-rules/all']
  ] as const)
    t.match(await call(method, url, { ...all, warnings: [] }), { status: 400, body: { errors: [{ pointer: '/warnings' }] } })
})

t.test('a commit, a sync and a restore always have the list', async t => {
  const { call } = await startAdmin(t)
  const put = (item: object) => ({ op: 'put', kind: 'forward_rule', item })
  const service = { op: 'put', kind: 'service', item: { id: 's' } }
  t.strictSame((await call('POST', '/commits', { changes: [put(all), service] })).body.warnings, [])
  t.strictSame((await call('POST', '/commits?dry_run=true', { changes: [put(api)] })).body.warnings, [unreachable])
  t.strictSame((await call('PUT', '/config', { forward_rules: [all, api] })).body.warnings, [unreachable])
  t.strictSame((await call('PUT', '/config', { forward_rules: [all, api] })).body.warnings, [], 'nothing was written')
  t.strictSame((await call('POST', '/revisions/1/restore')).body.warnings, [])
})

t.test('strict refuses a write with warnings and says which', async t => {
  const { call, live } = await startAdmin(t)
  await call('POST', '/forward-rules?strict=true', all)
  const detail = `unreachable: ${unreachable.detail}`
  const cases: [method: string, url: string, body: unknown, pointer: string][] = [
    ['POST', '/forward-rules?strict=true', api, ''],
    ['PUT', '/forward-rules/api?strict=true&dry_run=true', api, ''],
    ['POST', '/commits?strict=true', { changes: [{ op: 'put', kind: 'forward_rule', item: api }] }, '/changes/0/item'],
    ['PUT', '/config?strict', { forward_rules: [all, api] }, '/forward_rules/1']
  ]
  for (const [method, url, sent, pointer] of cases) {
    const { status, body } = await call(method, url, sent)
    t.equal(status, 409, url)
    t.match(body, { code: 'strict_warnings', detail: `The write would leave a warning: ${detail}`, errors: [{ pointer, detail }] })
  }
  t.equal(live.state?.revision, 1)
  await call('POST', '/forward-rules', api)
  const taking = await call('PATCH', '/forward-rules/all?strict=true', { labels: { a: 'b' } })
  t.match(taking, { status: 409, body: { errors: [{ pointer: '', detail }] } }, 'the rule that was written is pointed at')
})

t.test('a deletion that leaves a group of weight 0 is refused when it is strict', async t => {
  const { call } = await startAdmin(t)
  await call('PUT', '/config', {
    forward_rules: [
      { ...api, weight: 0 },
      { ...api, id: 'api-2', weight: 5 }
    ]
  })
  const refused = await call('DELETE', '/forward-rules/api-2?strict=true')
  t.match(refused, { status: 409, body: { code: 'strict_warnings', errors: [{ pointer: '/forward_rules/api', detail: /^drained/ }] } })
  t.equal((await call('DELETE', '/forward-rules/api-2')).status, 204)
})

t.test('an overlap comes with a request that shows it', async t => {
  const { call } = await startAdmin(t)
  await call('POST', '/forward-rules', { id: 'numbers', path: '^/users/\\d+$', path_type: 'regex', target })
  const { body } = await call('POST', '/forward-rules', { id: 'hex', path: '^/users/[0-9a-f]+$', path_type: 'regex', target })
  t.match(body.warnings, [{ code: 'overlap', rule: 'hex', other: 'numbers', detail: /GET http:\/\/any\.example\/users\/0/ }])
  const { body: explained } = await call('POST', '/explain', { url: 'http://any.example/users/0' })
  t.match(explained, { rule: 'numbers', won_by: 'age', runners_up: [{ rule: 'hex' }] })
})
