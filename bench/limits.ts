/**
 * `npm run bench:limits`: what a rate limit costs. In one process, without sockets: processor time that `Limiter.admit` adds to a request, by
 * algorithm, and memory per key with a million keys. With a Redis (`redis-server` is started here) also the modes of limits that instances
 * count together. Processor time, not time: it is the same on a busy machine.
 */
import { setImmediate } from 'node:timers/promises'
import { createScope } from '../chaos/harness/scope.ts'
import { parseItem } from '../src/control/parse-item.ts'
import { RequestFacts } from '../src/core/facts.ts'
import type { CompiledLimit } from '../src/core/limit/compiled-limit.ts'
import { normalisePath } from '../src/core/path.ts'
import { Limiter } from '../src/limits/limiter.ts'
import { RedisCluster } from '../src/limits/redis-cluster.ts'
import { quantile } from '../test/helpers/load.ts'
import { startRedis } from '../test/helpers/redis.ts'
import { writeTable } from './harness/docs.ts'

const requests = 1_000_000
const rounds = 3
const clients = 10_000
const manyKeys = 1_000_000

const inMemory = [
  ['token_bucket', { algorithm: 'token_bucket', limit: 100 }],
  ['leaky_bucket', { algorithm: 'leaky_bucket', limit: 100 }],
  ['sliding_window', { algorithm: 'sliding_window', limit: 100 }],
  ['sliding_log (100)', { algorithm: 'sliding_log', limit: 100 }],
  ['fixed_window', { algorithm: 'fixed_window', limit: 100 }],
  ['concurrency', { algorithm: 'concurrency', limit: 100 }]
] as const

function compile(rate_limit: object): readonly CompiledLimit[] {
  const parsed = parseItem({ kind: 'forward_rule', id: 'r1', item: { respond: {}, rate_limit }, seq: 1 })
  if (parsed.refused || parsed.kind !== 'forward_rule') throw new Error(JSON.stringify(parsed))
  return parsed.compiled.limits
}

const path = normalisePath('/api/users/7')!

function factsOf(index: number): RequestFacts {
  return new RequestFacts('GET', path, '', 'a', `10.${(index >> 16) & 255}.${(index >> 8) & 255}.${index & 255}`, {}, 0)
}

const known = Array.from({ length: clients }, (_, index) => factsOf(index))

/** Microseconds of processor time for each request: the median of the rounds. */
function cpuPerRequest(admit: (facts: RequestFacts) => void): number {
  const results: number[] = []
  for (let round = -1; round < rounds; round++) {
    const before = process.cpuUsage()
    for (let request = 0; request < requests; request++) admit(known[(request * 7_919) % clients]!)
    const { user, system } = process.cpuUsage(before)
    if (round >= 0) results.push((user + system) / requests)
  }
  return results.sort((a, b) => a - b)[rounds >> 1]!
}

function measureCpu(limit: object): number {
  const limiter = new Limiter()
  const limits = compile(limit)
  return cpuPerRequest(facts => {
    const admission = limiter.admit({ rule: 'r1', facts, limits, tierLimits: [] })
    if (!(admission instanceof Promise)) admission.release()
  })
}

/** Bytes for each of a million keys that were used once. */
async function measureMemory(limit: object): Promise<number> {
  const collect = globalThis.gc
  if (collect === undefined) throw new Error('run it with --expose-gc')
  const limiter = new Limiter({ maxKeys: manyKeys * 2 })
  const limits = compile(limit)
  const used = async () => {
    // What was made for an earlier limit goes only after the loop has turned.
    for (let turn = 0; turn < 3; turn++) {
      await setImmediate()
      collect()
    }
    const { heapUsed, arrayBuffers } = process.memoryUsage()
    return heapUsed + arrayBuffers
  }
  const before = await used()
  // A fixed moment: none of them is idle before the end.
  for (let index = 0; index < manyKeys; index++) limiter.admit({ rule: 'r1', facts: factsOf(index), limits, tierLimits: [] })
  const after = await used()
  if (limiter.keys !== manyKeys) throw new Error(`${limiter.keys} keys are known`)
  return (after - before) / manyKeys
}

/** Requests come in turns of the event loop, as in a gateway: what is asked in the background takes its share. */
const perTurn = 20

async function cpuInTurns(admit: (index: number) => void): Promise<number> {
  const results: number[] = []
  for (let round = -1; round < rounds; round++) {
    const count = requests / 4
    const before = process.cpuUsage()
    for (let request = 0; request < count; request++) {
      admit(request)
      if (request % perTurn === 0) await setImmediate()
    }
    const { user, system } = process.cpuUsage(before)
    if (round >= 0) results.push((user + system) / count)
  }
  return results.sort((a, b) => a - b)[rounds >> 1]!
}

async function measureBounded(cluster: RedisCluster, keys: number): Promise<number> {
  const limiter = new Limiter({ cluster })
  const limits = compile({ limit: 1_000_000, burst: 1_000_000, mode: 'bounded' })
  return cpuInTurns(index => void limiter.admit({ rule: 'r1', facts: known[index % keys]!, limits, tierLimits: [] }))
}

interface ExactResult {
  readonly cpuUs: number
  readonly p50Ms: number
  readonly p99Ms: number
}

async function measureExact(cluster: RedisCluster, inFlight: number): Promise<ExactResult> {
  const limiter = new Limiter({ cluster })
  const limits = compile({ limit: 1_000_000, mode: 'exact' })
  const count = inFlight === 1 ? 5_000 : 50_000
  const tookMs: number[] = []
  let sent = 0
  const client = async (): Promise<void> => {
    while (sent < count) {
      const facts = known[sent++ % 1_000]!
      const begunMs = performance.now()
      await limiter.admit({ rule: 'r1', facts, limits, tierLimits: [] })
      tookMs.push(performance.now() - begunMs)
    }
  }
  const before = process.cpuUsage()
  await Promise.all(Array.from({ length: inFlight }, client))
  const { user, system } = process.cpuUsage(before)
  return { cpuUs: (user + system) / count, p50Ms: quantile(tookMs, 0.5), p99Ms: quantile(tookMs, 0.99) }
}

const rows: string[] = []
function tell(name: string, cpuUs: number, rest: string): void {
  rows.push(`| ${name} | ${cpuUs.toFixed(2)} | ${rest} |`)
  console.error(rows.at(-1))
}

const floor = cpuPerRequest(() => {})
// Once without looking: whoever came first would pay for the compiler.
for (const [, limit] of inMemory) measureCpu(limit)
const cpus = new Map(inMemory.map(([name, limit]) => [name, measureCpu(limit) - floor]))
const together: (readonly [name: string, cpuUs: number, rest: string])[] = []
const scope = createScope()
try {
  const cluster = new RedisCluster({ url: (await startRedis(scope)).url, namespace: 'bench' })
  scope.teardown(() => cluster.close())
  while (!cluster.available) await setImmediate()
  const turnFloor = await cpuInTurns(() => {})
  for (const keys of [1, 100, 1_000, clients])
    together.push([
      `\`token_bucket\`, bounded, ${keys === 1 ? 'one key' : `${keys.toLocaleString('en')} keys in turn`}`,
      (await measureBounded(cluster, keys)) - turnFloor,
      'nothing is waited for'
    ])
  for (const inFlight of [64, 1]) {
    const { cpuUs, p50Ms, p99Ms } = await measureExact(cluster, inFlight)
    together.push([`\`token_bucket\`, exact, ${inFlight} in flight`, cpuUs, `p50 ${p50Ms.toFixed(2)} ms, p99 ${p99Ms.toFixed(2)} ms`])
  }
} finally {
  await scope.close()
}
// Last: what is left of a million keys would be in the way of the others.
for (const [name, limit] of inMemory) {
  const bytes =
    name === 'concurrency'
      ? 'only while in flight'
      : `${Math.round(await measureMemory({ ...limit, window_ms: 2_000_000_000 }))} bytes a key`
  tell(`\`${name}\`, in memory`, cpus.get(name)!, bytes)
}
for (const [name, cpuUs, rest] of together) tell(name, cpuUs, rest)
const table = ['| limit | µs CPU added to a request | |', '|---|---|---|', ...rows].join('\n')
console.log(table)
if (!process.argv.includes('--print')) {
  writeTable('rate-limits.md', 'limits', table)
}
