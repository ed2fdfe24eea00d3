/**
 * Runs the wire table (`test/proxy/wire/`) against Sluice, against another proxy, or against all that are installed:
 *   npm run test:wire                                                      Sluice
 *   npm run test:wire -- --against http://127.0.0.1:8080 --target-port 9100   a proxy that forwards everything to 127.0.0.1:9100
 *   npm run test:wire -- --peers                                           Sluice, nginx, HAProxy and Caddy
 *   npm run test:wire -- --write-docs                                      the same, into docs/conformance.md
 * `--only TEXT` runs the rows whose group or name holds it. Exits with 1 when a row of Sluice or of the other proxy does not hold.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { allRows } from '../test/proxy/wire/all-rows.ts'
import { type Column, type Outcome, runColumn } from '../test/proxy/wire/column.ts'
import { startOwnGateway } from '../test/proxy/wire/own-gateway.ts'
import { peers, startPeer, versionOf } from '../test/proxy/wire/peers.ts'
import { insertReport } from '../test/proxy/wire/report.ts'
import { startWireTarget } from '../test/proxy/wire/wire-target.ts'

const { values } = parseArgs({
  options: {
    against: { type: 'string' },
    'target-port': { type: 'string', default: '9100' },
    peers: { type: 'boolean', default: false },
    'write-docs': { type: 'boolean', default: false },
    only: { type: 'string', default: '' }
  }
})

const rows = allRows.filter(({ group, name }) => `${group}: ${name}`.includes(values.only))
const rowsForAll = rows.filter(({ terms }) => terms.ours === undefined)
const patienceMs = 1_500

function tell({ row, fault }: Outcome): void {
  if (fault === undefined) return
  const { gap } = row.terms
  console.log(`${gap === undefined ? 'not held' : 'known gap'}: ${row.group}: ${row.name}\n    ${fault.slice(0, 600)}`)
}

function sum(column: Column): Column {
  const held = column.outcomes.filter(({ fault }) => fault === undefined).length
  console.log(`${column.name}: ${held} of ${column.outcomes.length} rows held`)
  return column
}

async function runOwn(): Promise<Column> {
  const teardowns: (() => unknown)[] = []
  const target = await startWireTarget()
  const gateway = await startOwnGateway({ teardown: (work: () => unknown) => void teardowns.unshift(work) }, target.port)
  const health = () => (gateway.child.exitCode === null ? undefined : 'the process is gone')
  const bench = { port: Number(new URL(gateway.proxyUrl).port), target, patienceMs: 10_000, health }
  try {
    return sum(await runColumn('Sluice', rows, bench, tell))
  } finally {
    for (const work of teardowns) await work()
    await target.close()
  }
}

async function runPeers(): Promise<Column[]> {
  const columns: Column[] = []
  for (const peer of peers) {
    const version = versionOf(peer)
    if (version === undefined) {
      console.log(`${peer.name} is not installed`)
      continue
    }
    const target = await startWireTarget()
    const running = await startPeer(peer, target.port)
    const health = () => (running.child.exitCode === null ? undefined : 'the process is gone')
    columns.push(sum(await runColumn(`${peer.name} ${version}`, rowsForAll, { port: running.port, target, patienceMs, health })))
    await running.stop()
    await target.close()
  }
  return columns
}

async function runAgainst(url: string): Promise<Column> {
  const target = await startWireTarget(Number(values['target-port']))
  const bench = { port: Number(new URL(url).port || 80), target, patienceMs, health: () => undefined }
  const column = sum(await runColumn(url, rowsForAll, bench, tell))
  await target.close()
  return column
}

const first = values.against === undefined ? await runOwn() : await runAgainst(values.against)
if (values.peers || values['write-docs']) {
  const columns = [first, ...(await runPeers())]
  const path = fileURLToPath(new URL('../docs/conformance.md', import.meta.url))
  if (values['write-docs']) writeFileSync(path, insertReport(readFileSync(path, 'utf8'), columns))
}
process.exitCode = first.outcomes.some(({ row, fault }) => (fault === undefined) !== (row.terms.gap === undefined)) ? 1 : 0
