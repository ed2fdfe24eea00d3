import t from 'tap'
import { prefersOpenMetrics, toOpenMetrics } from '../../src/control/open-metrics.ts'

t.test('toOpenMetrics names counter families without _total and ends with EOF', async t => {
  const text = [
    '# HELP sluice_requests_total Requests.\n# TYPE sluice_requests_total counter\nsluice_requests_total{rule="a"} 3',
    '# HELP up Up.\n# TYPE up gauge\nup 1',
    '# HELP odd Odd.\n# TYPE odd counter\nodd 1',
    '# HELP gauge_total A gauge.\n# TYPE gauge_total gauge\ngauge_total 1\n'
  ].join('\n\n')
  t.equal(
    toOpenMetrics(text),
    [
      '# HELP sluice_requests Requests.\n# TYPE sluice_requests counter\nsluice_requests_total{rule="a"} 3',
      '# HELP up Up.\n# TYPE up gauge\nup 1',
      '# HELP odd Odd.\n# TYPE odd unknown\nodd 1',
      '# HELP gauge_total A gauge.\n# TYPE gauge_total gauge\ngauge_total 1',
      '# EOF\n'
    ].join('\n')
  )
})

t.test('prefersOpenMetrics reads what Prometheus and a browser send', async t => {
  t.equal(prefersOpenMetrics('application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3'), true)
  t.equal(prefersOpenMetrics('text/html,*/*;q=0.8'), false)
  t.equal(prefersOpenMetrics(undefined), false)
})
