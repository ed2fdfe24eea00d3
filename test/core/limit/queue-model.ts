/** A target in simulated time, whose latency grows with the load: a queue before some workers. Behind an adaptive limit, with more demand than it can take. */
import { AdaptiveRate } from '../../../src/core/limit/adaptive-rate.ts'
import type { AdaptivePolicy } from '../../../src/core/limit/compiled-limit.ts'
import { createDecision } from '../../../src/core/limit/decision.ts'
import { tokenBucket } from '../../../src/core/limit/token-bucket.ts'

export const defaultPolicy: AdaptivePolicy = {
  targetMs: 100,
  min: 10,
  max: 5_000,
  start: 100,
  kp: 0.5,
  ki: 0.1,
  kd: 0,
  windowMs: 1_000,
  burst: undefined
}

export interface QueueOptions {
  readonly workers?: number
  /** Of one request, on average. */
  readonly serviceMs?: number
  /** From half to three halves of the average, or exponential, as in the model M/M/c. */
  readonly spread?: 'even' | 'exponential'
  /** How the target loses half of its capacity in the second third of the time: it becomes twice as slow, or half of the workers stop. */
  readonly loses?: 'speed' | 'workers'
  readonly seconds?: number
  /** Of the capacity at the beginning. */
  readonly demand?: number
  readonly policy?: Partial<AdaptivePolicy>
  readonly seed?: number
}

export interface QueueRun {
  readonly targetMs: number
  /** The mean of each second. */
  readonly latencies: readonly number[]
  /** At the end of each second, in requests per second. */
  readonly rates: readonly number[]
  /** What the workers could take in each second. */
  readonly capacities: readonly number[]
}

export function simulate({
  workers = 10,
  serviceMs = 50,
  spread = 'even',
  loses = 'speed',
  seconds = 60,
  demand = 3,
  policy: changed = {},
  seed = 12_345
}: QueueOptions = {}): QueueRun {
  const policy = { ...defaultPolicy, ...changed }
  const random = createRandom(seed)
  const rate = new AdaptiveRate(policy, 0)
  const numbers = new Float64Array(tokenBucket.width)
  const decision = createDecision()
  const ends: { readonly atMs: number; readonly tookMs: number }[] = []
  const took: number[][] = Array.from({ length: seconds }, () => [])
  const rates: number[] = []
  const capacity = (1_000 * workers) / serviceMs
  const share = (nowMs: number) => (nowMs >= (seconds * 1_000) / 3 && nowMs < (seconds * 2_000) / 3 ? 0.5 : 1)
  const serve = createWorkers(workers, loses, () => serviceMs * (spread === 'even' ? 0.5 + random() : exponential(random)))
  for (let nowMs = 0; nowMs < seconds * 1_000; nowMs += (exponential(random) * 1_000) / (capacity * demand)) {
    while (ends.length > 0 && ends[0]!.atMs <= nowMs) {
      const { atMs, tookMs } = ends.shift()!
      rate.ended(tookMs)
      took[Math.floor(atMs / 1_000)]!.push(tookMs)
    }
    rate.advance(nowMs)
    rates[Math.floor(nowMs / 1_000)] = (rate.rate * 1_000) / policy.windowMs
    tokenBucket.take(numbers, 0, rate.spec, nowMs, 1, decision)
    rate.count(!decision.allowed, decision.allowed, nowMs)
    if (!decision.allowed) continue
    const atMs = serve(nowMs, share(nowMs))
    const place = ends.findLastIndex(end => end.atMs <= atMs) + 1
    ends.splice(place, 0, { atMs, tookMs: atMs - nowMs })
  }
  const capacities = rates.map((_, second) => capacity * share(second * 1_000))
  return { targetMs: policy.targetMs, latencies: took.map(mean), rates, capacities }
}

/** Says when a request that comes now will be answered, first come first served. */
function createWorkers(workers: number, loses: 'speed' | 'workers', drawMs: () => number): (nowMs: number, share: number) => number {
  const freeAt = new Array<number>(workers).fill(0)
  return (nowMs, share) => {
    const working = loses === 'workers' ? freeAt.slice(0, Math.max(1, Math.floor(workers * share))) : freeAt
    const worker = working.indexOf(Math.min(...working))
    const atMs = Math.max(nowMs, freeAt[worker]!) + drawMs() / (loses === 'speed' ? share : 1)
    freeAt[worker] = atMs
    return atMs
  }
}

function exponential(random: () => number): number {
  return -Math.log(1 - random())
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

// Park and Miller's minimal standard generator: the same numbers on every machine.
function createRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 48_271) % 2_147_483_647
    return state / 2_147_483_647
  }
}
