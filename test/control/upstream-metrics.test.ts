import t from 'tap'
import { createMetrics } from '../../src/control/metrics.ts'

t.test('further attempts and copies are counted, and services that are gone forgotten', async t => {
  const metrics = createMetrics({ measureProcess: false })
  const lines = async () => (await metrics.registry.metrics()).split('\n').filter(line => /^sluice_(retries|mirror)/.test(line))
  metrics.recordRetry('a', 'reset')
  metrics.recordRetry('a', 'reset')
  metrics.recordRetry('', '503')
  metrics.recordRetryRefused('a')
  metrics.recordMirror('answered')
  const mirrored = 'sluice_mirror_requests_total{outcome="answered"} 1'
  const own = 'sluice_retries_total{service="",reason="503"} 1'
  t.same((await lines()).sort(), [
    mirrored,
    'sluice_retries_refused_total{service="a"} 1',
    own,
    'sluice_retries_total{service="a",reason="reset"} 2'
  ])
  metrics.retainServices(service => service !== 'a')
  t.same((await lines()).sort(), [mirrored, own])
})
