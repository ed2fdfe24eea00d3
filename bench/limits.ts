/**
 * `npm run bench:limits`: what a rate limit costs. In one process, without sockets: processor time that `Limiter.admit` adds to a request, by
 * algorithm, and memory per key with a million keys. With a Redis (`redis-server` is started here) also the modes of limits that instances
 * count together. Processor time, not time: it is the same on a busy machine.
 */
import { setImmediate } from 'node:timers/promises'
import { parseItem } from '../src/control/parse-item.ts'
import { RequestFacts } from '../src/core/facts.ts'
import type { CompiledLimit } from '../src/core/limit/compiled-limit.ts'
import { normalisePath } from '../src/core/path.ts'
import { Limiter } from '../src/limits/limiter.ts'

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

const floor = cpuPerRequest(() => {})
console.log('| limit | µs CPU added to a request | bytes a key |\n|---|---|---|')
for (const [name, limit] of inMemory) {
  const cpu = measureCpu(limit) - floor
  const bytes = name === 'concurrency' ? undefined : await measureMemory({ ...limit, window_ms: 2_000_000_000 })
  console.log(`| \`${name}\` | ${cpu.toFixed(2)} | ${bytes === undefined ? 'while in flight' : Math.round(bytes)} |`)
}
