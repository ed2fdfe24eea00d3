/** Requests in simulated time: arrivals that keep a rate, targets with a number of workers and a queue before them. */
import type { Balancer } from '../../../src/core/balance/balancer.ts'
import type { Candidate } from '../../../src/core/target-state.ts'
import { facts, type Owner } from './make.ts'

/** Mulberry32: the same numbers for the same seed, from 0 to below 1. */
export function seededRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

export interface Simulation {
  readonly balancer: Balancer
  readonly candidates: readonly Candidate[]
  readonly owner: Owner
  /** How long each target takes, by host, in milliseconds. */
  readonly serviceMs: Readonly<Record<string, number>>
  /** Between two arrivals, in milliseconds. */
  readonly everyMs: number
  readonly count: number
}

/** How many requests each target got, by host. */
export function simulate({ balancer, candidates, owner, serviceMs, everyMs, count }: Simulation): Record<string, number> {
  const shares: Record<string, number> = {}
  let ends: { atMs: number; beganMs: number; candidate: Candidate }[] = []
  for (let at = 0; at < count; at++) {
    const arrivalMs = at * everyMs
    const due = ends.filter(({ atMs }) => atMs <= arrivalMs).sort((a, b) => a.atMs - b.atMs)
    ends = ends.filter(({ atMs }) => atMs > arrivalMs)
    for (const { atMs, beganMs, candidate } of due) {
      owner.nowMs = atMs
      candidate.state.end(200, undefined, atMs - beganMs, beganMs)
    }
    owner.nowMs = arrivalMs
    const candidate = balancer.pick(candidates, facts)
    const { host } = candidate.target
    candidate.state.begin()
    ends.push({ atMs: arrivalMs + serviceMs[host]!, beganMs: arrivalMs, candidate })
    shares[host] = (shares[host] ?? 0) + 1
  }
  return shares
}
