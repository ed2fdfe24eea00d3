import t from 'tap'
import { startAdmin } from '../helpers/admin.ts'

t.test('/metrics speaks the Prometheus text format, and OpenMetrics to whom asks for it', async t => {
  const { call } = await startAdmin(t)
  const scrape = (accept: string) => call('GET', '/metrics', undefined, { accept })
  const plain = await scrape('*/*')
  t.equal(plain.headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8')
  t.match(plain.body, /^# TYPE sluice_config_applies_total counter$/m)
  t.match(plain.body, /^sluice_build_info\{version="/m)
  const open = await scrape('application/openmetrics-text;version=1.0.0,text/plain;q=0.5')
  t.equal(open.headers['content-type'], 'application/openmetrics-text; version=1.0.0; charset=utf-8')
  t.match(open.body, /^# TYPE sluice_config_applies counter\nsluice_config_applies_total 0$/m)
  t.ok(open.body.endsWith('\n# EOF\n'))
  t.equal((await scrape('text/plain')).body, plain.body, 'the next plain scrape finds the same names')
})
