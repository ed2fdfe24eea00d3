import t from 'tap'
import { startAdmin } from '../helpers/admin.ts'

const target = 'http://127.0.0.1:9'
const putService = { op: 'put', kind: 'service', id: 's1', item: { targets: [{ url: target }] } }
const putRule = { op: 'put', kind: 'forward_rule', item: { id: 'r1', path: '/a', target_service: 's1' } }

t.test('several changes are one revision, whatever their order', async t => {
  const { call, live } = await startAdmin(t)
  const { status, headers, body } = await call('POST', '/commits', { changes: [putRule, putService] })
  t.equal(status, 200)
  t.equal(headers['sluice-revision'], '1')
  t.strictSame(body, {
    revision: 1,
    changes: [
      { op: 'create', kind: 'forward_rule', id: 'r1' },
      { op: 'create', kind: 'service', id: 's1' }
    ],
    warnings: []
  })
  const second = await call('POST', '/commits', {
    changes: [
      { op: 'delete', kind: 'service', id: 's1' },
      { op: 'put', kind: 'forward_rule', id: 'r1', item: { path: '/a', target } }
    ]
  })
  t.strictSame(second.body.changes, [
    { op: 'delete', kind: 'service', id: 's1' },
    { op: 'update', kind: 'forward_rule', id: 'r1', changed: ['/target_service', '/target'] }
  ])
  t.equal(live.state?.revision, 2)
})

t.test('one change that cannot be stops them all, with a pointer to it', async t => {
  const { call, live } = await startAdmin(t)
  const cases: [name: string, changes: unknown[], status: number, pointer: string][] = [
    ['a bad item', [putService, { ...putRule, item: { id: 'r1', target, x: 1 } }], 400, '/changes/1/item/x'],
    ['an unknown service', [putRule], 422, '/changes/0/item/target_service'],
    ['a delete of nothing', [putService, { op: 'delete', kind: 'forward_rule', id: 'no' }], 404, '/changes/1/id'],
    ['the same item twice', [putService, { op: 'delete', kind: 'service', id: 's1' }], 400, '/changes/1'],
    ['no id', [{ op: 'put', kind: 'service', item: {} }], 400, '/changes/0/id'],
    ['an id that is none', [{ op: 'delete', kind: 'service', id: 'a b' }], 400, '/changes/0/id'],
    ['two ids', [{ op: 'put', kind: 'service', id: 'a', item: { id: 'b' } }], 400, '/changes/0/item/id'],
    ['a put of nothing', [{ op: 'put', kind: 'service', id: 'a' }], 400, '/changes/0/item'],
    ['a delete of something', [{ op: 'delete', kind: 'service', id: 'a', item: {} }], 400, '/changes/0/item'],
    ['an unknown op', [{ op: 'patch', kind: 'service', id: 'a' }], 400, '/changes/0/op'],
    ['an unknown kind', [{ op: 'delete', kind: 'consumer', id: 'a' }], 400, '/changes/0/kind'],
    ['an unknown field', [{ ...putService, when: 'now' }], 400, '/changes/0/when'],
    ['nothing', [], 400, '/changes']
  ]
  for (const [name, changes, status, pointer] of cases) {
    const answer = await call('POST', '/commits', { changes })
    t.equal(answer.status, status, `${name}: ${JSON.stringify(answer.body)}`)
    t.equal(answer.body.errors[0].pointer, pointer, name)
  }
  t.equal(live.state?.revision, 0)
})

t.test('a dry run of a commit shows what it would change', async t => {
  const { call, live } = await startAdmin(t)
  const { headers, body } = await call('POST', '/commits?dry_run=true', { changes: [putService] })
  t.equal(headers['sluice-dry-run'], 'true')
  t.strictSame(body, { revision: 0, changes: [{ op: 'create', kind: 'service', id: 's1' }], warnings: [] })
  t.equal(live.state?.count('service'), 0)
})
