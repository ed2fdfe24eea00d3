/** Lists: filters, pages, totals. */
import t from 'tap'
import { type Admin, startAdmin } from '../helpers/admin.ts'

const target = 'http://127.0.0.1:9'

async function withRules(t: Parameters<typeof startAdmin>[0], count: number): Promise<Admin> {
  const admin = await startAdmin(t)
  const forward_rules = Array.from({ length: count }, (_, at) => ({
    id: `r${at}`,
    path: `/p${at % 5}/${at}`,
    target,
    labels: { half: String(at % 2) }
  }))
  await admin.call('PUT', '/config', { forward_rules })
  return admin
}

const idsOf = (page: { body: { items: { id: string }[] } }) => page.body.items.map(({ id }) => id)

t.test('a list is oldest first, 100 at a time by default, with the total of all pages', async t => {
  const { call } = await withRules(t, 150)
  const first = await call('GET', '/forward-rules')
  t.equal(first.body.items.length, 100)
  t.equal(first.body.total, 150)
  const second = await call('GET', `/forward-rules?cursor=${first.body.next_cursor}`)
  t.equal(second.body.next_cursor, null)
  t.strictSame(
    [...idsOf(first), ...idsOf(second)],
    Array.from({ length: 150 }, (_, at) => `r${at}`)
  )
})

t.test('the last page says so, also when it is full', async t => {
  const { call } = await withRules(t, 4)
  const first = await call('GET', '/forward-rules?limit=2')
  t.type(first.body.next_cursor, 'string')
  const second = await call('GET', `/forward-rules?limit=2&cursor=${first.body.next_cursor}`)
  t.strictSame([idsOf(second), second.body.next_cursor], [['r2', 'r3'], null])
})

t.test('pages neither repeat nor lose an item while others come and go', async t => {
  const { call } = await withRules(t, 10)
  const first = await call('GET', '/forward-rules?limit=4')
  await call('DELETE', '/forward-rules/r0')
  await call('DELETE', '/forward-rules/r3')
  await call('PATCH', '/forward-rules/r5', { priority: 7 })
  await call('POST', '/forward-rules', { id: 'new', path: '/new', target })
  const second = await call('GET', `/forward-rules?limit=4&cursor=${first.body.next_cursor}`)
  const third = await call('GET', `/forward-rules?limit=4&cursor=${second.body.next_cursor}`)
  t.strictSame([...idsOf(second), ...idsOf(third)], ['r4', 'r5', 'r6', 'r7', 'r8', 'r9', 'new'])
  t.equal(third.body.next_cursor, null)
})

t.test('filters hold together, and the total counts what they leave', async t => {
  const { call } = await startAdmin(t)
  const forward_rules = [
    { id: 'a', path: '/api/users', host: 'a.example.com', target, labels: { team: 'x', env: 'prod' } },
    { id: 'b', path: '/api/orders', target_service: 's', labels: { team: 'x' } },
    { id: 'c', path: '/other', host: ['a.example.com', 'b.example.com'], target, enabled: false, labels: { team: 'a:b' } }
  ]
  await call('PUT', '/config', { services: [{ id: 's' }], forward_rules })
  for (const [query, ids] of [
    ['path=/api', ['a', 'b']],
    ['path=/api/u', ['a']],
    ['host=A.example.com', ['a', 'c']],
    ['host=b.example.com&enabled=false', ['c']],
    ['service=s', ['b']],
    ['label=team:x', ['a', 'b']],
    ['label=team:x&label=env:prod', ['a']],
    ['label=team:a:b', ['c']],
    ['enabled=true', ['a', 'b']],
    ['path=/nowhere', []]
  ] as const) {
    const page = await call('GET', `/forward-rules?${query}`)
    t.strictSame([idsOf(page), page.body.total, page.body.next_cursor], [[...ids], ids.length, null], query)
  }
  t.equal((await call('GET', '/forward-rules?label=team:x&limit=1')).body.total, 2)
})

t.test('a parameter that is unknown or wrong is 400 and named', async t => {
  const { call } = await withRules(t, 1)
  for (const [query, pointer] of [
    ['limt=5', '/limt'],
    ['limit=0', '/limit'],
    ['limit=1001', '/limit'],
    ['limit=ten', '/limit'],
    ['limit=1&limit=2', '/limit'],
    ['enabled=maybe', '/enabled'],
    ['label=team', '/label/0'],
    ['cursor=nonsense', '/cursor'],
    ['dry_run=true', '/dry_run']
  ] as const) {
    const { status, body } = await call('GET', `/forward-rules?${query}`)
    t.equal(status, 400, query)
    t.equal(body.code, 'validation_failed')
    t.equal(body.errors[0].pointer, pointer)
    t.match(body.detail, `'${pointer.slice(1)}'`)
  }
})
