import t from 'tap'
import type { RolloutView } from '../../src/control/rollout-view.ts'
import { startAdmin } from '../helpers/admin.ts'

const steps = [
  { percent: 5, hold_ms: 60_000 },
  { percent: 50, hold_ms: 60_000 }
]
const answer = (body: string) => ({ path: '/', respond: { body } })
const putNew = { op: 'put', kind: 'forward_rule', id: 'r', item: answer('new') }

async function withRule(t: Parameters<typeof startAdmin>[0]) {
  const admin = await startAdmin(t)
  await admin.call('PUT', '/forward-rules/r', answer('old'))
  return admin
}

t.test('a rollout begins with its first step, and nothing of it is in the configuration', async t => {
  const { call, live } = await withRule(t)
  const before = (await call('GET', '/config')).body
  const { status, headers, body } = await call('POST', '/rollouts', { id: 'x', description: 'v2', changes: [putNew], steps })
  t.equal(status, 201)
  t.equal(headers.location, '/rollouts/x')
  t.equal(headers['sluice-revision'], '2')
  t.match(body, {
    id: 'x',
    description: 'v2',
    status: 'running',
    reason: null,
    by: 'anonymous',
    instance: 'test-1',
    step: 0,
    percent: 5,
    split_on: 'ip',
    changes: [{ op: 'put', kind: 'forward_rule', id: 'r', item: { id: 'r', ...answer('new') } }],
    guard: { max_error_rate_increase: 0.05, max_p95_ratio: null, min_requests: 100, max_wait_ms: 3_600_000 },
    warnings: []
  })
  t.match(body.steps, [
    { percent: 5, began_at: body.created_at, traffic: null },
    { percent: 50, began_at: null, traffic: null }
  ])
  t.notOk('base' in body)
  t.same((await call('GET', '/config')).body, before)
  t.match((await call('GET', '/forward-rules/r')).body, answer('old'))
  t.equal(live.rollout?.id, 'x')
})

t.test('what is running is shown with what it had of traffic', async t => {
  const { call, live } = await withRule(t)
  await call('POST', '/rollouts', { id: 'x', changes: [putNew], steps })
  live.rollout!.report()
  const none = { requests: 0, errors: 0, p95_ms: null }
  const { status, body } = await call('GET', '/rollouts/x')
  t.equal(status, 200)
  t.match(body, { id: 'x', percent: 5, traffic: { current: none, candidate: none } })
  t.same((await call('GET', '/rollouts')).body.items, [body])
  t.match(await call('GET', '/rollouts/no'), { status: 404, body: { code: 'rollout_not_found' } })
})

t.test('one that is not whole is refused, with pointers, like a commit', async t => {
  const { call, live } = await withRule(t)
  const cases: [name: string, body: object, status: number, code: string, pointer: string][] = [
    ['neither', { steps }, 400, 'validation_failed', ''],
    ['both', { changes: [putNew], ramp: { rule: 'r' }, steps }, 400, 'validation_failed', ''],
    ['no steps', { changes: [putNew] }, 400, 'validation_failed', '/steps'],
    ['steps that go back', { changes: [putNew], steps: steps.toReversed() }, 400, 'validation_failed', '/steps/1/percent'],
    ['too great a share', { changes: [putNew], steps: [{ percent: 101, hold_ms: 1 }] }, 400, 'validation_failed', '/steps/0/percent'],
    ['an unknown guard', { changes: [putNew], steps, guard: { max_errors: 1 } }, 400, 'validation_failed', '/guard/max_errors'],
    ['a bad split', { changes: [putNew], steps, split_on: 'client' }, 400, 'validation_failed', '/split_on'],
    ['a bad id', { id: 'a b', changes: [putNew], steps }, 400, 'validation_failed', '/id'],
    [
      'a bad item',
      { changes: [{ ...putNew, item: { wieght: 5, respond: {} } }], steps },
      400,
      'validation_failed',
      '/changes/0/item/wieght'
    ],
    ['the same item twice', { changes: [putNew, putNew], steps }, 400, 'validation_failed', '/changes/1'],
    [
      'a rollout in a rollout',
      { changes: [{ op: 'delete', kind: 'rollout', id: 'x' }], steps },
      400,
      'validation_failed',
      '/changes/0/kind'
    ],
    [
      'an unknown service',
      { changes: [{ ...putNew, item: { target_service: 'no' } }], steps },
      422,
      'unknown_service',
      '/changes/0/item/target_service'
    ],
    ['a conflict', { changes: [{ ...putNew, id: 'other' }], steps }, 409, 'rule_conflict', '/changes/0/item/weight'],
    ['a delete of nothing', { changes: [{ op: 'delete', kind: 'service', id: 'no' }], steps }, 404, 'service_not_found', '/changes/0/id'],
    ['a ramp of nothing', { ramp: { rule: 'no' }, steps }, 404, 'rule_not_found', '/ramp/rule'],
    ['a ramp of a rule alone', { ramp: { rule: 'r' }, steps }, 422, 'not_rampable', '/ramp/rule'],
    ['a split of a ramp', { ramp: { rule: 'r' }, steps, split_on: 'ip' }, 400, 'validation_failed', '/split_on']
  ]
  for (const [name, body, status, code, pointer] of cases) {
    const answer = await call('POST', '/rollouts', body)
    t.match(answer, { status, body: { code } }, `${name}: ${JSON.stringify(answer.body)}`)
    t.equal(answer.body.errors?.[0].pointer, pointer, name)
  }
  t.equal(live.state?.revision, 1, 'nothing was written')
})

t.test('no commit can hold a rollout, and no document lists one', async t => {
  const { call } = await withRule(t)
  await call('POST', '/rollouts', { id: 'x', changes: [putNew], steps })
  t.equal((await call('POST', '/commits', { changes: [{ op: 'delete', kind: 'rollout', id: 'x' }] })).status, 400)
  t.equal((await call('PUT', '/config', { rollouts: [] })).status, 400)
  const { body } = await call('PUT', '/config?prune=true', { forward_rules: [{ id: 'r', ...answer('old') }] })
  t.equal(body.deleted, 0, 'pruning leaves it alone')
  t.equal((await call('GET', '/rollouts/x')).body.status, 'running')
})

t.test('one rollout runs at a time, and an id is used once', async t => {
  const { call } = await withRule(t)
  await call('POST', '/rollouts', { id: 'x', changes: [putNew], steps })
  t.match(await call('POST', '/rollouts', { changes: [putNew], steps }), { status: 409, body: { code: 'rollout_active' } })
  await call('POST', '/rollouts/x/abort')
  t.match(await call('POST', '/rollouts', { id: 'x', changes: [putNew], steps }), { status: 409, body: { code: 'already_exists' } })
  const { status, body } = await call('POST', '/rollouts', { changes: [putNew], steps })
  t.equal(status, 201)
  t.match(body.id, /^rollout-/)
})

t.test('an abort ends it, once, and says who', async t => {
  const { call, live } = await withRule(t)
  await call('POST', '/rollouts', { id: 'x', changes: [putNew], steps })
  const { status, body } = await call('POST', '/rollouts/x/abort')
  t.equal(status, 200)
  t.match(body, { status: 'aborted', reason: 'aborted by anonymous', percent: 0, traffic: null })
  t.equal(live.rollout, undefined)
  t.match(await call('POST', '/rollouts/x/abort'), { status: 409, body: { code: 'rollout_over' } })
  t.match(await call('POST', '/rollouts/no/abort'), { status: 404, body: { code: 'rollout_not_found' } })
  t.match((await call('GET', '/forward-rules/r')).body, answer('old'))
})

t.test('every move is in the history, and going back in it moves no rollout', async t => {
  const { call } = await withRule(t)
  await call('POST', '/rollouts', { id: 'x', changes: [putNew], steps })
  await call('POST', '/rollouts/x/abort')
  const { body } = await call('GET', '/revisions')
  t.match(body.items, [
    { revision: 3, by: 'anonymous', changes: [{ op: 'update', kind: 'rollout', id: 'x' }] },
    { revision: 2, changes: [{ op: 'create', kind: 'rollout', id: 'x' }] },
    { revision: 1 }
  ])
  t.match((await call('GET', '/revisions/3')).body.changes, [
    { changed: ['/status', '/reason', '/updated_at'], after: { status: 'aborted' } }
  ])
  await call('PUT', '/forward-rules/r', answer('other'))
  t.match((await call('POST', '/revisions/2/restore')).body.changes, [{ kind: 'forward_rule', id: 'r' }])
  t.equal((await call('GET', '/rollouts/x')).body.status, 'aborted')
})

t.test('a dry run says what would begin, and begins nothing', async t => {
  const { call, live } = await withRule(t)
  const { status, headers, body } = await call('POST', '/rollouts?dry_run=true', { id: 'x', changes: [putNew], steps })
  t.equal(status, 201)
  t.equal(headers['sluice-dry-run'], 'true')
  t.equal(headers.location, undefined)
  t.equal(body.percent, 5)
  t.equal(live.rollout, undefined)
})

t.test('warnings about what it changes are told, and strict refuses them', async t => {
  const { call } = await withRule(t)
  const changes = [{ op: 'put', kind: 'forward_rule', id: 'hidden', item: { path: '/', headers: { a: 'b' }, priority: -1, respond: {} } }]
  const strict = await call('POST', '/rollouts?strict=true', { changes, steps })
  t.match(strict, { status: 409, body: { code: 'strict_warnings', errors: [{ pointer: '/changes/0/item' }] } })
  const { status, body } = await call('POST', '/rollouts', { changes, steps })
  t.equal(status, 201)
  t.match(body.warnings, [{ code: 'unreachable', rule: 'hidden', other: 'r' }])
})

t.test('a ramp sets the weights of its first step, and an abort sets them back', async t => {
  const { call } = await startAdmin(t)
  await call('PUT', '/forward-rules/stable', { ...answer('a'), weight: 100, method: 'GET' })
  await call('PUT', '/forward-rules/canary', { ...answer('b'), weight: 0, method: 'GET' })
  const weights = async () =>
    [await call('GET', '/forward-rules/stable'), await call('GET', '/forward-rules/canary')].map(({ body }) => body.weight)
  const { status, body } = await call('POST', '/rollouts', { id: 'x', ramp: { rule: 'canary' }, steps })
  t.equal(status, 201)
  t.same((body as RolloutView).ramp, { rule: 'canary', before: { stable: 100, canary: 0 }, now: { stable: 1000, canary: 52 } })
  t.same(await weights(), [1000, 52])
  t.match((await call('GET', '/revisions')).body.items[0].changes, [{ kind: 'rollout' }, { id: 'stable' }, { id: 'canary' }])
  await call('POST', '/rollouts/x/abort')
  t.same(await weights(), [100, 0])
  t.match((await call('GET', '/config')).body.forward_rules, [{ methods: ['GET'] }, { methods: ['GET'] }], 'all else is as it was')
})

t.test('an abort of a ramp leaves alone what somebody else has set', async t => {
  const { call } = await startAdmin(t)
  await call('PUT', '/forward-rules/stable', { ...answer('a'), weight: 100 })
  await call('PUT', '/forward-rules/canary', { ...answer('b'), weight: 0 })
  await call('POST', '/rollouts', { id: 'x', ramp: { rule: 'canary' }, steps })
  await call('PATCH', '/forward-rules/canary', { weight: 7 })
  await call('POST', '/rollouts/x/abort')
  t.match((await call('GET', '/config')).body.forward_rules, [{ weight: 100 }, { weight: 7 }])
})

t.test('a ramp of a rule that has everything already is refused', async t => {
  const { call } = await startAdmin(t)
  await call('PUT', '/forward-rules/stable', { ...answer('a'), weight: 0 })
  await call('PUT', '/forward-rules/canary', { ...answer('b'), weight: 5 })
  t.match(await call('POST', '/rollouts', { ramp: { rule: 'canary' }, steps }), { status: 422, body: { code: 'not_rampable' } })
})

t.test('the last ten are kept', async t => {
  const { call } = await withRule(t)
  for (let index = 0; index < 13; index++) {
    await call('POST', '/rollouts', { id: `x${index}`, changes: [putNew], steps })
    await call('POST', `/rollouts/x${index}/abort`)
  }
  const { body } = await call('GET', '/rollouts')
  t.same(
    body.items.map(({ id }: { id: string }) => id),
    [12, 11, 10, 9, 8, 7, 6, 5, 4, 3].map(index => `x${index}`)
  )
})

t.test('viewers may look, editors may act', async t => {
  const tokens = [
    { name: 'vera', role: 'viewer' as const, token: 'v' },
    { name: 'eda', role: 'editor' as const, token: 'e' }
  ]
  const { call } = await startAdmin(t, { tokens })
  const as = (token: string) => ({ authorization: `Bearer ${token}` })
  t.equal((await call('POST', '/rollouts', { changes: [putNew], steps }, as('v'))).status, 403)
  t.match((await call('POST', '/rollouts', { id: 'x', changes: [putNew], steps }, as('e'))).body, { by: 'eda' })
  t.equal((await call('GET', '/rollouts/x', undefined, as('v'))).status, 200)
  t.equal((await call('POST', '/rollouts/x/abort', undefined, as('v'))).status, 403)
})
