/** An adaptive limit and a target, in simulated time: does the latency come to where it should be, and stay? */
import t from 'tap'
import { AdaptiveRate } from '../../../src/core/limit/adaptive-rate.ts'
import { defaultPolicy, mean, type QueueOptions, simulate } from './queue-model.ts'

const queues: Readonly<Record<string, QueueOptions>> = {
  'ten workers of 50 ms': {},
  'ten workers of 50 ms, half of which stop': { loses: 'workers' },
  'M/M/10, half of which stop': { loses: 'workers', spread: 'exponential' },
  'M/M/2 of 10 ms': { workers: 2, serviceMs: 10, loses: 'workers', spread: 'exponential' },
  'four workers of 20 ms': { workers: 4, serviceMs: 20 },
  'twenty workers of 80 ms: little room to the target': { workers: 20, serviceMs: 80, loses: 'workers' },
  'twenty times the demand': { demand: 20 },
  'begun far too high': { policy: { start: 3_000, max: 5_000 } },
  'begun far too low': { policy: { start: 10 } },
  'a target of a second': { workers: 20, serviceMs: 500, seconds: 240, policy: { targetMs: 1_000, start: 40 } },
  'a target of ten milliseconds': { workers: 4, serviceMs: 4, policy: { targetMs: 10, start: 900, max: 100_000 } },
  'a target of a millisecond': { workers: 4, serviceMs: 0.4, seconds: 6, policy: { targetMs: 1, start: 9_000, max: 100_000 } }
}

t.test('against a queue it holds the target within 20 %, whatever its capacity does', async t => {
  for (const [name, options] of Object.entries(queues)) {
    for (const seed of [12_345, 7_919, 104_729]) {
      const { latencies, targetMs } = simulate({ ...options, seed })
      const third = latencies.length / 3
      for (const [phase, from] of [
        ['full', 0],
        ['half', 1],
        ['full again', 2]
      ] as const) {
        // The second half of each phase: it has settled.
        const settled = mean(latencies.slice(Math.floor((from + 0.5) * third), Math.floor((from + 1) * third)))
        t.ok(Math.abs(settled - targetMs) <= 0.2 * targetMs, `${name}, ${phase}: ${settled.toFixed(1)} ms`)
      }
    }
  }
})

t.test('a limit that held nothing back helps a target that loses half of its capacity', async t => {
  // 180 requests a second are well for 200, and too much for 100; the limit stands at 5,000.
  const { latencies } = simulate({ demand: 0.9, loses: 'workers', policy: { start: 5_000 } })
  const half = latencies.slice(20, 40)
  t.ok(Math.max(...half) < 1_000, `at worst ${Math.max(...half).toFixed(0)} ms`)
  t.ok(Math.abs(mean(half.slice(10)) - 100) <= 20, `then ${mean(half.slice(10)).toFixed(0)} ms`)
})

const base = 0.3

/**
 * A target that takes `base` of the target latency, and all of it at `balance` requests per second; from `lossAt` on, at half as many. Time in target latencies.
 * @returns the latency at each twentieth of one, as a share of the target
 */
function straightLine(targetMs: number, balance: number, start: number, units: number, lossAt: number): readonly number[] {
  const rate = new AdaptiveRate({ ...defaultPolicy, targetMs, start, min: balance / 1_000, max: balance * 1_000 }, 0)
  const ends: { readonly atMs: number; readonly tookMs: number }[] = []
  const shares: number[] = []
  // Not more often than the rate may move.
  const unitMs = Math.max(targetMs, 40)
  for (let slot = 0; slot < units * 20; slot++) {
    const nowMs = (slot * unitMs) / 20
    for (let end = ends[0]; end !== undefined && end.atMs <= nowMs; end = ends[0]) rate.ended(ends.shift()!.tookMs)
    rate.advance(nowMs)
    const share = base + ((1 - base) * rate.rate * (slot < lossAt * 20 ? 1 : 2)) / balance
    shares.push(share)
    rate.count(true, true, nowMs)
    ends.push({ atMs: nowMs + share * targetMs, tookMs: share * targetMs })
  }
  return shares
}

t.test('with the same gains it holds targets of 10 ms to 10 s at 1 to 100,000 requests per second', async t => {
  for (const targetMs of [10, 100, 1_000, 10_000])
    for (const balance of [1, 10, 1_000, 100_000])
      for (const start of [0.01, 1, 20]) {
        const shares = straightLine(targetMs, balance, balance * start, 240, 120)
        const parts = [shares.slice(80 * 20, 120 * 20), shares.slice(200 * 20)]
        for (const [part, settled] of parts.entries())
          t.ok(
            Math.min(...settled) >= 0.8 && Math.max(...settled) <= 1.2,
            `${targetMs} ms at ${balance}/s, begun at ${balance * start}, ${part === 0 ? 'before' : 'after'} the loss`
          )
      }
})

t.test('when the latency grows in a straight line, it settles without going over', async t => {
  const shares = straightLine(100, 200, 100, 120, 40)
  const rising = shares.slice(0, 40 * 20)
  t.ok(Math.max(...rising) <= 1.1, `from below at most ${Math.max(...rising).toFixed(2)} of the target`)
  const settledAt = shares.findLastIndex(share => Math.abs(share - 1) > 0.2) / 20 - 40
  t.ok(settledAt < 20, `settled ${settledAt.toFixed(1)} target latencies after the loss`)
})
