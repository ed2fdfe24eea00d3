/** What every write takes: dry_run, Idempotency-Key, and a store that may be away. */
import t from 'tap'
import { StoreUnavailableError } from '../../src/errors.ts'
import { createMemoryBacking, createMemoryStore } from '../../src/stores/memory-store.ts'
import { startAdmin } from '../helpers/admin.ts'

const rule = { id: 'r1', path: '/api', target: 'http://127.0.0.1:9' }

t.test('dry_run answers as the write would and writes nothing', async t => {
  const { call, live } = await startAdmin(t)
  const created = await call('POST', '/forward-rules?dry_run=true', rule)
  t.equal(created.status, 201)
  t.equal(created.headers['sluice-dry-run'], 'true')
  t.equal(created.headers['sluice-revision'], '0')
  t.equal(created.headers.location, undefined)
  t.match(created.body, rule)
  t.equal(live.state?.count('forward_rule'), 0)
  const real = await call('POST', '/forward-rules', rule)
  t.equal(real.headers.etag, created.headers.etag, 'the tag is what it would have been')
  t.equal(real.headers['sluice-dry-run'], undefined)
  t.equal((await call('PUT', '/forward-rules/r1?dry_run', { ...rule, priority: 1 })).body.priority, 1, 'a flag without a value is true')
  t.equal((await call('PATCH', '/forward-rules/r1?dry_run=true', { priority: 2 })).body.priority, 2)
  t.equal((await call('DELETE', '/forward-rules/r1?dry_run=true')).status, 204)
  t.equal((await call('GET', '/forward-rules/r1')).body.priority, 0)
  t.equal(live.state?.revision, 1)
})

t.test('dry_run refuses what the write would refuse', async t => {
  const { call } = await startAdmin(t)
  await call('POST', '/forward-rules', rule)
  t.equal((await call('POST', '/forward-rules?dry_run=true', rule)).status, 409)
  t.equal((await call('PUT', '/forward-rules/r2?dry_run=true', { path: '/api', target: rule.target })).body.code, 'rule_conflict')
  t.equal((await call('PUT', '/forward-rules/r1?dry_run=true', rule, { 'if-match': '"x"' })).status, 412)
  t.equal((await call('PUT', '/forward-rules/r1?dry_run=perhaps', rule)).body.errors[0].pointer, '/dry_run')
})

t.test('the same request with the same Idempotency-Key is answered again and done once', async t => {
  const { call, live } = await startAdmin(t)
  const headers = { 'idempotency-key': 'k-1' }
  const { id, ...unnamed } = rule
  const first = await call('POST', '/forward-rules', unnamed, headers)
  t.equal(first.headers['idempotent-replayed'], undefined)
  const again = await call('POST', '/forward-rules', unnamed, headers)
  t.equal(again.headers['idempotent-replayed'], 'true')
  for (const name of ['location', 'etag', 'content-type', 'sluice-revision']) t.equal(again.headers[name], first.headers[name], name)
  t.strictSame([again.status, again.body], [201, first.body])
  t.equal(live.state?.count('forward_rule'), 1, `${id} was made once`)
  t.equal(live.state?.revision, 1)
})

t.test('a refusal is answered again, too, and an answer without a body stays one', async t => {
  const { call } = await startAdmin(t)
  await call('POST', '/forward-rules', rule)
  const refused = await call('POST', '/forward-rules', rule, { 'idempotency-key': 'a' })
  const refusedAgain = await call('POST', '/forward-rules', rule, { 'idempotency-key': 'a' })
  t.strictSame([refusedAgain.status, refusedAgain.body], [409, refused.body])
  t.match(refusedAgain.headers['content-type'], 'application/problem+json')
  await call('DELETE', '/forward-rules/r1', undefined, { 'idempotency-key': 'b' })
  const deletedAgain = await call('DELETE', '/forward-rules/r1', undefined, { 'idempotency-key': 'b' })
  t.strictSame([deletedAgain.status, deletedAgain.body, deletedAgain.headers['idempotent-replayed']], [204, '', 'true'])
})

t.test('an Idempotency-Key that was used for another request is 422', async t => {
  const { call } = await startAdmin(t)
  const headers = { 'idempotency-key': 'k' }
  await call('POST', '/forward-rules', rule, headers)
  for (const [method, url, body, more] of [
    ['POST', '/forward-rules', { ...rule, id: 'r2' }, {}],
    ['POST', '/forward-rules?dry_run=true', rule, {}],
    ['PUT', '/forward-rules/r1', rule, {}],
    ['POST', '/forward-rules', rule, { 'if-match': '*' }]
  ] as const) {
    const { status, body: problem } = await call(method, url, body, { ...headers, ...more })
    t.match({ status, code: problem.code }, { status: 422, code: 'idempotency_key_reused' }, `${method} ${url}`)
  }
})

t.test('an Idempotency-Key must have a usable form', async t => {
  const { call } = await startAdmin(t)
  for (const key of ['', 'x'.repeat(256), 'ä'])
    t.equal((await call('POST', '/forward-rules', rule, { 'idempotency-key': key })).status, 400, key.slice(0, 3))
})

t.test('while the first request runs, the second is 409; a failure of the store is not kept', async t => {
  const memory = createMemoryStore()
  let release = (_error?: Error): void => undefined
  const entered = Promise.withResolvers<void>()
  const store = Object.assign(Object.create(memory) as typeof memory, {
    load: () => memory.load(),
    position: () => memory.position(),
    watch: (...args: Parameters<typeof memory.watch>) => memory.watch(...args),
    commitsSince: (revision: number) => memory.commitsSince(revision),
    close: () => memory.close(),
    commit: async (...args: Parameters<typeof memory.commit>) => {
      await new Promise<void>((resolve, reject) => {
        release = error => (error === undefined ? resolve() : reject(error))
        entered.resolve()
      })
      return memory.commit(...args)
    }
  })
  const { call } = await startAdmin(t, { store })
  const headers = { 'idempotency-key': 'k' }
  const first = call('POST', '/forward-rules', rule, headers)
  await entered.promise
  t.match(await call('POST', '/forward-rules', rule, headers), { status: 409, body: { code: 'idempotency_conflict' } })
  release(new StoreUnavailableError())
  t.match(await first, { status: 503, body: { code: 'store_unavailable' } })
  store.commit = (...args) => memory.commit(...args)
  t.equal((await call('POST', '/forward-rules', rule, headers)).status, 201, 'the key is free again')
})

t.test('the answer to a write is what it wrote, also when another instance writes right behind it', async t => {
  const backing = createMemoryBacking()
  const [mine, other] = [createMemoryStore(backing), createMemoryStore(backing)]
  t.teardown(() => other.close())
  const { call, live } = await startAdmin(t, { store: mine })
  const commit = mine.commit.bind(mine)
  mine.commit = async (...args) => {
    const made = await commit(...args)
    await other.commit([{ op: 'delete', kind: 'forward_rule', id: 'r1' }], 'other')
    await live.reached(made.revision + 1, 1000)
    return made
  }
  const { status, headers, body } = await call('POST', '/forward-rules', rule)
  t.match({ status, body }, { status: 201, body: rule })
  t.equal(headers['sluice-revision'], '1')
  t.equal((await call('GET', '/forward-rules/r1')).status, 404)
})

t.test('before the first load writes and reads are 503 not_ready', async t => {
  const { call } = await startAdmin(t, { started: false })
  for (const [method, url, body] of [
    ['POST', '/forward-rules', rule],
    ['GET', '/forward-rules'],
    ['GET', '/config'],
    ['GET', '/config/problems']
  ] as const) {
    const answer = await call(method, url, body)
    t.match(
      answer,
      { status: 503, body: { code: 'not_ready' }, headers: { 'sluice-revision': '0', 'retry-after': '1' } },
      `${method} ${url}`
    )
  }
})
