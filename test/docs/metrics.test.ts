/** docs/operations.md lists the metrics that there are: no metric without its line, no line without its metric. */
import { readFileSync } from 'node:fs'
import t from 'tap'
import { createMetrics } from '../../src/control/metrics.ts'

interface Described {
  readonly name: string
  readonly labels: string
}

t.test('every metric has one line with its labels, and every line its metric', async t => {
  const page = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8')
  const listed = [...page.matchAll(/^\| `(sluice_[a-z_]+)` \| ([^|]*?) ?\|/gm)].map(([, name, labels]): Described => {
    return { name: name!, labels: labels!.replaceAll(/[` ]/g, '') }
  })
  const { registry } = createMetrics({ measureProcess: false })
  const metrics = registry.getMetricsAsArray() as unknown as { name: string; labelNames?: readonly string[] }[]
  const made = metrics.map(({ name, labelNames = [] }): Described => ({ name, labels: labelNames.join(',') }))
  const byName = (a: Described, b: Described) => (a.name < b.name ? -1 : 1)
  t.ok(listed.length >= 10)
  t.same(listed.sort(byName), made.sort(byName))
})
