import { hash } from 'node:crypto'
import t from 'tap'
import type { FleetStore, InstanceReport } from '../../src/core/store.ts'
import { createMemoryBacking, createMemoryStore } from '../../src/stores/memory-store.ts'
import { startAdmin } from '../helpers/admin.ts'

const rule = { path: '/api', target: 'http://127.0.0.1:9' }
const longMs = 60_000

/** The admin API of `test-1`, and a second instance that says what a test wants. */
async function startTwo(t: { teardown(f: () => unknown): void }) {
  const backing = createMemoryBacking()
  const store: FleetStore = createMemoryStore(backing)
  const admin = await startAdmin(t, { store: createMemoryStore(backing) })
  const say = async (more: Partial<InstanceReport>) => {
    const { revision, digest } = admin.live.state!
    const report = { id: 'test-2', version: '0.0.9', revision, digest, at: new Date().toISOString(), rejected: [], ...more }
    await store.announce(report, longMs)
  }
  return { ...admin, say, rival: store }
}

t.test('every live instance is listed with what it follows', async t => {
  const { call, say, live } = await startTwo(t)
  await say({})
  await call('PUT', '/forward-rules/r', rule)
  const { status, body } = await call('GET', '/instances')
  t.equal(status, 200)
  t.match(body.items, [
    { id: 'test-1', version: '0.0.0', revision: 1, lag: 0, digest: live.state?.digest, self: true, in_sync: true },
    { id: 'test-2', version: '0.0.9', revision: 0, lag: 1, self: false, in_sync: false }
  ])
})

t.test('without another instance wait=all is the answer at once', async t => {
  const { call } = await startAdmin(t)
  t.equal((await call('POST', '/forward-rules?wait=all&timeout_ms=60000', rule)).status, 201)
  t.equal((await call('PUT', '/config?wait=all', { services: [{ id: 's' }] })).status, 200)
})

t.test('every kind of write says with 202 who does not follow it yet, and the write stands', async t => {
  const { call, say, live } = await startTwo(t)
  await call('PUT', '/forward-rules/r', rule)
  await call('PUT', '/forward-rules/r', { ...rule, priority: 1 })
  await say({ revision: 0, digest: 'old' })
  const change = { op: 'put', kind: 'service', id: 's', item: {} }
  for (const [method, url, body] of [
    ['POST', '/forward-rules', { ...rule, id: 'n', path: '/n' }],
    ['PUT', '/forward-rules/r', rule],
    ['PATCH', '/forward-rules/r', { priority: 2 }],
    ['DELETE', '/forward-rules/n', undefined],
    ['POST', '/commits', { changes: [change] }],
    ['PUT', '/config', { services: [{ id: 's2' }] }],
    ['POST', '/revisions/1/restore', undefined]
  ] as const) {
    const answer = await call(method, `${url}?wait=all&timeout_ms=20`, body)
    const revision = live.state?.revision
    t.match(
      answer,
      {
        status: 202,
        headers: { 'sluice-revision': String(revision) },
        body: { revision, applied: ['test-1'], pending: ['test-2'], rejected: [] }
      },
      `${method} ${url}`
    )
  }
  t.equal(live.state?.revision, 9)
})

t.test('a 202 still says where the item is and what tag it has', async t => {
  const { call, say } = await startTwo(t)
  await say({})
  const { status, headers } = await call('POST', '/forward-rules?wait=all&timeout_ms=1', rule)
  t.equal(status, 202)
  const read = await call('GET', headers.location!)
  t.match(read, { status: 200, headers: { etag: headers.etag } })
})

t.test('a write is answered as usual as soon as the last instance follows it', async t => {
  const { call, say, live } = await startTwo(t)
  await say({})
  const waiting = call('PUT', '/forward-rules/r?wait=all&timeout_ms=60000', rule)
  await live.reached(1, 5000)
  await say({})
  t.match(await waiting, { status: 201, body: { id: 'r' } })
})

t.test('an instance where the item cannot be live is named with the reason, at once', async t => {
  const { call, say, live } = await startTwo(t)
  await say({})
  const begin = performance.now()
  const waiting = call('PUT', '/forward-rules/r?wait=all&timeout_ms=60000', rule)
  await live.reached(1, 5000)
  // The digest is of what the store holds: it is the same whatever an instance makes of it.
  await say({ rejected: [{ kind: 'forward_rule', id: 'r', reason: 'is not known to this version' }] })
  t.match(await waiting, {
    status: 202,
    body: { applied: ['test-1'], pending: [], rejected: [{ instance: 'test-2', reason: 'forward_rule/r: is not known to this version' }] }
  })
  t.ok(performance.now() - begin < 30_000)
})

t.test('a dry run waits for nobody, and wait and timeout_ms are checked', async t => {
  const { call, say } = await startTwo(t)
  await say({ epoch: 'other' })
  t.equal((await call('PUT', '/forward-rules/r?wait=all&timeout_ms=60000&dry_run=true', rule)).status, 201)
  for (const query of ['wait=some', 'wait=all&timeout_ms=0', 'timeout_ms=60001', 'timeout_ms=x'])
    t.equal((await call('PUT', `/forward-rules/r?${query}`, rule)).status, 400, query)
})

t.test('a key that a write made is in its answer, whoever does not follow yet', async t => {
  const { call, say, live } = await startTwo(t)
  await say({ revision: 0, digest: 'old' })
  const { status, body } = await call('POST', '/clients?wait=all&timeout_ms=20', { id: 'acme', api_keys: [{ id: 'k1' }] })
  t.equal(status, 202)
  t.match(body, { pending: ['test-2'], api_keys: [{ id: 'k1', key: /^slk_/ }] })
  t.equal(live.snapshot!.keyOwner(hash('sha256', body.api_keys[0].key, 'hex'))?.client.id, 'acme')
  const again = await call('PATCH', '/clients/acme?wait=all&timeout_ms=20', { description: 'x' })
  t.match(again, { status: 202, body: { api_keys: undefined } }, 'and in no other')
})
