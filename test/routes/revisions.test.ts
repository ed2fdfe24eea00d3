import t from 'tap'
import { createMemoryBacking, createMemoryStore } from '../../src/stores/memory-store.ts'
import { startAdmin } from '../helpers/admin.ts'

const rule = { path: '/api', target: 'http://127.0.0.1:9' }
const tokens = [
  { name: 'grafana', role: 'viewer', token: 'view' },
  { name: 'ci', role: 'editor', token: 'edit' }
] as const
const as = (token: string) => ({ authorization: `Bearer ${token}` })

t.test('the history says who changed what and when, newest first', async t => {
  const { call } = await startAdmin(t, { tokens })
  await call('PUT', '/services/s', {}, as('edit'))
  await call('PUT', '/forward-rules/r', rule, as('edit'))
  await call('PATCH', '/forward-rules/r', { priority: 1 }, as('edit'))
  await call('DELETE', '/services/s', undefined, as('edit'))
  const { status, body } = await call('GET', '/revisions', undefined, as('view'))
  t.equal(status, 200)
  t.match(body, {
    items: [
      { revision: 4, by: 'ci', changes: [{ op: 'delete', kind: 'service', id: 's' }] },
      { revision: 3, changes: [{ op: 'update', kind: 'forward_rule', id: 'r' }] },
      { revision: 2, changes: [{ op: 'create', kind: 'forward_rule', id: 'r' }] },
      { revision: 1, changes: [{ op: 'create', kind: 'service', id: 's' }] }
    ],
    next_cursor: null
  })
  t.ok(Math.abs(Date.parse(body.items[0].at) - Date.now()) < 60_000)
})

t.test('pages do not shift while commits are made, and the last has no cursor', async t => {
  const { call } = await startAdmin(t)
  t.strictSame((await call('GET', '/revisions')).body, { items: [], next_cursor: null })
  for (let priority = 0; priority < 5; priority++) await call('PUT', '/forward-rules/r', { ...rule, priority })
  const seen: number[] = []
  let cursor: string | null = ''
  while (cursor !== null) {
    const { body } = await call('GET', `/revisions?limit=2${cursor === '' ? '' : `&cursor=${cursor}`}`)
    seen.push(...body.items.map(({ revision }: { revision: number }) => revision))
    cursor = body.next_cursor
    await call('PUT', '/forward-rules/r', rule)
  }
  t.same(seen, [5, 4, 3, 2, 1])
  t.match(await call('GET', '/revisions?cursor=bad!'), { status: 400, body: { errors: [{ pointer: '/cursor' }] } })
})

t.test('a revision shows each item as it was and as it became, with pointers to what differs', async t => {
  const { call } = await startAdmin(t)
  await call('POST', '/commits', {
    changes: [
      { op: 'put', kind: 'service', id: 's', item: { targets: [{ url: 'http://127.0.0.1:1' }] } },
      { op: 'put', kind: 'forward_rule', id: 'r', item: rule }
    ]
  })
  await call('PUT', '/forward-rules/r', { ...rule, path: '/v2', labels: { team: 'users' } })
  await call('DELETE', '/forward-rules/r')
  await call('PUT', '/services/s', { targets: [{ url: 'http://127.0.0.1:1' }] })
  t.match((await call('GET', '/revisions/1')).body, {
    changes: [
      { op: 'create', kind: 'service', id: 's', before: null, after: { targets: [{ url: 'http://127.0.0.1:1' }] } },
      { op: 'create', kind: 'forward_rule', id: 'r', before: null, after: { id: 'r', ...rule } }
    ]
  })
  t.match((await call('GET', '/revisions/2')).body, {
    revision: 2,
    by: 'anonymous',
    changes: [
      {
        op: 'update',
        kind: 'forward_rule',
        id: 'r',
        changed: ['/path', '/labels'],
        before: { id: 'r', ...rule },
        after: { id: 'r', path: '/v2', target: rule.target, labels: { team: 'users' } }
      }
    ]
  })
  t.match((await call('GET', '/revisions/3')).body, { changes: [{ op: 'delete', before: { path: '/v2' }, after: null }] })
  t.match((await call('GET', '/revisions/4')).body, { changes: [{ op: 'unchanged' }] })
})

t.test('a revision that there is not, or not any more, is 404', async t => {
  const { call } = await startAdmin(t, { store: createMemoryStore(createMemoryBacking(2)) })
  for (let priority = 0; priority < 4; priority++) await call('PUT', '/forward-rules/r', { ...rule, priority })
  for (const [method, url] of [
    ['GET', '/revisions/1'],
    ['GET', '/revisions/5'],
    ['POST', '/revisions/1/restore'],
    ['POST', '/revisions/5/restore']
  ] as const)
    t.match(await call(method, url), { status: 404, body: { code: 'revision_not_found' } }, `${method} ${url}`)
  for (const url of ['/revisions/0', '/revisions/x', '/revisions/1.5', '/revisions/-1'])
    t.match(await call('GET', url), { status: 400, body: { errors: [{ pointer: '/revision' }] } }, url)
})

t.test('a restore is a commit like every other: who, dry_run, Idempotency-Key, revision', async t => {
  const { call } = await startAdmin(t, { tokens })
  const edit = as('edit')
  await call('PUT', '/forward-rules/r', rule, edit)
  await call('PUT', '/forward-rules/r', { ...rule, priority: 7 }, edit)
  t.equal((await call('POST', '/revisions/1/restore', undefined, as('view'))).status, 403)
  const tried = await call('POST', '/revisions/1/restore?dry_run=true', undefined, edit)
  t.match(tried, {
    status: 200,
    headers: { 'sluice-dry-run': 'true' },
    body: { revision: 2, changes: [{ op: 'update', kind: 'forward_rule', id: 'r', changed: ['/priority'] }] }
  })
  t.equal((await call('GET', '/forward-rules/r', undefined, edit)).body.priority, 7)
  const key = { ...edit, 'idempotency-key': 'k' }
  const done = await call('POST', '/revisions/1/restore', undefined, key)
  t.match(done, { status: 200, headers: { 'sluice-revision': '3' }, body: { revision: 3, changes: tried.body.changes } })
  t.equal((await call('GET', '/forward-rules/r', undefined, edit)).body.priority, 0)
  const again = await call('POST', '/revisions/1/restore', undefined, key)
  t.match(again, { status: 200, headers: { 'idempotent-replayed': 'true' }, body: done.body })
  t.match((await call('GET', '/revisions?limit=1', undefined, edit)).body.items, [{ revision: 3, by: 'ci' }])
  t.match(await call('POST', '/revisions/1/restore', undefined, edit), { status: 200, body: { revision: 3, changes: [] } }, 'there already')
})

t.test('a restore that references forbid is refused with the items, and changes nothing', async t => {
  const { call, store, live } = await startAdmin(t)
  await store.commit([{ op: 'put', kind: 'forward_rule', id: 'uses', item: { path: '/x', target_service: 'gone' } }], 'hand')
  await live.reached(1, 1000)
  await call('DELETE', '/forward-rules/uses')
  t.match(await call('POST', '/revisions/1/restore'), {
    status: 422,
    body: { code: 'unknown_service', errors: [{ pointer: '/forward_rules/uses/target_service' }] }
  })
  t.equal(live.state?.revision, 2)
})
