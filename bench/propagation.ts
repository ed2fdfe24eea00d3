/**
 * `npm run bench:propagation`: how long from a write through one instance until a request through another one follows it. One Redis, all
 * instances on this machine, one write at a time, each time through another instance. What the columns mean: `docs/performance.md`.
 */
import { readFileSync } from 'node:fs'
import { availableParallelism, cpus } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { createScope } from '../chaos/harness/scope.ts'
import { quantile } from '../test/helpers/load.ts'
import { startRedis } from '../test/helpers/redis.ts'
import { Children, freePort } from './harness/children.ts'
import { coreTimeUs, cpuTimeUs } from './harness/cpu.ts'
import { requestOf } from './harness/hot-connection.ts'
import { type Instance, openInstance, type Sample, spread } from './harness/spread.ts'

const usage = `npm run bench:propagation -- [options]
  --writes N          how many writes are measured (10000)
  --instances N,N,…   with how many instances (2,8)
  --rules N           how many other rules there are (0)`

const cli = fileURLToPath(new URL('../src/cli.ts', import.meta.url))
const warmUpWrites = 500

interface Result {
  readonly instances: number
  readonly samples: readonly Sample[]
  readonly lost: number
  /** From the sending of each write until the instance that was asked had applied it, by its log. Its clock ticks in milliseconds. */
  readonly appliedMs: readonly number[]
  /** How much of the cores other processes took, 0 to 1. */
  readonly disturbance: number
}

async function startInstance(children: Children, store: string, at: number): Promise<Instance & { readonly log: string }> {
  const [port, adminPort] = [await freePort(), await freePort()]
  const log = join(children.folder, `${at}.log`)
  const env = {
    SLUICE_STORE: store,
    SLUICE_INSTANCE: `bench-${at}`,
    SLUICE_HOST: '127.0.0.1',
    SLUICE_PORT: String(port),
    SLUICE_ADMIN_PORT: String(adminPort),
    SLUICE_ADMIN_RATE_LIMIT: '0',
    SLUICE_DATA_DIR: join(children.folder, `data-${at}`),
    SLUICE_ACCESS_LOG: 'false'
  }
  const child = children.start({ command: [process.execPath, '--no-warnings', cli, 'start'], env, stdoutFile: log })
  await children.waitFor(child, `http://127.0.0.1:${adminPort}/ready`)
  return { ...(await openInstance(port, adminPort)), log }
}

async function measure(count: number, writes: number, rules: number): Promise<Result> {
  const scope = createScope()
  const children = new Children()
  try {
    const { url } = await startRedis(scope)
    const instances: (Instance & { readonly log: string })[] = []
    for (let at = 0; at < count; at++) instances.push(await startInstance(children, url, at))
    // Nobody else writes: from here on, each version makes one revision.
    const revision = await addRules(instances[0]!, rules)
    let version = 0
    const writeOne = (): Promise<Sample | undefined> => {
      const writer = ++version % count
      // Each writer's readers take turns.
      const reader = (writer + 1 + (Math.floor(version / count) % (count - 1))) % count
      return spread(instances, writer, reader, version)
    }
    for (let index = 0; index < warmUpWrites; index++) await writeOne()
    const first = revision + version + 1
    const disturbed = watchCores()
    const samples: (Sample | undefined)[] = []
    for (let index = 0; index < writes; index++) samples.push(await writeOne())
    const disturbance = disturbed()
    const behind = await lastOneBehind(instances, ++version)
    for (const child of instances) child.admin.close()
    await children.stopAll()
    const made = samples.filter(sample => sample !== undefined)
    const lost = samples.length - made.length + behind
    return {
      instances: count,
      samples: made,
      lost,
      disturbance,
      appliedMs: appliedTimes(
        samples,
        first,
        instances.map(({ log }) => log)
      )
    }
  } finally {
    await children.stopAll()
    await scope.close()
  }
}

/** One more write: how many instances never follow it. */
async function lastOneBehind(instances: readonly Instance[], version: number): Promise<number> {
  let count = 0
  for (const reader of instances.keys()) if ((await spread(instances, 0, reader, version)) === undefined) count++
  return count
}

// `first` is the revision that the first of `samples` made.
function appliedTimes(samples: readonly (Sample | undefined)[], first: number, logs: readonly string[]): number[] {
  const applied = logs.map(readApplied)
  return samples.flatMap((sample, index) => {
    const time = sample && applied[sample.reader]!.get(first + index)
    return time === undefined ? [] : [time - sample!.sentAt]
  })
}

function readApplied(log: string): Map<number, number> {
  const lines = readFileSync(log, 'utf8').trimEnd().split('\n')
  const entries = lines.map(line => JSON.parse(line) as { msg: string; revision: number; time: number })
  return new Map(entries.filter(({ msg }) => msg === 'configuration applied').map(({ revision, time }) => [revision, time]))
}

/** Begins to watch; the function it returns says which part of all cores went to processes that are not of this bench. */
function watchCores(): () => number {
  const cores = Array.from({ length: availableParallelism() }, (_, core) => String(core))
  const all = () => cores.reduce((sum, core) => sum + coreTimeUs(core), 0)
  const before = { ms: performance.now(), all: all(), own: cpuTimeUs(process.pid) }
  return () => {
    const others = all() - before.all - (cpuTimeUs(process.pid) - before.own)
    return Math.max(0, others) / ((performance.now() - before.ms) * 1_000 * cores.length)
  }
}

/** Resolves with the revision after that. */
async function addRules({ admin }: Instance, count: number): Promise<number> {
  const rule = (at: number) => ({ id: `other-${at}`, path: `/other/${at}`, target: 'http://127.0.0.1:9' })
  await admin.send(requestOf('PUT', '/config', { forward_rules: Array.from({ length: count }, (_, at) => rule(at)) }))
  const { body } = await admin.send(requestOf('GET', '/ready'))
  return (JSON.parse(body) as { revision: number }).revision
}

function toTable(results: readonly Result[]): string {
  const lines = results.map(({ instances, samples, appliedMs, lost, disturbance }) => {
    const figures = [samples.map(sample => sample.visibleMs), appliedMs, samples.map(sample => sample.answeredMs)].flatMap((values, at) => {
      const digits = at === 1 ? 0 : 2
      return [quantile(values, 0.5).toFixed(digits), quantile(values, 0.99).toFixed(digits)]
    })
    const longest = Math.max(...samples.map(sample => sample.visibleMs)).toFixed(0)
    return `| ${instances} | ${samples.length} | ${figures.slice(0, 2).join(' | ')} | ${longest} | ${figures.slice(2).join(' | ')} | ${lost} | ${Math.round(disturbance * 100)} % |`
  })
  return [
    '| instances | writes | visible p50 ms | p99 ms | max ms | applied p50 ms | p99 ms | answered p50 ms | p99 ms | lost | others |',
    '|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|',
    ...lines
  ].join('\n')
}

async function main(): Promise<void> {
  if (process.argv.includes('--help')) return console.log(usage)
  const text = { type: 'string' } as const
  const { values } = parseArgs({ options: { writes: text, instances: text, rules: text } })
  const counts = (values.instances ?? '2,8').split(',').map(Number)
  const writes = Number(values.writes ?? 10_000)
  if (!counts.every(count => Number.isInteger(count) && count > 1) || !(writes > 0)) throw new Error(usage)
  const results: Result[] = []
  for (const count of counts) results.push(await measure(count, writes, Number(values.rules ?? 0)))
  console.log(
    `${toTable(results)}\n\nNode ${process.versions.node}, ${availableParallelism()} cores, ${cpus()[0]?.model ?? 'unknown processor'}`
  )
  if (results.some(({ lost }) => lost > 0)) process.exitCode = 1
}

main().catch((error: unknown) => {
  console.error(`bench: ${error instanceof Error ? error.message : error}`)
  process.exit(1)
})
