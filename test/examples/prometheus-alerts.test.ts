/** examples/prometheus-alerts.yaml: an alert on a metric that nobody exports would never fire. */
import { readFileSync } from 'node:fs'
import t from 'tap'
import { parse } from 'yaml'
import { createMetrics } from '../../src/control/metrics.ts'

interface Alert {
  readonly alert: string
  readonly expr: string
  readonly for: string
}

const text = readFileSync(new URL('../../examples/prometheus-alerts.yaml', import.meta.url), 'utf8')
const { groups } = parse(text) as { readonly groups: readonly { readonly rules: readonly Alert[] }[] }
const alerts = groups.flatMap(({ rules }) => rules)

t.test('every alert asks for metrics that the gateway exports', async t => {
  const known = new Set((await createMetrics().registry.getMetricsAsJSON()).map(({ name }) => name))
  for (const { alert, expr } of alerts) {
    const names = [...expr.matchAll(/sluice_[a-z_]+/g)].map(([name]) => name)
    t.ok(names.length > 0, alert)
    for (const name of names) t.ok(known.has(name) || known.has(name.replace(/_total$/, '')), `${alert}: ${name}`)
  }
})

t.test('a refusal rate above 50 a second for a minute is one of them', async t => {
  const found = alerts.find(({ expr }) => expr.includes('outcome="refused"'))
  t.match(found, { for: '1m', expr: /> 50$/ })
})
