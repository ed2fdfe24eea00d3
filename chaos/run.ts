/**
 * `npm run chaos`: lets every fault loose on real processes under load, and writes what that did into `docs/reliability.md`. Exits with 1
 * when a promise did not hold.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { loadavg } from 'node:os'
import { fileURLToPath } from 'node:url'
import { faults } from './faults.ts'
import type { Fault, Pace } from './harness/fault.ts'
import { Lab } from './harness/lab.ts'
import { parseOptions, usage } from './harness/options.ts'
import { conditions, type Row, toMeanings, toTable, withReport } from './harness/report.ts'
import { createScope, type Scope } from './harness/scope.ts'

const document = fileURLToPath(new URL('../docs/reliability.md', import.meta.url))

let scope: Scope | undefined

/** In a lab of its own. */
async function runOne(fault: Fault, pace: Pace): Promise<Row> {
  scope = createScope()
  try {
    return { fault, finding: await fault.run(await Lab.start(scope), pace) }
  } finally {
    await scope.close()
  }
}

async function main(): Promise<void> {
  const { pace, only, isWhole, list } = parseOptions(process.argv.slice(2))
  const chosen = faults.filter(({ name }) => only.test(name))
  if (list || chosen.length === 0) return console.log(faults.map(({ name, title }) => `${name.padEnd(28)}${title}`).join('\n'))
  const rows: Row[] = []
  const loads: number[] = []
  for (const fault of chosen) {
    loads.push(loadavg()[0]!)
    const row = await runOne(fault, pace)
    rows.push(row)
    console.error(toTable([row]).split('\n').at(-1))
  }
  const text = `${conditions(loads)}\n\n${toTable(rows)}\n\n${toMeanings(rows)}`
  if (isWhole) writeFileSync(document, withReport(readFileSync(document, 'utf8'), text))
  console.log(text)
  if (rows.some(({ finding }) => 'broken' in finding && finding.broken.length > 0)) process.exitCode = 1
}

// Whatever was started ends with this process.
for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143]
] as const)
  process.once(signal, () => void (scope?.close() ?? Promise.resolve()).finally(() => process.exit(code)))

main().catch(error => {
  console.error(
    error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_PARSE') ? `${error.message}\n${usage}` : error
  )
  process.exitCode = 1
})
