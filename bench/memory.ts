/**
 * `npm run bench:memory`: what a gateway's memory does while large bodies go through, up and down, past somebody slow at the other end.
 * How to read it: `docs/performance.md`.
 */
import { parseArgs } from 'node:util'
import { createScope } from '../chaos/harness/scope.ts'
import { startGateway } from '../test/helpers/gateway.ts'
import { download, growthWhile, startTransferTarget, upload } from '../test/helpers/transfer.ts'

const usage = `npm run bench:memory -- [options]
  --megabytes N   size of each body (1000)
  --rate N        megabytes per second that the slow end takes (50)`

const warmUpBytes = 5_000_000
const boundBytes = 50_000_000

interface Options {
  readonly bytes: number
  readonly bytesPerSecond: number
}

function readOptions(): Options {
  const text = { type: 'string' } as const
  const { values } = parseArgs({ options: { megabytes: text, rate: text } })
  return { bytes: positive(values.megabytes ?? '1000') * 1e6, bytesPerSecond: positive(values.rate ?? '50') * 1e6 }
}

function positive(text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new Error(usage)
  return Number(text)
}

/** Measures one way through a gateway of its own: how much its resident memory grew, in bytes. */
async function measure(way: 'up' | 'down', { bytes, bytesPerSecond }: Options): Promise<number> {
  const scope = createScope()
  try {
    const target = await startTransferTarget(scope, bytesPerSecond)
    const gateway = await startGateway(scope, { SLUICE_ACCESS_LOG: 'false', SLUICE_STORE: 'memory:' })
    const { proxyUrl } = gateway
    await gateway.admin('PUT', '/forward-rules/r1', { path: '/', target: target.url })
    const memory = async () => (await gateway.admin<{ memory: { rss_bytes: number } }>('GET', '/status')).body.memory.rss_bytes
    const send = (count: number) => (way === 'up' ? upload(proxyUrl, count) : download(proxyUrl, count, bytesPerSecond))
    await send(warmUpBytes)
    return await growthWhile(memory, async () => {
      const arrived = await send(bytes)
      if (arrived !== bytes) throw new Error(`${arrived} of ${bytes} bytes arrived`)
    })
  } finally {
    await scope.close()
  }
}

const options = readOptions()
const rows: string[] = []
let holds = true
for (const way of ['up', 'down'] as const) {
  const grown = await measure(way, options)
  holds &&= grown < boundBytes
  rows.push(`| ${options.bytes / 1e6} MB ${way} | ${options.bytesPerSecond / 1e6} MB/s | ${Math.round(grown / 1e6)} MB |`)
}
console.log(['| body | slow end | resident memory grew by |', '|---|--:|--:|', ...rows].join('\n'))
if (!holds) process.exitCode = 1
