import t from 'tap'
import { createMetrics } from '../../src/control/metrics.ts'

t.test('what the configuration goes through is measured', async t => {
  const metrics = createMetrics({ measureProcess: false })
  metrics.setStoreUp('redis', false)
  metrics.setStoreUp('redis', true)
  metrics.recordApply(41, 0)
  metrics.recordApply(42, 3)
  metrics.recordApplyFailure()
  const text = await metrics.registry.metrics()
  for (const line of [
    'sluice_store_up{store="redis"} 1',
    'sluice_config_revision 42',
    'sluice_config_applies_total 2',
    'sluice_config_apply_failures_total 1',
    'sluice_config_quarantined_items 3'
  ])
    t.ok(text.split('\n').includes(line), line)
  const at = Number(/^sluice_config_last_apply_timestamp_seconds (\S+)$/m.exec(text)?.[1])
  t.ok(Math.abs(at - Date.now() / 1_000) < 60)
  t.match(text, /^sluice_build_info\{version="\d+\.\d+\.\d+"\} 1$/m)
})

t.test('durations fall into buckets, each holding all that are shorter', async t => {
  const metrics = createMetrics({ measureProcess: false })
  for (const seconds of [0.0005, 0.001, 0.002, 0.3, 99]) {
    metrics.requestStarted()
    metrics.requestEnded('r', 200, seconds)
  }
  const text = await metrics.registry.metrics()
  const count = (le: string) => Number(new RegExp(`_bucket\\{le="${le}",rule="r"\\} (\\d+)`).exec(text)?.[1])
  t.same([count('0.001'), count('0.0025'), count('0.25'), count('0.5'), count('30'), count('\\+Inf')], [2, 3, 3, 4, 4, 5])
  t.match(text, 'sluice_http_request_duration_seconds_count{rule="r"} 5')
  t.match(text, /sluice_http_request_duration_seconds_sum\{rule="r"\} 99\.3035/)
  t.match(text, /^# TYPE sluice_http_request_duration_seconds histogram$/m)
  const json = await metrics.registry.getMetricsAsJSON()
  const durations = json.find(({ name }) => name === 'sluice_http_request_duration_seconds') as { values: object[] } | undefined
  t.match(durations?.values.at(-1), { labels: { rule: 'r' }, value: 5 })
})

t.test('a rule that is forgotten has no series, others keep theirs', async t => {
  const metrics = createMetrics({ measureProcess: false })
  for (const rule of ['a', 'b', '']) metrics.requestEnded(rule, 200, 0.1)
  metrics.forgetRule('a')
  metrics.retainRules(() => false)
  const text = await metrics.registry.metrics()
  t.notMatch(text, 'rule="a"')
  t.notMatch(text, 'rule="b"')
  t.match(text, 'rule=""', 'requests that no rule took belong to no rule')
})

t.test('the process is measured under the standard names', async t => {
  const text = await createMetrics().registry.metrics()
  for (const name of ['process_cpu_seconds_total', 'process_resident_memory_bytes', 'nodejs_eventloop_lag_seconds', 'nodejs_version_info'])
    t.match(text, new RegExp(`^${name}`, 'm'))
})
