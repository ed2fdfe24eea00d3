/**
 * `npm run bench`: what a proxied request costs, next to the least that it can cost and to the plugin that one would reach for. Each proxy
 * runs alone on core 0; wrk and the nginx target share core 1. How to read the figures: `docs/performance.md`.
 */
import { Children, freePort } from './harness/children.ts'
import { coreTimeUs, cpuTimeUs } from './harness/cpu.ts'
import { load } from './harness/load.ts'
import { type BenchOptions, parseOptions, usage } from './harness/options.ts'
import { conditions, disturbanceOf, type Run, toRows, toTable } from './harness/report.ts'
import { benchKey, folderFor, type Subject, subjects } from './harness/subjects.ts'
import { nginxArguments } from './harness/target.ts'
import { assertTwoCores, findTools, type Tool } from './harness/tools.ts'

const proxyCore = '0'
const loadCore = '1'

interface Bench {
  readonly options: BenchOptions
  readonly tools: Readonly<Record<Tool, string>>
  readonly children: Children
  readonly target: string
}

async function startTarget(tools: Bench['tools'], children: Children): Promise<string> {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const nginx = children.start({ command: [tools.taskset, '-c', loadCore, tools.nginx, ...nginxArguments(children.folder, port)] })
  await children.waitFor(nginx, url)
  return url
}

async function measure({ options, tools, children, target }: Bench, subject: Subject, folder: string): Promise<Run> {
  const port = await freePort()
  const spec = await subject.command(port, target, folder)
  const url = `http://127.0.0.1:${port}/api/users/7`
  const proxy = children.start({ ...spec, command: [tools.taskset, '-c', proxyCore, ...spec.command] })
  try {
    await children.waitFor(proxy, url)
    const wrk = [tools.taskset, '-c', loadCore, tools.wrk, '-H', `x-api-key: ${benchKey}`]
    await load(wrk, url, options.warmUpSeconds, options.connections)
    const before = { own: cpuTimeUs(proxy.pid!), all: coreTimeUs(proxyCore) }
    const result = await load(wrk, url, options.seconds, options.connections)
    const own = cpuTimeUs(proxy.pid!) - before.own
    const others = Math.max(0, coreTimeUs(proxyCore) - before.all - own)
    return { ...result, cpuUs: own / result.requests, disturbance: others / (options.seconds * 1_000_000) }
  } finally {
    await children.stop(proxy)
  }
}

async function runAll(bench: Bench): Promise<Map<string, Run[]>> {
  const chosen = subjects.filter(subject => bench.options.only.test(subject.name))
  if (chosen.length === 0) throw new Error(`${bench.options.only} finds no proxy`)
  const runs = new Map<string, Run[]>(chosen.map(subject => [subject.name, []]))
  for (let round = 1; round <= bench.options.rounds; round++) {
    for (const subject of chosen) {
      const run = await measure(bench, subject, folderFor(bench.children.folder, round, subject))
      runs.get(subject.name)!.push(run)
      const figures = `${run.cpuUs.toFixed(1)} µs/request, ${Math.round(run.requestsPerSecond)} requests/s`
      console.error(`round ${round}: ${subject.name}: ${figures}, others ${Math.round(run.disturbance * 100)} %`)
    }
  }
  return runs
}

async function main(): Promise<void> {
  if (process.argv.includes('--help')) return console.log(usage)
  const options = parseOptions(process.argv.slice(2))
  const tools = findTools()
  assertTwoCores()
  const children = new Children()
  const runs = await runAll({ options, tools, children, target: await startTarget(tools, children) })
  const rows = toRows(runs)
  const warning = disturbanceOf(runs)
  if (warning !== undefined) console.error(warning)
  if (options.json) console.log(JSON.stringify({ conditions: conditions(options), rows, runs: Object.fromEntries(runs) }, null, 2))
  else console.log(`${toTable(rows)}\n\n${conditions(options)}`)
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    console.error(`bench: ${error instanceof Error ? error.message : error}`)
    process.exit(1)
  }
)
