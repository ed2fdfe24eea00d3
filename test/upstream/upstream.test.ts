import t from 'tap'
import { RequestFacts } from '../../src/core/facts.ts'
import { Upstream } from '../../src/upstream/upstream.ts'
import { toSnapshot } from '../helpers/proxy-app.ts'

t.test('a sweep forgets what the live configuration does not name, and closes idle pools', async t => {
  const services = [
    { id: 'kept', targets: [{ url: 'http://127.0.0.1:9' }] },
    { id: 'gone', targets: [{ url: 'http://127.0.0.1:9' }] }
  ]
  const live = { snapshot: toSnapshot({ services }) }
  const upstream = new Upstream({ live, idlePoolMs: 60_000 })
  const facts = new RequestFacts('GET', { match: '/', forward: '/' }, '', 'a', '127.0.0.1', {}, 0)
  for (const { id } of services) upstream.services.pick(live.snapshot.service(id)!, facts)
  upstream.pools.get('http://127.0.0.1:9', 5_000)
  live.snapshot = toSnapshot({ services: services.slice(0, 1) })
  upstream.sweep()
  t.equal(upstream.services.size, 1)
  await upstream.close()
  t.equal(upstream.pools.size, 0)
})

t.test('before anything is loaded a sweep keeps everything', async t => {
  const upstream = new Upstream({ live: { snapshot: undefined } })
  upstream.sweep()
  await upstream.close()
  t.equal(upstream.draining, false)
  upstream.drain()
  t.equal(upstream.draining, true)
})
