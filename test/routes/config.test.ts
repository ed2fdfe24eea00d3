import t from 'tap'
import { parse } from 'yaml'
import { createMemoryStore } from '../../src/stores/memory-store.ts'
import { startAdmin } from '../helpers/admin.ts'

const target = 'http://127.0.0.1:9'
const yaml = { 'content-type': 'application/yaml' }
const base = {
  services: [{ id: 's1', targets: [{ url: target }] }],
  forward_rules: [
    { id: 'r1', path: '/a', target_service: 's1' },
    { id: 'r2', path: '/b', target }
  ]
}

t.test('PUT /config brings everything in one commit and answers the diff', async t => {
  const { call, store } = await startAdmin(t)
  const { status, headers, body } = await call('PUT', '/config', base)
  t.equal(status, 200)
  t.equal(headers['sluice-revision'], '1')
  t.match(body, { revision: 1, created: 3, updated: 0, deleted: 0, unchanged: 0 })
  t.same(
    body.diff.map(({ op, kind, id }: Record<string, string>) => `${op} ${kind} ${id}`),
    ['create service s1', 'create forward_rule r1', 'create forward_rule r2']
  )
  t.equal((await store.load()).items.length, 3)
})

t.test('PUT /config of what is live already writes nothing', async t => {
  const { call } = await startAdmin(t)
  await call('PUT', '/config', base)
  t.match((await call('PUT', '/config', base)).body, { revision: 1, created: 0, updated: 0, unchanged: 3, diff: [] })
  const exported = (await call('GET', '/config')).body
  t.match((await call('PUT', '/config?prune=true', exported)).body, { revision: 1, unchanged: 3, diff: [] }, 'canonical forms are compared')
})

t.test('PUT /config writes only what differs and says in what', async t => {
  const { call } = await startAdmin(t)
  await call('PUT', '/config', base)
  const changed = {
    ...base,
    forward_rules: [{ id: 'r1', path: '/a', target_service: 's1', priority: 4, labels: { a: 'b' } }, base.forward_rules[1]]
  }
  const { body } = await call('PUT', '/config', changed)
  t.match(body, { revision: 2, created: 0, updated: 1, deleted: 0, unchanged: 2 })
  t.strictSame(body.diff, [{ op: 'update', kind: 'forward_rule', id: 'r1', changed: ['/labels/a', '/priority'] }])
})

t.test('only with prune is deleted what the document does not list', async t => {
  const { call } = await startAdmin(t)
  await call('PUT', '/config', base)
  const less = { forward_rules: [base.forward_rules[1]] }
  t.match((await call('PUT', '/config', less)).body, { deleted: 0, unchanged: 1, diff: [] })
  const dry = await call('PUT', '/config?prune&dry_run', less)
  t.equal(dry.headers['sluice-dry-run'], 'true')
  t.match(dry.body, { revision: 1, deleted: 2 })
  t.equal((await call('GET', '/forward-rules')).body.total, 2, 'nothing was written')
  const { body } = await call('PUT', '/config?prune=true', less)
  t.match(body, { revision: 2, created: 0, updated: 0, deleted: 2, unchanged: 1 })
  t.same((await call('GET', '/config')).body, { services: [], forward_rules: [(await call('GET', '/forward-rules/r2')).body] })
})

t.test('GET /config is exported as YAML when asked, and can be put again', async t => {
  const { call } = await startAdmin(t)
  await call('PUT', '/config', base)
  const json = await call('GET', '/config')
  for (const [url, accept] of [
    ['/config', 'application/yaml'],
    ['/config?format=yaml', 'application/json'],
    ['/config', 'text/yaml, */*']
  ] as const) {
    const { headers, body } = await call('GET', url, undefined, { accept })
    t.match(headers['content-type'], /^application\/yaml/)
    t.strictSame(parse(body), json.body, `${url} ${accept}`)
    t.match((await call('PUT', '/config?prune=true', body, yaml)).body, { revision: 1, unchanged: 3 })
  }
  t.strictSame((await call('GET', '/config?format=json', undefined, { accept: 'application/yaml' })).body, json.body)
})

t.test('YAML comes in under each of its names', async t => {
  const { call } = await startAdmin(t)
  const text = 'forward_rules:\n  # by hand\n  - {id: r1, path: /a, target: "http://127.0.0.1:9", method: GET}\nservices:\n'
  for (const type of ['application/yaml', 'text/yaml', 'application/x-yaml', 'text/yaml; charset=utf-8'])
    t.equal((await call('PUT', '/config', text, { 'content-type': type })).status, 200, type)
  t.same((await call('GET', '/forward-rules/r1')).body.methods, ['GET'])
})

t.test('a document that cannot be is refused as a whole, with pointers', async t => {
  const { call, live } = await startAdmin(t)
  const cases: [name: string, body: unknown, headers: Record<string, string>, status: number, code: string, pointers: string[]][] = [
    ['an unknown collection', { forward_rulez: [] }, {}, 400, 'validation_failed', ['/forward_rulez']],
    [
      'a duplicate id',
      {
        forward_rules: [
          { id: 'a', target },
          { id: 'a', target }
        ]
      },
      {},
      400,
      'validation_failed',
      ['/forward_rules/1/id']
    ],
    ['no id', { services: [{}] }, {}, 400, 'validation_failed', ['/services/0/id']],
    ['not a list', { services: {} }, {}, 400, 'validation_failed', ['/services']],
    ['not an object', [], {}, 400, 'validation_failed', ['']],
    ['a duplicate key', 'services: []\nservices: []', yaml, 400, 'invalid_body', ['/services']],
    [
      'bad items among good ones',
      {
        services: [{ id: 'ok' }],
        forward_rules: [
          { id: 'a', path: '/a', target, x: 1 },
          { id: 'b', target_service: 'ok' },
          { id: 'c', path: '/c', target_service: 'no' }
        ]
      },
      {},
      400,
      'validation_failed',
      ['/forward_rules/0/x', '/forward_rules/2/target_service']
    ],
    [
      'two rules with one match',
      {
        forward_rules: [
          { id: 'a', target },
          { id: 'b', target }
        ]
      },
      {},
      409,
      'rule_conflict',
      ['/forward_rules/1/weight']
    ]
  ]
  for (const [name, body, headers, status, code, pointers] of cases) {
    const answer = await call('PUT', '/config', body, headers)
    t.match(answer, { status, body: { code } }, name)
    t.strictSame(
      answer.body.errors.map(({ pointer }: { pointer: string }) => pointer),
      pointers,
      name
    )
  }
  t.equal(live.state?.revision, 0, 'nothing was written')
})

t.test('prune cannot take a service away from a rule that stays', async t => {
  const { call } = await startAdmin(t)
  await call('PUT', '/config', base)
  const { status, body } = await call('PUT', '/config?prune=true', { forward_rules: [base.forward_rules[0]] })
  t.match({ status, body }, { status: 409, body: { code: 'service_in_use', detail: /'r1'/ } })
})

t.test('one commit can swap the matches of two rules', async t => {
  const { call } = await startAdmin(t)
  const rules = (a: string, b: string) => ({
    forward_rules: [
      { id: 'r1', path: a, target },
      { id: 'r2', path: b, target }
    ]
  })
  await call('PUT', '/config', rules('/a', '/b'))
  t.match((await call('PUT', '/config', rules('/b', '/a'))).body, { updated: 2 })
})

t.test('POST /config/validate lists everything that is wrong and writes nothing', async t => {
  const { call, live } = await startAdmin(t)
  await call('PUT', '/config', base)
  const { status, body } = await call('POST', '/config/validate', {
    unknown: [],
    services: [{ id: 's2', targets: [{ url: 'http://' }] }, { id: 's2' }],
    forward_rules: [
      { id: 'r1', path: '/a', target_service: 's1' },
      { path: '/b' },
      7,
      { id: 'r3', path: '/c', target },
      { id: 'r4', path: '/c', target }
    ]
  })
  t.equal(status, 200)
  t.equal(body.valid, false)
  t.strictSame(
    body.problems.map(({ kind, id, index, pointer }: Record<string, unknown>) => [kind, id, index, pointer]),
    [
      [null, null, null, '/unknown'],
      ['service', 's2', 1, '/services/1/id'],
      ['forward_rule', null, 1, '/forward_rules/1/id'],
      ['forward_rule', null, 2, '/forward_rules/2'],
      ['service', 's2', 0, '/services/0/targets/0/url'],
      ['forward_rule', 'r1', 0, '/forward_rules/0/target_service'],
      ['forward_rule', 'r4', 4, '/forward_rules/4/weight']
    ],
    's1 is live, but not in the document'
  )
  t.strictSame((await call('POST', '/config/validate', base)).body, { valid: true, problems: [] })
  t.strictSame((await call('POST', '/config/validate', 'forward_rules: []', yaml)).body, { valid: true, problems: [] })
  t.strictSame((await call('POST', '/config/validate', [])).body.valid, false)
  t.equal((await call('POST', '/config/validate', '{')).status, 400, 'what cannot be parsed is no configuration')
  t.equal(live.state?.revision, 1)
})

t.test('GET /config/problems lists what the store holds and cannot be live; a write mends it', async t => {
  const store = createMemoryStore()
  await store.commit([{ op: 'put', kind: 'forward_rule', id: 'r1', item: { path: '/a', target } }], 'hand')
  const { call, live } = await startAdmin(t, { store })
  t.strictSame((await call('GET', '/config/problems')).body, { items: [] })
  await store.commit(
    [
      { op: 'put', kind: 'forward_rule', id: 'r1', item: { path: '/a', target, wieght: 1 } },
      { op: 'put', kind: 'forward_rule', id: 'r2', item: { path: '/b', target_service: 'ghost' } }
    ],
    'hand'
  )
  await live.reached(2, 1000)
  const { body } = await call('GET', '/config/problems')
  t.match(body.items, [
    { kind: 'forward_rule', id: 'r1', code: 'validation_failed', errors: [{ pointer: '/wieght' }], previous_live: true, revision: 2 },
    { kind: 'forward_rule', id: 'r2', code: 'unknown_service', errors: [{ pointer: '/target_service' }], previous_live: false }
  ])
  t.equal((await call('GET', '/forward-rules/r2')).status, 404)
  t.equal((await call('POST', '/forward-rules', { id: 'r2', path: '/b', target })).status, 409, 'the store has it')
  t.equal((await call('DELETE', '/forward-rules/r2')).status, 204, 'it can be taken out of the store')
  const mended = await call('PUT', '/config', { forward_rules: [{ id: 'r1', path: '/a', target }] })
  t.equal(mended.body.revision, 4, 'what is live is not what the store holds: it is written')
  t.strictSame((await call('GET', '/config/problems')).body, { items: [] })
})

t.test('a service whose fallback is not there is held back, and goes live when that comes', async t => {
  const store = createMemoryStore()
  const { call, live } = await startAdmin(t, { store })
  const item = { targets: [{ url: target }], breaker: { fallback: { target_service: 'spare' } } }
  await store.commit([{ op: 'put', kind: 'service', id: 's', item }], 'hand')
  await live.reached(1, 1000)
  t.match((await call('GET', '/config/problems')).body.items, [
    { kind: 'service', id: 's', code: 'unknown_service', errors: [{ pointer: '/breaker/fallback/target_service' }], previous_live: false }
  ])
  t.equal((await call('GET', '/services/s')).status, 404)
  t.equal((await call('PUT', '/services/spare', { targets: [{ url: target }] })).status, 201)
  t.strictSame((await call('GET', '/config/problems')).body, { items: [] })
  t.equal((await call('GET', '/services/s')).status, 200)
})

t.test('/config takes bodies that are too large elsewhere', async t => {
  const { call } = await startAdmin(t)
  const description = 'x'.repeat(1000)
  const forward_rules = Array.from({ length: 1200 }, (_, at) => ({ id: `r${at}`, path: `/${at}`, target, description }))
  t.ok(JSON.stringify(forward_rules).length > 1_100_000)
  t.match((await call('PUT', '/config', { forward_rules })).body, { created: 1200 })
})
