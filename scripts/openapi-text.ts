/** The OpenAPI document of the admin API as YAML, made from an app that is built and never started. */
import { pino } from 'pino'
import { buildAdmin } from '../src/app.ts'
import { EventFeed } from '../src/control/event-feed.ts'
import { History } from '../src/control/history.ts'
import { LiveConfig } from '../src/control/live-config.ts'
import { createMetrics } from '../src/control/metrics.ts'
import { toYaml } from '../src/control/openapi-document.ts'
import { parseItem } from '../src/control/parse-item.ts'
import { ConfigWriter } from '../src/control/writer.ts'
import { createMemoryStore } from '../src/stores/memory-store.ts'

export async function openapiText(): Promise<string> {
  const store = createMemoryStore()
  const live = new LiveConfig({ store, parse: parseItem })
  const app = buildAdmin({
    live,
    writer: new ConfigWriter({ live, store, parse: parseItem }),
    history: new History(store),
    fleet: { list: async () => [] },
    feed: new EventFeed(live),
    logger: pino({ level: 'silent' }),
    metrics: createMetrics({ measureProcess: false }),
    isReady: () => false,
    tokens: [],
    adminHost: '127.0.0.1',
    instance: 'openapi'
  })
  await app.ready()
  const text = toYaml(app.swagger())
  await app.close()
  await store.close()
  return text
}
