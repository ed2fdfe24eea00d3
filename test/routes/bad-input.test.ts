/** Bad input of every sort is a 4xx problem that says where; nothing is written. */
import t from 'tap'
import { startAdmin } from '../helpers/admin.ts'

const target = 'http://127.0.0.1:9'

t.test('a rule that cannot be is refused with a pointer to each fault', async t => {
  const { call, live } = await startAdmin(t)
  const cases: [name: string, body: unknown, status: number, code: string, pointers: string[]][] = [
    ['an unknown field', { path: '/a', target, wieght: 5 }, 400, 'validation_failed', ['/wieght']],
    ['a wrong type', { path: '/a', target, priority: '5' }, 400, 'validation_failed', ['/priority']],
    ['a bad URL', { path: '/a', target: 'http://' }, 400, 'validation_failed', ['/target']],
    ['another scheme', { path: '/a', target: 'ftp://x' }, 400, 'validation_failed', ['/target']],
    ['a bad CIDR', { path: '/a', target, source_ip: ['10.0.0.0/8', '10.0.0.0/33'] }, 400, 'validation_failed', ['/source_ip/1']],
    ['an unsafe regex', { path: '(?=x)', path_type: 'regex', target }, 422, 'unsafe_regex', ['/path']],
    ['target and target_service', { path: '/a', target, target_service: 's' }, 400, 'validation_failed', ['/target_service', '/target']],
    ['nothing to do', { path: '/a' }, 400, 'validation_failed', ['']],
    ['an unknown service', { path: '/a', target_service: 's' }, 422, 'unknown_service', ['/target_service']],
    ['an unknown mirror', { path: '/a', target, mirror: { target_service: 's' } }, 422, 'unknown_service', ['/mirror/target_service']],
    ['a mirror of nothing', { path: '/a', respond: {}, mirror: { target_service: 's' } }, 400, 'validation_failed', ['/mirror']],
    ['more than all', { target, mirror: { target_service: 's', percent: 101 } }, 400, 'validation_failed', ['/mirror/percent']],
    ['too many attempts', { target, retry: { attempts: 11 } }, 400, 'validation_failed', ['/retry/attempts']],
    ['retries of what is no failure', { target, retry: { on: ['reset', '404'] } }, 400, 'validation_failed', ['/retry/on/1']],
    ['the same match without weights', { path: '/taken', target }, 409, 'rule_conflict', ['/weight']],
    ['several faults', { wieght: 5, priority: 'x', labels: { a: 1 } }, 400, 'validation_failed', ['/wieght', '/priority', '/labels/a']],
    ['an id that is none', { id: 'a b', target }, 400, 'validation_failed', ['/id']],
    ['an id that is no text', { id: 7, target }, 400, 'validation_failed', ['/id']],
    [
      'a line break in a header',
      { target, request_headers: { set: { a: 'b\r\nc: d' } } },
      400,
      'validation_failed',
      ['/request_headers/set/a']
    ],
    ['a list', [], 400, 'validation_failed', ['']],
    ['a text', '"x"', 400, 'validation_failed', ['']],
    ['null', 'null', 400, 'invalid_body', ['']]
  ]
  await call('POST', '/forward-rules', { id: 'taken', path: '/taken', target })
  for (const [name, body, status, code, pointers] of cases) {
    const answer = await call('POST', '/forward-rules', body)
    t.match(answer, { status, body: { code, status }, headers: { 'content-type': /^application\/problem\+json/ } }, name)
    t.strictSame(
      answer.body.errors.map(({ pointer }: { pointer: string }) => pointer).sort(),
      [...pointers].sort(),
      `${name}: ${JSON.stringify(answer.body.errors)}`
    )
  }
  t.equal(live.state?.revision, 1)
})

t.test('a body that cannot be read is refused with why', async t => {
  const { call } = await startAdmin(t)
  const cases: [body: string, headers: Record<string, string>, status: number, code: string, detail: RegExp][] = [
    ['{"path": "/a",}', {}, 400, 'invalid_body', /line 1 column 15/],
    ['{"path": ', {}, 400, 'invalid_body', /JSON/],
    ['', {}, 400, 'invalid_body', /A body is needed/],
    ['{"__proto__": {"enabled": false}}', {}, 400, 'invalid_body', /__proto__/],
    ['{}', { 'content-type': 'application/x-www-form-urlencoded' }, 415, 'unsupported_media_type', /x-www-form-urlencoded/],
    ['{}', { 'content-type': 'text/plain' }, 415, 'unsupported_media_type', /text\/plain/],
    ['a: b', { 'content-type': 'application/yaml' }, 415, 'unsupported_media_type', /yaml/],
    ['{}', { 'content-type': 'application/merge-patch+json' }, 415, 'unsupported_media_type', /merge-patch/],
    ['{}', { 'content-type': 'nonsense' }, 415, 'unsupported_media_type', /nonsense/],
    [`"${'x'.repeat(1_048_576)}"`, {}, 413, 'body_too_large', /larger/]
  ]
  for (const [body, headers, status, code, detail] of cases)
    t.match(
      await call('POST', '/forward-rules', body, headers),
      { status, body: { code, detail } },
      `${body.slice(0, 20)} ${JSON.stringify(headers)}`
    )
  const untyped = await call('POST', '/forward-rules', '{}', { 'content-type': '' })
  t.equal(untyped.status, 415)
})

t.test('JSON is taken with a charset and in any case', async t => {
  const { call } = await startAdmin(t)
  const headers = { 'content-type': 'Application/JSON; charset=utf-8' }
  t.equal((await call('POST', '/forward-rules', { path: '/a', target }, headers)).status, 201)
})

t.test('a write without a body is refused, a DELETE with the header of one is not', async t => {
  const { call } = await startAdmin(t)
  for (const [method, url] of [
    ['POST', '/forward-rules'],
    ['PUT', '/forward-rules/r1'],
    ['PUT', '/config'],
    ['POST', '/commits'],
    ['POST', '/explain']
  ])
    t.match(await call(method!, url!), { status: 400, body: { code: 'invalid_body' } }, `${method} ${url}`)
  await call('PUT', '/forward-rules/r1', { target })
  t.equal((await call('DELETE', '/forward-rules/r1', '', {})).status, 204)
})

t.test('what is not served is 404 not_found, by any method', async t => {
  const { call } = await startAdmin(t)
  for (const [method, url] of [
    ['GET', '/nothing'],
    ['PATCH', '/config'],
    ['POST', '/forward-rules/r1'],
    ['DELETE', '/health']
  ])
    t.match(await call(method!, url!), { status: 404, body: { code: 'not_found', detail: `There is no ${method} ${url}` } })
})

t.test('no answer tells of the inside', async t => {
  const { call } = await startAdmin(t)
  const { body } = await call('POST', '/forward-rules', { path: '/a', target: 'http://[bad' })
  t.notMatch(JSON.stringify(body), /node_modules|\.ts|at .+\(/)
})
