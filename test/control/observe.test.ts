import { pino } from 'pino'
import t from 'tap'
import { LiveConfig } from '../../src/control/live-config.ts'
import { createMetrics } from '../../src/control/metrics.ts'
import { observe } from '../../src/control/observe.ts'
import { parseItem } from '../../src/control/parse-item.ts'
import type { StoreState } from '../../src/core/store.ts'
import { createMemoryStore } from '../../src/stores/memory-store.ts'

t.test('while the store is away each reason is logged once, and again the next time it goes away', async t => {
  const store = createMemoryStore()
  let tell: (state: StoreState) => void = () => undefined
  const live = new LiveConfig({
    store: {
      name: 'memory',
      load: () => store.load(),
      commitsSince: (...args) => store.commitsSince(...args),
      position: () => store.position(),
      watch: async (_onNotice, onState) => {
        tell = onState!
      },
      close: () => store.close()
    },
    parse: parseItem
  })
  t.teardown(() => live.close())
  const lines: { msg: string; reason?: string }[] = []
  observe(live, pino({ base: null }, { write: line => void lines.push(JSON.parse(line)) }), createMetrics({ measureProcess: false }))
  await live.start()
  const reasonsSaid = () => lines.splice(0).flatMap(({ msg, reason }) => (/does not answer/.test(msg) ? reason : []))
  for (const reason of ['refused', 'reset', 'refused', 'reset']) tell({ up: false, reason })
  t.same(reasonsSaid(), ['refused', 'reset'])
  tell({ up: true })
  tell({ up: false, reason: 'reset' })
  t.same(reasonsSaid(), ['reset'])
})
