import t from 'tap'
import type { StoreState } from '../../src/core/store.ts'
import { createMemoryStore } from '../../src/stores/memory-store.ts'
import { startAdmin } from '../helpers/admin.ts'

t.test('an instance that is well says UP, READY and what it is', async t => {
  const { call } = await startAdmin(t)
  await call('PUT', '/services/s', {})
  const health = await call('GET', '/health')
  t.match(health.body, {
    status: 'UP',
    details: { store: { name: 'memory', status: 'UP' }, config: { status: 'UP', revision: 1, quarantined: 0 } },
    instance: 'test-1',
    version: /^\d+\.\d+\.\d+/
  })
  t.strictSame((await call('GET', '/ready')).body, { status: 'READY', revision: 1, source: 'store' })
  t.match((await call('GET', '/status')).body, {
    counts: { forward_rules: 0, services: 1 },
    draining: false,
    node_version: process.version,
    store: { status: 'UP' },
    config: { revision: 1, applied_at: /^20/ }
  })
})

t.test('without a configuration an instance is alive and not ready', async t => {
  const { call } = await startAdmin(t, { started: false })
  t.match(await call('GET', '/health'), {
    status: 200,
    body: { status: 'DEGRADED', details: { store: { status: 'DOWN', reason: String }, config: { status: 'DOWN', revision: null } } }
  })
  t.match(await call('GET', '/ready'), { status: 503, body: { code: 'not_ready' } })
  t.match((await call('GET', '/status')).body, { draining: false, config: { status: 'DOWN' } })
})

t.test('while it shuts down an instance is alive and not ready', async t => {
  const { call, readiness } = await startAdmin(t)
  readiness.draining = true
  t.equal((await call('GET', '/health')).status, 200)
  t.match(await call('GET', '/ready'), { status: 503, body: { code: 'not_ready' } })
  t.equal((await call('GET', '/status')).body.draining, true)
})

t.test('a store that goes away leaves an instance alive, ready and DEGRADED, with the reason', async t => {
  const memory = createMemoryStore()
  let setState = (_state: StoreState): void => undefined
  const store = Object.assign(Object.create(memory) as typeof memory, {
    name: 'memory',
    load: () => memory.load(),
    position: () => memory.position(),
    commitsSince: (revision: number) => memory.commitsSince(revision),
    close: () => memory.close(),
    watch: (onNotice: Parameters<typeof memory.watch>[0], onState: (state: StoreState) => void) => {
      setState = onState
      return memory.watch(onNotice, onState)
    }
  })
  const { call } = await startAdmin(t, { store })
  setState({ up: false, reason: 'connection refused' })
  t.match(await call('GET', '/health'), {
    status: 200,
    body: { status: 'DEGRADED', details: { store: { status: 'DOWN', reason: 'connection refused' }, config: { status: 'UP' } } }
  })
  t.equal((await call('GET', '/ready')).status, 200)
  setState({ up: true })
  t.equal((await call('GET', '/health')).body.status, 'UP')
})

t.test('items in quarantine make an instance DEGRADED', async t => {
  const store = createMemoryStore()
  await store.commit([{ op: 'put', kind: 'service', id: 's', item: { targets: 'none' } }], 'hand')
  const { call } = await startAdmin(t, { store })
  t.match((await call('GET', '/health')).body, { status: 'DEGRADED', details: { config: { status: 'DEGRADED', quarantined: 1 } } })
})

t.test('probes may add a parameter of their own', async t => {
  const { call } = await startAdmin(t)
  for (const url of ['/health?_=1', '/ready?probe', '/metrics?x=1']) t.equal((await call('GET', url)).status, 200, url)
})
